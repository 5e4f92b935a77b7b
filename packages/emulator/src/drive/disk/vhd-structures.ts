import { efiGuidBytes, efiGuidText } from "./efi-guid.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import type { DiskFile } from "./disk-file.ts";
import type { ParentLink } from "./disk-layer.ts";

/** Sector of the VHD format: also what its guests see. */
export const vhdSectorBytes = 512;
export const vhdSizeBytesMax = 2040 * 1024 ** 3;
export const vhdHeaderBytes = 1024;
/** A table entry of a block that is not there. */
export const vhdNoBlock = 0xffffffff;

const secondsTo2000 = 946_684_800;
const typeNumbers = { fixed: 2, dynamic: 3, differencing: 4 } as const;
const noOffset = 0xffff_ffff_ffff_ffffn;
const parentNameBytes = 512;
const locatorsMax = 8;

/** The last sector of the file; of sparse ones also the first. */
export interface VhdFooter {
  readonly type: keyof typeof typeNumbers;
  readonly sizeBytes: number;
  readonly diskId: string;
  /** Where the header of a sparse disk lies; behind the copy of the footer in new ones. */
  readonly headerOffset: number;
}

/** The header of a dynamic or differencing disk. */
export interface VhdHeader {
  readonly tableOffset: number;
  readonly entries: number;
  readonly blockSizeBytes: number;
  readonly parent: ParentLink | null;
}

/** Null when the sector is no footer with a right checksum. */
export function decodeVhdFooter(bytes: Buffer): VhdFooter | null {
  if (bytes.toString("latin1", 0, 8) !== "conectix" || bytes.readUInt32BE(64) !== checksum(bytes, 64)) return null;
  const type = Object.entries(typeNumbers).find(([, number]) => number === bytes.readUInt32BE(60))?.[0] as VhdFooter["type"] | undefined;
  if (!type) return null;
  return { type, sizeBytes: Number(bytes.readBigUInt64BE(48)), diskId: efiGuidText(bytes.subarray(68, 84)), headerOffset: Number(bytes.readBigUInt64BE(16)) };
}

export function encodeVhdFooter(footer: VhdFooter): Buffer {
  const bytes = Buffer.alloc(vhdSectorBytes);
  bytes.write("conectix", 0, "latin1");
  bytes.writeUInt32BE(2, 8);
  bytes.writeUInt32BE(0x0001_0000, 12);
  bytes.writeBigUInt64BE(footer.type === "fixed" ? noOffset : BigInt(footer.headerOffset), 16);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000) - secondsTo2000, 24);
  // The creator of Windows: readers then go by the size and not by the geometry.
  bytes.write("win ", 28, "latin1");
  bytes.writeUInt32BE(0x000a_0000, 32);
  bytes.write("Wi2k", 36, "latin1");
  bytes.writeBigUInt64BE(BigInt(footer.sizeBytes), 40);
  bytes.writeBigUInt64BE(BigInt(footer.sizeBytes), 48);
  bytes.set(geometry(footer.sizeBytes / vhdSectorBytes), 56);
  bytes.writeUInt32BE(typeNumbers[footer.type], 60);
  bytes.set(efiGuidBytes(footer.diskId), 68);
  bytes.writeUInt32BE(checksum(bytes, 64), 64);
  return bytes;
}

/** Cylinders, heads and sectors: the algorithm of the format's specification, appendix. */
function geometry(sectors: number): Uint8Array {
  const total = Math.min(sectors, 65_535 * 16 * 255);
  let perTrack = 255;
  let heads = 16;
  let cylinderTimesHeads = Math.floor(total / perTrack);
  if (total < 65_536 * 16 * 63) {
    perTrack = 17;
    cylinderTimesHeads = Math.floor(total / perTrack);
    heads = Math.max(4, Math.ceil(cylinderTimesHeads / 1024));
    if (cylinderTimesHeads >= heads * 1024 || heads > 16) {
      perTrack = 31;
      heads = 16;
      cylinderTimesHeads = Math.floor(total / perTrack);
    }
    if (cylinderTimesHeads >= heads * 1024) {
      perTrack = 63;
      heads = 16;
      cylinderTimesHeads = Math.floor(total / perTrack);
    }
  }
  const cylinders = Math.floor(cylinderTimesHeads / heads);
  return Uint8Array.of(cylinders >> 8, cylinders & 0xff, heads, perTrack);
}

