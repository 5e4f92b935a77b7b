import type { ByteSource } from "../byte-source.ts";
import { Fields } from "../fields.ts";

/** What the bytes say they are. "raw" is what says nothing. */
export type DetectedFormat = "raw" | "vhdx" | "vhd" | "qcow2" | "qcow" | "qed" | "vmdk" | "vdi" | "parallels" | "luks" | "iso" | "efi" | "gzip" | "xz" | "zstd" | "bzip2" | "zip";

const HEAD_BYTES = 512;
const VHDX_HEADER_OFFSET = 64 * 1024;
const VHDX_MARKS = [
  [VHDX_HEADER_OFFSET, "head"],
  [2 * VHDX_HEADER_OFFSET, "head"],
] as const;
const VOLUME_DESCRIPTOR_OFFSET = 0x8000;

/** Signatures at the very beginning, by their bytes as Latin-1 text. */
const BEGINNINGS: readonly (readonly [string, DetectedFormat])[] = [
  ["vhdxfile", "vhdx"],
  ["conectix", "vhd"],
  ["QED\0", "qed"],
  ["KDMV", "vmdk"],
  ["COWD", "vmdk"],
  ["# Disk DescriptorFile", "vmdk"],
  ["WithoutFreeSpace", "parallels"],
  ["WithouFreSpacExt", "parallels"],
  ["LUKS\xba\xbe", "luks"],
  ["\x1f\x8b", "gzip"],
  ["\xfd7zXZ\0", "xz"],
  ["\x28\xb5\x2f\xfd", "zstd"],
  ["BZh", "bzip2"],
  ["PK\x03\x04", "zip"],
];
const VDI_MAGIC = 0xbeda107f;
const VDI_MAGIC_OFFSET = 0x40;

/**
 * Detects the format by content; names and declarations are not asked. Reads some sectors at most. `hasFarEnd` leaves the end of the file
 * alone, where reaching it would cost too much; a fixed VHD is then taken for the raw disk that it begins with.
 */
export async function detectFormat(source: ByteSource, { hasFarEnd = false }: { readonly hasFarEnd?: boolean } = {}): Promise<DetectedFormat> {
  const head = new Fields(await source.read(0, Math.min(HEAD_BYTES, source.sizeBytes)));
  for (const [beginning, format] of BEGINNINGS) if (head.text(0, beginning.length) === beginning) return format;
  if (head.text(0, 4) === "QFI\xfb") return head.bytes.length >= 8 && head.u32Big(4) === 1 ? "qcow" : "qcow2";
  if (head.bytes.length >= VDI_MAGIC_OFFSET + 4 && head.u32(VDI_MAGIC_OFFSET) === VDI_MAGIC) return "vdi";
  if (await hasVhdxHeaders(source)) return "vhdx";
  if (!hasFarEnd && source.sizeBytes >= HEAD_BYTES && (await textAt(source, source.sizeBytes - HEAD_BYTES, 8)) === "conectix") return "vhd";
  if (await isPortableExecutable(source, head)) return "efi";
  if ((await textAt(source, VOLUME_DESCRIPTOR_OFFSET + 1, 5)) === "CD001") return "iso";
  return "raw";
}

/** A VHDX whose identifier is damaged still has its headers and region tables, each twice. */
async function hasVhdxHeaders(source: ByteSource): Promise<boolean> {
  for (const [place, mark] of VHDX_MARKS) if ((await textAt(source, place, 4)) === mark && (await textAt(source, place + 2 * VHDX_HEADER_OFFSET, 4)) === "regi") return true;
  return false;
}

async function textAt(source: ByteSource, offset: number, length: number): Promise<string | null> {
  if (offset + length > source.sizeBytes) return null;
  return String.fromCharCode(...(await source.read(offset, length)));
}

async function isPortableExecutable(source: ByteSource, head: Fields): Promise<boolean> {
  if (head.bytes.length < 0x40 || head.text(0, 2) !== "MZ") return false;
  // A hybrid disk image may begin like a program, but a program has no volume descriptor.
  if ((await textAt(source, VOLUME_DESCRIPTOR_OFFSET + 1, 5)) === "CD001") return false;
  return (await textAt(source, head.u32(0x3c), 4)) === "PE\0\0";
}
