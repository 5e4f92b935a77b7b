import { Fields } from "../fields.ts";
import type { ByteSource } from "../byte-source.ts";
import type { Partition } from "./partition.ts";

interface MbrEntry {
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
}

const MBR_BYTES = 512;
const ENTRY_OFFSET = 446;
const ENTRY_BYTES = 16;
const PROTECTIVE = 0xee;
const EXTENDED = [0x05, 0x0f];
/** Windows makes at most some dozens; a chain of this length is one that leads in circles. */
const LOGICAL_PARTITIONS_MAX = 128;

/** The four entries, whether or not the sector says that it is a boot record. */
export function mbrEntries(sector: Uint8Array): readonly MbrEntry[] {
  const fields = new Fields(sector);
  return [0, 1, 2, 3].map((index) => {
    const offset = ENTRY_OFFSET + index * ENTRY_BYTES;
    return { type: fields.u8(offset + 4), start: fields.u32(offset + 8), sectors: fields.u32(offset + 12) };
  });
}

/** Whether firmware takes the disk for GPT: a protective entry that starts at block 1. The record's own signature is not asked for. */
export function isProtective(sector: Uint8Array): boolean {
  return mbrEntries(sector).some(({ type, start }) => type === PROTECTIVE && start === 1);
}

/**
 * Partitions of a classic boot record, by the rules of EDK2's Mbr.c: an entry counts when type and size are not zero; one that leaves
 * the disk or overlaps another makes the whole table invalid. Starts are in blocks of the device, sizes are checked in 512-byte units.
 */
export async function readMbr(disk: ByteSource, sectorSizeBytes: number): Promise<readonly Partition[] | null> {
  const entries = await validEntries(disk, 0, disk.sizeBytes, sectorSizeBytes);
  if (entries === null) return null;
  const partitions: Partition[] = [];
  const extended: Partition[] = [];
  for (const { type, start, sectors } of entries) {
    if (type === 0 || sectors === 0 || type === PROTECTIVE) continue;
    const partition = clip({ number: partitions.length + 1, offset: start * sectorSizeBytes, sizeBytes: sectors * sectorSizeBytes }, disk.sizeBytes);
    partitions.push(partition);
    if (EXTENDED.includes(type)) extended.push(partition);
  }
  for (const container of extended) partitions.push(...(await readLogical(disk, container, sectorSizeBytes, partitions.length)));
  return partitions;
}

/** A table may give sizes for 512-byte sectors on a disk of larger ones; nothing behind the disk is ever offered. */
function clip(partition: Partition, diskSizeBytes: number): Partition {
  return { ...partition, sizeBytes: Math.max(0, Math.min(partition.sizeBytes, diskSizeBytes - partition.offset)) };
}

async function validEntries(disk: ByteSource, offset: number, sizeBytes: number, sectorSizeBytes: number): Promise<readonly MbrEntry[] | null> {
  if (offset + sectorSizeBytes > disk.sizeBytes || sectorSizeBytes < MBR_BYTES) return null;
  const sector = await disk.read(offset, MBR_BYTES);
  if (sector[510] !== 0x55 || sector[511] !== 0xaa) return null;
  const entries = mbrEntries(sector);
  const counted = entries.filter(({ type, sectors }) => type !== 0 && sectors !== 0);
  if (counted.length === 0) return null;
  const lastSector = Math.floor(sizeBytes / MBR_BYTES) - 1;
  const isBroken = counted.some((entry, index) => {
    const end = entry.start + entry.sectors - 1;
    return end > lastSector || counted.slice(index + 1).some((other) => other.start + other.sectors - 1 >= entry.start && other.start <= end);
  });
  return isBroken ? null : entries;
}

/** Follows the chain of extended boot records: the first entry is a logical partition, the second leads on. */
async function readLogical(disk: ByteSource, container: Partition, sectorSizeBytes: number, numbered: number): Promise<readonly Partition[]> {
  const found: Partition[] = [];
  if ((await validEntries(disk, container.offset, container.sizeBytes, sectorSizeBytes)) === null) return found;
  let start = 0;
  for (let links = 0; links < LOGICAL_PARTITIONS_MAX; links += 1) {
    const offset = container.offset + start * sectorSizeBytes;
    if (offset + MBR_BYTES > disk.sizeBytes) break;
    const [first, second] = mbrEntries(await disk.read(offset, MBR_BYTES));
    if (first === undefined || second === undefined || first.type === 0) break;
    if (EXTENDED.includes(first.type)) {
      start = first.start;
      continue;
    }
    found.push(clip({ number: numbered + found.length + 1, offset: offset + first.start * sectorSizeBytes, sizeBytes: first.sectors * sectorSizeBytes }, disk.sizeBytes));
    if (!EXTENDED.includes(second.type) || second.start === 0) break;
    start = second.start;
  }
  return found;
}