/** @throws VirtualDiskError when the header is damaged */
export async function readVhdHeader(file: DiskFile, footer: VhdFooter): Promise<VhdHeader> {
  const bytes = await file.read(footer.headerOffset, vhdHeaderBytes);
  const header = { tableOffset: Number(bytes.readBigUInt64BE(16)), entries: bytes.readUInt32BE(28), blockSizeBytes: bytes.readUInt32BE(32) };
  const { blockSizeBytes } = header;
  if (bytes.toString("latin1", 0, 8) !== "cxsparse" || bytes.readUInt32BE(36) !== checksum(bytes, 36)) throw damagedVhd(file, "its header has a wrong checksum");
  if (blockSizeBytes < 64 * 1024 || blockSizeBytes > 256 * 1024 ** 2 || (blockSizeBytes & (blockSizeBytes - 1)) !== 0) throw damagedVhd(file, `its block size is ${blockSizeBytes} bytes`);
  if (header.entries * blockSizeBytes < footer.sizeBytes || header.tableOffset + header.entries * 4 > file.sizeBytes) throw damagedVhd(file, "its block table is too small for its size");
  return { ...header, parent: footer.type === "differencing" ? await readParent(file, bytes) : null };
}

async function readParent(file: DiskFile, header: Buffer): Promise<ParentLink> {
  const paths = new Map<string, string>();
  for (let index = 0; index < locatorsMax; index++) {
    const at = 576 + index * 24;
    const lengthBytes = header.readUInt32BE(at + 8);
    const code = header.toString("latin1", at, at + 4);
    if ((code === "W2ru" || code === "W2ku") && lengthBytes <= 65_536) paths.set(code, (await file.read(Number(header.readBigUInt64BE(at + 16)), lengthBytes)).toString("utf16le"));
  }
  return { linkIds: [efiGuidText(header.subarray(40, 56))], relativePath: paths.get("W2ru") ?? null, absolutePath: paths.get("W2ku") ?? null };
}

/** A header, and the texts of its parent locators laid out from `textOffset` on. */
export function encodeVhdHeader(header: VhdHeader, textOffset: number): { readonly header: Buffer; readonly texts: Buffer } {
  const bytes = Buffer.alloc(vhdHeaderBytes);
  bytes.write("cxsparse", 0, "latin1");
  bytes.writeBigUInt64BE(noOffset, 8);
  bytes.writeBigUInt64BE(BigInt(header.tableOffset), 16);
  bytes.writeUInt32BE(0x0001_0000, 24);
  bytes.writeUInt32BE(header.entries, 28);
  bytes.writeUInt32BE(header.blockSizeBytes, 32);
  const texts: Buffer[] = [];
  if (header.parent) {
    bytes.set(efiGuidBytes(header.parent.linkIds[0] ?? ""), 40);
    const name = (header.parent.absolutePath ?? header.parent.relativePath ?? "").slice(-parentNameBytes / 2);
    bytes.set(Buffer.from(name, "utf16le").swap16(), 64);
    for (const [code, path] of [["W2ru", header.parent.relativePath], ["W2ku", header.parent.absolutePath]] as const) {
      if (path === null) continue;
      const at = 576 + texts.length * 24;
      const text = Buffer.from(path, "utf16le");
      const space = Math.ceil(text.length / vhdSectorBytes) * vhdSectorBytes;
      bytes.write(code, at, "latin1");
      bytes.writeUInt32BE(space, at + 4);
      bytes.writeUInt32BE(text.length, at + 8);
      bytes.writeBigUInt64BE(BigInt(textOffset + texts.reduce((sum, { length }) => sum + length, 0)), at + 16);
      texts.push(Buffer.concat([text, Buffer.alloc(space - text.length)]));
    }
  }
  bytes.writeUInt32BE(checksum(bytes, 36), 36);
  return { header: bytes, texts: Buffer.concat(texts) };
}

export function damagedVhd(file: DiskFile, what: string): VirtualDiskError {
  return new VirtualDiskError("failed", `The virtual hard disk "${file.name}" is damaged: ${what}.`);
}

/** The complement of the sum of all bytes but those of the field. */
function checksum(bytes: Buffer, offset: number): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < offset || index >= offset + 4) sum += byte;
  return ~sum >>> 0;
}
