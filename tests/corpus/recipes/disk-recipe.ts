import { crc32 } from "node:zlib";

export interface RecipePartition {
  readonly content: Uint8Array;
  readonly type?: string;
  readonly attributes?: bigint;
  /** First block, where it shall not be the next free one. */
  readonly start?: number;
}

export interface GptOptions {
  readonly partitions: readonly RecipePartition[];
  readonly sectorBytes?: number;
  readonly sizeBytes?: number;
}

export const ESP_TYPE = "28732ac11ff8d211ba4b00a0c93ec93b";
const ENTRIES = 128;
const ENTRY_BYTES = 128;

/** A disk with a protective MBR, both copies of a GPT, and the partitions one after the other (UEFI 2.10, 5). */
export function buildGptDisk({ partitions, sectorBytes = 512, sizeBytes }: GptOptions): Buffer {
  const arrayBlocks = (ENTRIES * ENTRY_BYTES) / sectorBytes;
  const firstUsable = 2 + arrayBlocks;
  let next = firstUsable;
  const placed = partitions.map((partition) => {
    const start = partition.start ?? next;
    const blocks = Math.ceil(partition.content.length / sectorBytes);
    next = Math.max(next, start + blocks);
    return { ...partition, start, end: start + blocks - 1 };
  });
  const blocks = sizeBytes === undefined ? next + arrayBlocks + 1 : sizeBytes / sectorBytes;
  const disk = Buffer.alloc(blocks * sectorBytes);
  const lastUsable = blocks - arrayBlocks - 2;
  const entries = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  placed.forEach(({ type = ESP_TYPE, attributes = 0n, start, end, content }, index) => {
    entries.write(type, index * ENTRY_BYTES, "hex");
    entries.writeUInt8(index + 1, index * ENTRY_BYTES + 16);
    entries.writeBigUInt64LE(BigInt(start), index * ENTRY_BYTES + 32);
    entries.writeBigUInt64LE(BigInt(end), index * ENTRY_BYTES + 40);
    entries.writeBigUInt64LE(attributes, index * ENTRY_BYTES + 48);
    disk.set(content, start * sectorBytes);
  });
  disk.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 446);
  disk.writeUInt16LE(0xaa55, 510);
  disk.set(entries, 2 * sectorBytes);
  disk.set(entries, (blocks - 1 - arrayBlocks) * sectorBytes);
  writeHeader(disk, { block: 1, other: blocks - 1, array: 2, firstUsable, lastUsable, sectorBytes, entries });
  writeHeader(disk, { block: blocks - 1, other: 1, array: blocks - 1 - arrayBlocks, firstUsable, lastUsable, sectorBytes, entries });
  return disk;
}

function writeHeader(disk: Buffer, place: { block: number; other: number; array: number; firstUsable: number; lastUsable: number; sectorBytes: number; entries: Buffer }): void {
  const header = Buffer.alloc(92);
  header.write("EFI PART", 0, "latin1");
  header.writeUInt32LE(0x00010000, 8);
  header.writeUInt32LE(92, 12);
  header.writeBigUInt64LE(BigInt(place.block), 24);
  header.writeBigUInt64LE(BigInt(place.other), 32);
  header.writeBigUInt64LE(BigInt(place.firstUsable), 40);
  header.writeBigUInt64LE(BigInt(place.lastUsable), 48);
  header.writeBigUInt64LE(BigInt(place.array), 72);
  header.writeUInt32LE(ENTRIES, 80);
  header.writeUInt32LE(ENTRY_BYTES, 84);
  header.writeUInt32LE(crc32(place.entries), 88);
  header.writeUInt32LE(crc32(header), 16);
  disk.set(header, place.block * place.sectorBytes);
}

/** A classic boot record in front of partitions, each with its type. */
export function buildMbrDisk(partitions: readonly { readonly type: number; readonly content: Uint8Array; readonly start?: number; readonly sectors?: number }[], hasBootCode = false): Buffer {
  let next = 63;
  const placed = partitions.map(({ type, content, start, sectors }) => {
    const first = start ?? next;
    next = Math.max(next, first + Math.ceil(content.length / 512));
    return { type, content, first, sectors: sectors ?? Math.ceil(content.length / 512) };
  });
  const disk = Buffer.alloc((next + 1) * 512);
  if (hasBootCode) disk.fill(0x90, 0, 64);
  placed.forEach(({ type, content, first, sectors }, index) => {
    const entry = 446 + index * 16;
    disk.writeUInt8(type, entry + 4);
    disk.writeUInt32LE(first, entry + 8);
    disk.writeUInt32LE(sectors, entry + 12);
    disk.set(content, first * 512);
  });
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
