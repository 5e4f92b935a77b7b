/** Whose firmware decides. "hyper-v" is Microsoft's open firmware (mu_msvm) as far as it is published. */
export type FirmwareName = "hyper-v" | "edk2-2022.11" | "edk2-2026.08";

export const firmwareNames: readonly FirmwareName[] = ["hyper-v", "edk2-2022.11", "edk2-2026.08"];

/** One difference between firmware releases. Numbers are never given twice. */
export interface Quirk<Value> {
  readonly id: string;
  /** What differs, in one sentence. */
  readonly title: string;
  readonly values: Readonly<Record<FirmwareName, Value>>;
  /** How it is known: source and function, or measurement. */
  readonly evidence: string;
}
