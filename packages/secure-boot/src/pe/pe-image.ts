/** A directory entry of the optional header. */
export interface PeDirectory {
  readonly address: number;
  readonly sizeBytes: number;
}

export interface PeSection {
  readonly name: string;
  readonly virtualAddress: number;
  readonly virtualSizeBytes: number;
  readonly rawOffset: number;
  readonly rawSizeBytes: number;
}

/** A PE/COFF program whose headers passed firmware's tests. */
export interface PeImage {
  readonly file: Uint8Array;
  readonly machine: number;
  readonly isPlus: boolean;
  readonly subsystem: number;
  readonly characteristics: number;
  readonly imageBase: bigint;
  readonly sizeOfImage: number;
  readonly sizeOfHeaders: number;
  /** Where the fields lie that are left out of the digest. */
  readonly checksumOffset: number;
  readonly directoriesOffset: number;
  readonly directories: readonly PeDirectory[];
  readonly sections: readonly PeSection[];
  readonly symbolTableOffset: number;
  readonly symbolCount: number;
}

export const machineNames: Readonly<Record<number, string>> = { 0x14c: "ia32", 0x8664: "x64", 0xebc: "ebc", 0xaa64: "aa64", 0x1c0: "arm", 0x1c4: "arm", 0x5064: "riscv64", 0x6264: "loongarch64" };
export const securityDirectory = 4;
export const relocationDirectory = 5;

const DOS_HEADER_BYTES = 64;
/** Firmware reads the largest possible header at once (EFI_IMAGE_OPTIONAL_HEADER_UNION). */
const HEADER_UNION_BYTES = 264;
const SECTION_HEADER_BYTES = 40;
const DIRECTORIES_MAX = 16;
const APPLICATION_SUBSYSTEM = 10;
const LOADABLE_MACHINES: ReadonlySet<number> = new Set([0x14c, 0x8664, 0xebc, 0xaa64]);

/** Why headers are not usable; the text ends a sentence that begins with the file's name. */
export interface PeProblem {
  readonly problem: string;
}

/**
 * The boot manager's own look at a boot file, before any security (BmIsLoadOptionPeHeaderValid). Null when the file passes; else it is
 * skipped as if it were not there.
 */
export function findBootHeaderProblem(file: Uint8Array): string | null {
  const view = viewOf(file);
  if (file.length < DOS_HEADER_BYTES || view.getUint16(0, true) !== 0x5a4d) return "is not a program: it does not begin with MZ";
  const header = view.getUint32(0x3c, true);
  if (header >= file.length || file.length < header + HEADER_UNION_BYTES || view.getUint32(header, true) !== 0x4550) return "has no PE header";
  const magic = view.getUint16(header + 24, true);
  if (magic !== 0x10b && magic !== 0x20b) return "has a PE header of an unknown kind";
  const subsystem = view.getUint16(header + 24 + 68, true);
  return subsystem === APPLICATION_SUBSYSTEM ? null : `is not an EFI application (subsystem ${subsystem}, and 10 is needed)`;
}

