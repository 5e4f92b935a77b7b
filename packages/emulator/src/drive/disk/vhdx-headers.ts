import { randomUUID } from "node:crypto";
import { efiGuidBytes, efiGuidText } from "./efi-guid.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import { hasRightChecksum, setChecksum } from "./crc32c.ts";
import { KIB, MIB, type DiskFile } from "./disk-file.ts";

/** MS-VHDX 2.2.2. Of the two headers the valid one with the higher number counts. */
export interface VhdxHeader {
  readonly sequence: bigint;
  /** Changes whenever the guest's data may have changed: what a child knows its parent by. */
  readonly dataWriteGuid: string;
  readonly logGuid: string;
  readonly logOffset: number;
  readonly logBytes: number;
  readonly slot: 0 | 1;
}

export interface Region {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** MS-VHDX 2.2.3. */
export interface VhdxRegions {
  readonly blockTable: Region;
  readonly metadata: Region;
}

export const noGuid = "00000000-0000-0000-0000-000000000000";
/** The layout that Hyper-V gives new files: headers, log, metadata, block table, then blocks. */
export const newLogRegion: Region = { offset: MIB, sizeBytes: MIB };
export const newMetadataRegion: Region = { offset: 2 * MIB, sizeBytes: MIB };
export const newBlockTableOffset = 3 * MIB;

const headerOffsets = [64 * KIB, 128 * KIB] as const;
const headerBytes = 4 * KIB;
const regionTableOffsets = [192 * KIB, 256 * KIB] as const;
const regionTableBytes = 64 * KIB;
const regionEntriesMax = 2047;
const blockTableRegion = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const metadataRegion = "8b7ca206-4790-4b9a-b8fe-575f050f886e";

export function damaged(file: DiskFile, what: string): VirtualDiskError {
  return new VirtualDiskError("failed", `The virtual hard disk "${file.name}" is damaged: ${what}.`);
}

export async function readVhdxHeader(file: DiskFile): Promise<VhdxHeader> {
  if (file.sizeBytes < MIB || (await file.read(0, 8)).toString("latin1") !== "vhdxfile") {
    throw new VirtualDiskError("failed", `The file "${file.name}" is not a VHDX virtual hard disk.`);
  }
  let current: VhdxHeader | null = null;
  for (const slot of [0, 1] as const) {
    const bytes = await file.read(headerOffsets[slot], headerBytes);
    if (bytes.toString("latin1", 0, 4) !== "head" || !hasRightChecksum(bytes, 4)) continue;
    const sequence = bytes.readBigUInt64LE(8);
    if (current !== null && current.sequence >= sequence) continue;
    if (bytes.readUInt16LE(66) !== 1) throw damaged(file, `its version is ${bytes.readUInt16LE(66)}, and only 1 is known`);
    current = { sequence, slot, dataWriteGuid: efiGuidText(bytes.subarray(32, 48)), logGuid: efiGuidText(bytes.subarray(48, 64)), logBytes: bytes.readUInt32LE(68), logOffset: Number(bytes.readBigUInt64LE(72)) };
  }
  if (current === null) throw damaged(file, "neither of its two headers has a right checksum");
  return current;
}

/** Writes the header's successor into the other slot, so that one of the two is whole at every moment. */
export async function replaceVhdxHeader(file: DiskFile, header: VhdxHeader, dataWriteGuid: string): Promise<VhdxHeader> {
  const next: VhdxHeader = { ...header, sequence: header.sequence + 1n, slot: header.slot === 0 ? 1 : 0, dataWriteGuid, logGuid: noGuid };
  await file.write(headerOffsets[next.slot], encodeHeader(next));
  await file.sync();
  return next;
}

/** Identifier and both headers of a new file. */
export function encodeVhdxFront(dataWriteGuid: string): Buffer {
  const front = Buffer.alloc(192 * KIB);
  front.write("vhdxfile", 0, "latin1");
  front.write("Signet", 8, "utf16le");
  for (const slot of [0, 1] as const) {
    front.set(encodeHeader({ sequence: BigInt(slot + 1), slot, dataWriteGuid, logGuid: noGuid, logOffset: newLogRegion.offset, logBytes: newLogRegion.sizeBytes }), headerOffsets[slot]);
  }
  return front;
}

function encodeHeader(header: VhdxHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write("head", 0, "latin1");
  bytes.writeBigUInt64LE(header.sequence, 8);
  bytes.set(efiGuidBytes(randomUUID()), 16);
  bytes.set(efiGuidBytes(header.dataWriteGuid), 32);
  bytes.set(efiGuidBytes(header.logGuid), 48);
  bytes.writeUInt16LE(1, 66);
  bytes.writeUInt32LE(header.logBytes, 68);
  bytes.writeBigUInt64LE(BigInt(header.logOffset), 72);
  return setChecksum(bytes, 4);
}

export async function readVhdxRegions(file: DiskFile): Promise<VhdxRegions> {
  for (const offset of regionTableOffsets) {
    const bytes = await file.read(offset, regionTableBytes);
    if (bytes.toString("latin1", 0, 4) === "regi" && hasRightChecksum(bytes, 4)) return decodeRegions(file, bytes);
  }
  throw damaged(file, "neither of its two region tables has a right checksum");
}

function decodeRegions(file: DiskFile, bytes: Buffer): VhdxRegions {
  const count = bytes.readUInt32LE(8);
  if (count > regionEntriesMax) throw damaged(file, `its region table claims ${count} entries`);
  const found = new Map<string, Region>();
  for (let index = 0; index < count; index++) {
    const at = 16 + index * 32;
    const id = efiGuidText(bytes.subarray(at, at + 16));
    const region = { offset: Number(bytes.readBigUInt64LE(at + 16)), sizeBytes: bytes.readUInt32LE(at + 24) };
    if (id !== blockTableRegion && id !== metadataRegion) {
      if (bytes.readUInt32LE(at + 28) & 1) throw damaged(file, `it needs the region ${id}, which is not known`);
      continue;
    }
    if (region.offset < MIB || region.offset % MIB !== 0 || region.sizeBytes === 0 || region.offset + region.sizeBytes > file.sizeBytes) throw damaged(file, `a region of ${region.sizeBytes} bytes at ${region.offset} cannot be`);
    found.set(id, region);
  }
  const blockTable = found.get(blockTableRegion);
  const metadata = found.get(metadataRegion);
  if (!blockTable || !metadata) throw damaged(file, "its region table lacks the block table or the metadata");
  return { blockTable, metadata };
}

/** Writes both region tables, one after the other: a torn one is told by its checksum, and the other counts. */
export async function writeVhdxRegions(file: DiskFile, regions: VhdxRegions): Promise<void> {
  const bytes = Buffer.alloc(regionTableBytes);
  bytes.write("regi", 0, "latin1");
  bytes.writeUInt32LE(2, 8);
  for (const [index, [id, region]] of ([[blockTableRegion, regions.blockTable], [metadataRegion, regions.metadata]] as const).entries()) {
    const at = 16 + index * 32;
    bytes.set(efiGuidBytes(id), at);
    bytes.writeBigUInt64LE(BigInt(region.offset), at + 16);
    bytes.writeUInt32LE(region.sizeBytes, at + 24);
    bytes.writeUInt32LE(1, at + 28);
  }
  setChecksum(bytes, 4);
  for (const offset of regionTableOffsets) {
    await file.write(offset, bytes);
    await file.sync();
  }
}
