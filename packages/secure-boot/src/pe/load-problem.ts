import { type PeImage, relocationDirectory, viewOf } from "./pe-image.ts";

/** What keeps a program from running after security let it pass (EDK2 CoreLoadPeImage, CoreStartImage). */
export interface LoadProblem {
  readonly kind: "unsupported" | "load-error" | "start-error" | "uncertain";
  /** Ends a sentence that begins with the file's name. */
  readonly text: string;
}

const IA32 = 0x14c;
const AARCH64 = 0xaa64;
const BYTE_CODE = 0xebc;
const RELOCATIONS_STRIPPED = 0x0001;
const APPLICATION_TO_ROM: ReadonlySet<number> = new Set([10, 11, 12, 13]);

export function findLoadProblem(image: PeImage): LoadProblem | null {
  if (image.machine === AARCH64) return { kind: "unsupported", text: "is for another processor (aa64) than the machine's (x64)" };
  if (!APPLICATION_TO_ROM.has(image.subsystem)) return { kind: "unsupported", text: `is not an EFI program (subsystem ${image.subsystem})` };
  const outside = image.sections.find(({ virtualAddress, virtualSizeBytes, rawSizeBytes }) => rawSizeBytes > 0 && (virtualAddress >= image.sizeOfImage || virtualAddress + virtualSizeBytes > image.sizeOfImage));
  if (outside !== undefined) return { kind: "load-error", text: `has a section (${outside.name}) beyond its own image size` };
  if ((image.characteristics & RELOCATIONS_STRIPPED) !== 0) return { kind: "uncertain", text: `can only run at its fixed address 0x${image.imageBase.toString(16)}, which must be free in the machine's memory` };
  const relocations = findRelocationProblem(image);
  if (relocations !== null) return { kind: "load-error", text: relocations };
  if (image.machine === BYTE_CODE) return { kind: "uncertain", text: "is EFI byte code, whose interpreter not every firmware carries" };
  return image.machine === IA32 ? { kind: "start-error", text: "is a 32-bit program, which firmware of 64 bits loads but cannot start" } : null;
}

function findRelocationProblem(image: PeImage): string | null {
  const directory = image.directories[relocationDirectory];
  if (directory === undefined || directory.sizeBytes === 0) return null;
  const end = directory.address + directory.sizeBytes;
  if (end - 1 >= image.sizeOfImage) return "has relocations beyond its own image size";
  const at = (address: number, length: number): DataView | null => {
    const section = image.sections.find(({ virtualAddress, rawSizeBytes }) => address >= virtualAddress && address + length <= virtualAddress + rawSizeBytes);
    return section === undefined ? null : new DataView(viewOf(image.file).buffer, image.file.byteOffset + section.rawOffset + address - section.virtualAddress, length);
  };
  for (let address = directory.address; address < end - 1; ) {
    const sizeBytes = at(address, 8)?.getUint32(4, true) ?? 0;
    if (sizeBytes === 0) return "has a relocation block without a size";
    if (address + sizeBytes > end) return "has a relocation block that leaves its directory";
    address += sizeBytes;
  }
  return null;
}