/** Reads the headers with the tests of PeCoffLoaderGetImageInfo, in its order. */
export function readPeImage(file: Uint8Array): PeImage | PeProblem {
  const view = viewOf(file);
  if (file.length < DOS_HEADER_BYTES) return { problem: "is shorter than a program's first header" };
  const header = view.getUint16(0, true) === 0x5a4d ? view.getUint32(0x3c, true) : 0;
  if (header + HEADER_UNION_BYTES > file.length || view.getUint32(header, true) !== 0x4550) return { problem: "has no PE header" };
  const optional = header + 24;
  const magic = view.getUint16(optional, true);
  if (magic !== 0x10b && magic !== 0x20b) return { problem: "has a PE header of an unknown kind" };
  const isPlus = magic === 0x20b;
  const directoryCount = view.getUint32(optional + (isPlus ? 108 : 92), true);
  const directoriesOffset = optional + (isPlus ? 112 : 96);
  const optionalSizeBytes = view.getUint16(header + 20, true);
  if (directoryCount > DIRECTORIES_MAX) return { problem: `claims ${directoryCount} data directories` };
  if (optionalSizeBytes !== directoriesOffset - optional + directoryCount * 8) return { problem: "has an optional header whose size does not fit its directories" };
  const image: Omit<PeImage, "sections"> = {
    file,
    machine: view.getUint16(header + 4, true),
    isPlus,
    subsystem: view.getUint16(optional + 68, true),
    characteristics: view.getUint16(header + 22, true),
    imageBase: isPlus ? view.getBigUint64(optional + 24, true) : BigInt(view.getUint32(optional + 28, true)),
    sizeOfImage: view.getUint32(optional + 56, true),
    sizeOfHeaders: view.getUint32(optional + 60, true),
    checksumOffset: optional + 64,
    directoriesOffset,
    directories: Array.from({ length: directoryCount }, (_, index) => ({ address: view.getUint32(directoriesOffset + index * 8, true), sizeBytes: view.getUint32(directoriesOffset + index * 8 + 4, true) })),
    symbolTableOffset: view.getUint32(header + 12, true),
    symbolCount: view.getUint32(header + 16, true),
  };
  const table = optional + optionalSizeBytes;
  const count = view.getUint16(header + 6, true);
  const problem = findHeaderProblem(image, table, count);
  if (problem !== null) return { problem };
  const sections = readSections(image, table, count);
  const sectionProblem = findSectionProblem(image, sections);
  if (sectionProblem !== null) return { problem: sectionProblem };
  return LOADABLE_MACHINES.has(image.machine) ? { ...image, sections } : { problem: `is for an unknown machine (0x${image.machine.toString(16)})` };
}

function findHeaderProblem({ file, sizeOfImage, sizeOfHeaders, directories }: Omit<PeImage, "sections">, table: number, count: number): string | null {
  if (sizeOfImage <= table || Math.floor((sizeOfImage - table) / SECTION_HEADER_BYTES) <= count) return "has an image size too small for its section table";
  if (sizeOfHeaders <= table || sizeOfHeaders >= sizeOfImage || Math.floor((sizeOfHeaders - table) / SECTION_HEADER_BYTES) < count) return "has a header size that does not fit its section table";
  if (sizeOfHeaders > file.length) return "ends inside its headers";
  const security = directories[securityDirectory];
  if (security !== undefined && security.sizeBytes > 0 && security.address + security.sizeBytes > file.length) return "ends before its certificate table does";
  return null;
}

function readSections({ file, symbolTableOffset, symbolCount }: Omit<PeImage, "sections">, table: number, count: number): readonly PeSection[] {
  const view = viewOf(file);
  const strings = symbolTableOffset + symbolCount * 18;
  return Array.from({ length: count }, (_, index) => {
    const offset = table + index * SECTION_HEADER_BYTES;
    return {
      name: sectionName(file, offset, strings),
      virtualSizeBytes: view.getUint32(offset + 8, true),
      virtualAddress: view.getUint32(offset + 12, true),
      rawSizeBytes: view.getUint32(offset + 16, true),
      rawOffset: view.getUint32(offset + 20, true),
    };
  });
}

/** Names of more than eight letters lie in the string table behind the symbols: "/26" is its byte 26. */
function sectionName(file: Uint8Array, offset: number, strings: number): string {
  const short = textUpToNul(file.subarray(offset, offset + 8));
  const place = /^\/(\d+)$/.exec(short)?.[1];
  return place === undefined ? short : textUpToNul(file.subarray(strings + Number(place), strings + Number(place) + 64));
}

function findSectionProblem({ file, sizeOfHeaders }: Omit<PeImage, "sections">, sections: readonly PeSection[]): string | null {
  for (const { name, virtualAddress, rawOffset, rawSizeBytes } of sections) {
    if (rawSizeBytes === 0) continue;
    if (virtualAddress < sizeOfHeaders || rawOffset < sizeOfHeaders) return `has a section (${name}) that lies inside its headers`;
    if (rawOffset + rawSizeBytes > file.length) return `ends before its section ${name} does`;
  }
  return null;
}

/** The content of the first section of that name: as many bytes as are meant, without the padding of the file. */
export function sectionContent(image: PeImage, name: string): Uint8Array | null {
  const section = image.sections.find((item) => item.name === name);
  if (section === undefined) return null;
  const length = section.virtualSizeBytes === 0 ? section.rawSizeBytes : Math.min(section.virtualSizeBytes, section.rawSizeBytes);
  return image.file.subarray(section.rawOffset, section.rawOffset + length);
}

export function textUpToNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
