import type { ByteSource } from "../byte-source.ts";
import { crc32, crcWithoutField } from "../crc32.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { isProtective } from "./mbr.ts";
import type { Partition } from "./partition.ts";

interface GptEntry {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly isUsable: boolean;
}

interface GptHeader {
  /** The block at which the other copy is said to lie: the disk's last one, when the table was written. */
  readonly other: number;
  readonly firstUsable: number;
  readonly lastUsable: number;
  readonly entries: Uint8Array;
  readonly entrySizeBytes: number;
}

const ENTRY_BYTES_MIN = 128;
/** 128 entries of 128 bytes is what everybody writes. Firmware would follow any number; we say that we do not. */
const ENTRY_ARRAY_BYTES_MAX = 1024 * 1024;

/**
 * Partitions of a GPT by the rules of EDK2's Gpt.c, or null when there is no valid one: a protective entry starting at block 1, the header
 * at block 1, else the one in the disk's last block. Types of partitions do not matter: firmware tries them all.
 */
export async function readGpt(disk: ByteSource, sectorSizeBytes: number): Promise<readonly Partition[] | null> {
  const lastBlock = Math.floor(disk.sizeBytes / sectorSizeBytes) - 1;
  if (lastBlock < 1 || !isProtective(await disk.read(0, 512))) return null;
  const header = (await readHeader(disk, sectorSizeBytes, 1)) ?? (await readHeader(disk, sectorSizeBytes, lastBlock));
  return header === null ? null : partitionsOf(header, disk.sizeBytes, sectorSizeBytes);
}

/** Where the disk ended when its valid table at the front was written; null without one. Firmware does not ask. */
export async function readGptEnd(disk: ByteSource, sectorSizeBytes: number): Promise<number | null> {
  if (disk.sizeBytes < 2 * sectorSizeBytes || !isProtective(await disk.read(0, 512))) return null;
  const header = await readHeader(disk, sectorSizeBytes, 1);
  return header === null || header.lastUsable > header.other ? null : (header.other + 1) * sectorSizeBytes;
}

async function readHeader(disk: ByteSource, sectorSizeBytes: number, block: number): Promise<GptHeader | null> {
  const fields = new Fields(await disk.read(block * sectorSizeBytes, sectorSizeBytes));
  if (fields.text(0, 8) !== "EFI PART") return null;
  const headerSizeBytes = fields.u32(12);
  if (headerSizeBytes === 0 || headerSizeBytes > sectorSizeBytes) return null;
  if (crcWithoutField(crc32, fields.bytes.subarray(0, headerSizeBytes), 16) !== fields.u32(16) || fields.u64(24) !== block) return null;
  const entrySizeBytes = fields.u32(84);
  if (entrySizeBytes < ENTRY_BYTES_MIN) return null;
  const arrayBytes = fields.u32(80) * entrySizeBytes;
  if (arrayBytes > ENTRY_ARRAY_BYTES_MAX) throw new DiskImageError("DI-GPT-TOO-LARGE", `The partition table claims ${arrayBytes} bytes of entries; more than ${ENTRY_ARRAY_BYTES_MAX} are not read. Write the table anew, for example with sgdisk.`);
  const arrayOffset = fields.u64(72) * sectorSizeBytes;
  if (arrayBytes === 0 || arrayOffset + arrayBytes > disk.sizeBytes) return null;
  const entries = await disk.read(arrayOffset, arrayBytes);
  if (crc32(entries) !== fields.u32(88)) return null;
  return { other: fields.u64(32), firstUsable: fields.u64(40), lastUsable: fields.u64(48), entries, entrySizeBytes };
}

function partitionsOf(header: GptHeader, diskSizeBytes: number, sectorSizeBytes: number): readonly Partition[] {
  const used = usedEntries(header);
  const touching = [...findTouching(used)];
  return used
    .filter((entry) => entry.isUsable && !touching.some((other) => overlaps(entry, other, header)))
    // A table written for a larger disk still shows what lies in front of this one's end.
    .map(({ number, start, end }) => ({ number, offset: start * sectorSizeBytes, sizeBytes: Math.min((end + 1) * sectorSizeBytes, diskSizeBytes) - start * sectorSizeBytes }))
    .filter(({ sizeBytes }) => sizeBytes > 0);
}

function usedEntries(header: GptHeader): readonly GptEntry[] {
  const fields = new Fields(header.entries);
  const used: GptEntry[] = [];
  for (let index = 0; (index + 1) * header.entrySizeBytes <= header.entries.length; index += 1) {
    const offset = index * header.entrySizeBytes;
    if (isZero(header.entries, offset, 16)) continue;
    const entry = { number: index + 1, start: fields.u64(offset + 32), end: fields.u64(offset + 40) };
    // Attribute bit 1 tells firmware to keep away from the partition (UEFI 2.10, 5.3.3).
    const isHidden = (fields.u8(offset + 48) & 2) !== 0;
    used.push({ ...entry, isUsable: !isHidden && isInRange(entry, header) });
  }
  return used;
}

const isInRange = ({ start, end }: { start: number; end: number }, { firstUsable, lastUsable }: GptHeader): boolean => start <= end && start >= firstUsable && end <= lastUsable;

/** Entries that may overlap another: all that touch one in the order of their starts, and those that end before they begin. */
function findTouching(used: readonly GptEntry[]): ReadonlySet<GptEntry> {
  const touching = new Set<GptEntry>();
  let furthest: GptEntry | null = null;
  for (const entry of used.toSorted((one, other) => one.start - other.start)) {
    if (entry.end < entry.start) touching.add(entry);
    else {
      if (furthest !== null && entry.start <= furthest.end) touching.add(entry).add(furthest);
      if (furthest === null || entry.end > furthest.end) furthest = entry;
    }
  }
  return touching;
}

/** An entry of the type of zeros is not in use. */
const isZero = (bytes: Uint8Array, offset: number, length: number): boolean => bytes.subarray(offset, offset + length).every((byte) => byte === 0);

/** Both of two overlapping entries are dropped. One that is out of range itself harms only those in front of it in the table. */
function overlaps(entry: GptEntry, other: GptEntry, header: GptHeader): boolean {
  if (other.number === entry.number || other.end < entry.start || other.start > entry.end) return false;
  return other.number > entry.number || isInRange(other, header);
}
