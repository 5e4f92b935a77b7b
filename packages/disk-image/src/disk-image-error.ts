/** Every way in which bytes fail to be a disk. The codes are stable; docs/errors.md lists them with their remedies. */
export type DiskImageCode =
  | "DI-READ-OUTSIDE"
  | "DI-READ-BUDGET"
  | "DI-EMPTY"
  | "DI-NOT-A-DISK"
  | "DI-SECTOR-SIZE"
  | "DI-FORMAT-UNREADABLE"
  | "DI-VHDX-IDENTIFIER"
  | "DI-VHDX-HEADER"
  | "DI-VHDX-REGION"
  | "DI-VHDX-METADATA"
  | "DI-VHDX-BLOCK"
  | "DI-VHDX-LOG"
  | "DI-VHD-FOOTER"
  | "DI-VHD-HEADER"
  | "DI-VHD-BLOCK"
  | "DI-PARENT-MISSING"
  | "DI-PARENT-OTHER"
  | "DI-PARENT-CYCLE"
  | "DI-TWO-FORMATS"
  | "DI-QCOW-HEADER"
  | "DI-QCOW-ENCRYPTED"
  | "DI-QCOW-CLUSTER"
  | "DI-QED-HEADER"
  | "DI-PARALLELS-HEADER"
  | "DI-QCOW2-HEADER"
  | "DI-QCOW2-FEATURE"
  | "DI-QCOW2-ENCRYPTED"
  | "DI-QCOW2-EXTERNAL-DATA"
  | "DI-QCOW2-CLUSTER"
  | "DI-VMDK-HEADER"
  | "DI-VMDK-EXTENTS"
  | "DI-VMDK-GRAIN"
  | "DI-VDI-HEADER"
  | "DI-VDI-BLOCK"
  | "DI-COMPRESSED-DATA"
  | "DI-COMPRESSED-METHOD"
  | "DI-COMPRESSED-WINDOW"
  | "DI-COMPRESSED-BUDGET"
  | "DI-COMPRESSED-NESTED"
  | "DI-GPT-TOO-LARGE"
  | "DI-FAT-CHAIN"
  | "DI-FAT-TOO-LARGE";

/**
 * Codes that leave open what a machine would see: something that was not handed over, is kept elsewhere, or is beyond what this reader does
 * for one image. All others say that the bytes are no disk, or a broken one.
 */
export const openProblems: ReadonlySet<DiskImageCode> = new Set<DiskImageCode>([
  "DI-READ-BUDGET",
  "DI-FORMAT-UNREADABLE",
  "DI-TWO-FORMATS",
  "DI-PARENT-MISSING",
  "DI-PARENT-OTHER",
  "DI-PARENT-CYCLE",
  "DI-QCOW2-FEATURE",
  "DI-QCOW2-EXTERNAL-DATA",
  "DI-VMDK-EXTENTS",
  "DI-COMPRESSED-METHOD",
  "DI-COMPRESSED-WINDOW",
  "DI-COMPRESSED-BUDGET",
  "DI-COMPRESSED-NESTED",
  "DI-GPT-TOO-LARGE",
  "DI-FAT-TOO-LARGE",
]);

/** A problem of the image itself. The message says what was found where, and what can be done about it. */
export class DiskImageError extends Error {
  override readonly name = "DiskImageError";
  readonly code: DiskImageCode;

  constructor(code: DiskImageCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
