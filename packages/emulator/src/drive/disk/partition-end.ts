import type { DiskChain } from "./disk-chain.ts";

// A table of more entries than this is not one (the usual number is 128), nor are entries of other sizes.
const entriesMax = 1024;
const entryBytesMin = 128;
const entryBytesMax = 4096;

/** Where the last partition ends, with the room that the partition table needs behind it; null when the disk has no table to tell. */
export async function partitionEnd(disk: DiskChain): Promise<number | null> {
  const { logicalSectorBytes } = disk.top.facts;
  if (disk.sizeBytes < 34 * logicalSectorBytes) return null;
  const first = await disk.read(0, logicalSectorBytes);
  if (first.readUInt16LE(510) !== 0xaa55) return null;
  const types = [0, 1, 2, 3].map((index) => first[446 + index * 16 + 4] ?? 0);
  const end = types.includes(0xee) ? await gptEnd(disk, logicalSectorBytes) : mbrEnd(first, logicalSectorBytes);
  return end === null ? null : Math.min(end, disk.sizeBytes);
}

function mbrEnd(first: Buffer, sectorBytes: number): number | null {
  let endSector = 0;
  for (let at = 446; at < 510; at += 16) if (first[at + 4] !== 0) endSector = Math.max(endSector, first.readUInt32LE(at + 8) + first.readUInt32LE(at + 12));
  return endSector === 0 ? null : endSector * sectorBytes;
}

async function gptEnd(disk: DiskChain, sectorBytes: number): Promise<number | null> {
  const header = await disk.read(sectorBytes, sectorBytes);
  const entries = header.readUInt32LE(80);
  const entryBytes = header.readUInt32LE(84);
  const tableOffset = Number(header.readBigUInt64LE(72)) * sectorBytes;
  const tableBytes = Math.ceil((entries * entryBytes) / sectorBytes) * sectorBytes;
  if (header.toString("latin1", 0, 8) !== "EFI PART" || entries > entriesMax || entryBytes < entryBytesMin || entryBytes > entryBytesMax || tableOffset + tableBytes > disk.sizeBytes) return null;
  const table = await disk.read(tableOffset, tableBytes);
  let endSector = 0;
  for (let at = 0; at + entryBytes <= entries * entryBytes; at += entryBytes) {
    if (table.subarray(at, at + 16).some((byte) => byte !== 0)) endSector = Math.max(endSector, Number(table.readBigUInt64LE(at + 40)) + 1);
  }
  // Behind the partitions comes the table's second copy, and its header in the last sector.
  return endSector === 0 ? null : endSector * sectorBytes + tableBytes + sectorBytes;
}
