import type { ByteSource } from "../byte-source.ts";
import { crc32c, crcWithoutField } from "../crc32.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { requireInside } from "../memory-source.ts";

/** Where the log lies and whose it is: from the current header. */
export interface VhdxLogPlace {
  readonly guid: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

interface LogEntry {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly tail: number;
  readonly sequence: bigint;
  readonly flushedSizeBytes: number;
  readonly lastSizeBytes: number;
  readonly bytes: Uint8Array;
}

const SECTOR_BYTES = 4096;
const ENTRY_HEADER_BYTES = 64;
const DESCRIPTOR_BYTES = 32;
/** Hyper-V makes logs of 1 MiB; larger ones are allowed, but one of this size has no reason. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** Checksums are tried wherever an entry seems to begin; a log made to look so everywhere shall not keep its reader busy. */
const CHECKED_BYTES_MAX = 2 * LOG_BYTES_MAX;
/** Real logs have a handful: a zeroed stretch is as long as one likes. */
const ZEROED_MAX = 4096;

/**
 * The file as it is after replaying its log in memory (MS-VHDX 2.3.3). Nothing is written. A log without a complete sequence of entries
 * is `DI-VHDX-LOG`, as its file is then in a state that nobody meant.
 */
export async function replayVhdxLog(source: ByteSource, place: VhdxLogPlace): Promise<ByteSource> {
  if (place.sizeBytes % SECTOR_BYTES !== 0 || place.sizeBytes === 0 || place.sizeBytes > LOG_BYTES_MAX || place.offset % SECTOR_BYTES !== 0) {
    throw logError(`its log has ${place.sizeBytes} bytes at ${place.offset}, which is not allowed`);
  }
  requireInside(source.sizeBytes, place.offset, place.sizeBytes);
  const log = await source.read(place.offset, place.sizeBytes);
  const sequence = newestSequence(findEntries(log, place.guid));
  const head = sequence.at(-1);
  if (head === undefined) throw logError("its log is marked as pending but holds no complete sequence of entries");
  if (head.flushedSizeBytes > source.sizeBytes) throw logError(`the log was written for a file of ${head.flushedSizeBytes} bytes, but this one has ${source.sizeBytes}; it is cut off`);
  if (head.lastSizeBytes > source.sizeBytes + LOG_BYTES_MAX) throw logError(`the log says that the file has ${head.lastSizeBytes} bytes, but it has ${source.sizeBytes}; it is cut off`);
  const writes = new LogWrites();
  for (const entry of sequence) writes.apply(entry);
  return overlay(source, writes, Math.max(source.sizeBytes, head.lastSizeBytes));
}

const logError = (what: string): DiskImageError => new DiskImageError("DI-VHDX-LOG", `The VHDX cannot be read: ${what}. Attach it once on a Hyper-V host (Mount-VHD) to repair it, or copy it again.`);

/** All entries that are whole, by their offset. The log is a ring: an entry may run over its end. */
function findEntries(log: Uint8Array, guid: string): ReadonlyMap<number, LogEntry> {
  const entries = new Map<number, LogEntry>();
  const work = { bytes: 0 };
  for (let offset = 0; offset < log.length; offset += SECTOR_BYTES) {
    const entry = readEntry(log, offset, guid, work);
    if (entry !== null) entries.set(offset, entry);
  }
  return entries;
}

function readEntry(log: Uint8Array, offset: number, guid: string, work: { bytes: number }): LogEntry | null {
  const header = new Fields(log.subarray(offset, offset + SECTOR_BYTES));
  if (header.text(0, 4) !== "loge" || header.guid(32) !== guid) return null;
  const sizeBytes = header.u32(8);
  const tail = header.u32(12);
  const descriptors = header.u32(24);
  if (sizeBytes === 0 || sizeBytes % SECTOR_BYTES !== 0 || sizeBytes > log.length || tail % SECTOR_BYTES !== 0 || tail >= log.length) return null;
  if (ENTRY_HEADER_BYTES + descriptors * DESCRIPTOR_BYTES > sizeBytes || header.u64Exact(16) === 0n) return null;
  work.bytes += sizeBytes;
  if (work.bytes > CHECKED_BYTES_MAX) throw logError("its log is full of entries that overlap");
  const bytes = new Uint8Array(sizeBytes);
  const front = log.subarray(offset, Math.min(log.length, offset + sizeBytes));
  bytes.set(front, 0);
  bytes.set(log.subarray(0, sizeBytes - front.length), front.length);
  if (crcWithoutField(crc32c, bytes, 4) !== header.u32(4)) return null;
  const entry = { offset, sizeBytes, tail, sequence: header.u64Exact(16), flushedSizeBytes: header.u64(48), lastSizeBytes: header.u64(56), bytes };
  return hasWholeDescriptors(entry, descriptors) ? entry : null;
}

function hasWholeDescriptors(entry: LogEntry, count: number): boolean {
  const fields = new Fields(entry.bytes);
  const firstDataSector = dataOffset(count);
  let dataSectors = 0;
  for (let index = 0; index < count; index += 1) {
    const offset = ENTRY_HEADER_BYTES + index * DESCRIPTOR_BYTES;
    const kind = fields.text(offset, 4);
    if ((kind !== "zero" && kind !== "desc") || fields.u64Exact(offset + 24) !== entry.sequence || fields.u64(offset + 16) % SECTOR_BYTES !== 0) return false;
    if (kind === "zero") continue;
    const sector = firstDataSector + dataSectors * SECTOR_BYTES;
    if (sector + SECTOR_BYTES > entry.sizeBytes || fields.text(sector, 4) !== "data") return false;
    const sequence = (BigInt(fields.u32(sector + 4)) << 32n) | BigInt(fields.u32(sector + SECTOR_BYTES - 4));
    if (sequence !== entry.sequence) return false;
    dataSectors += 1;
  }
  return true;
}

const dataOffset = (descriptors: number): number => Math.ceil((ENTRY_HEADER_BYTES + descriptors * DESCRIPTOR_BYTES) / SECTOR_BYTES) * SECTOR_BYTES;

/**
 * The sequence to replay: entries with rising numbers, ending at the newest, beginning where that one says its tail is. Each entry has one
 * follower at most, so that every run is walked once, from its first entry on.
 */
function newestSequence(entries: ReadonlyMap<number, LogEntry>): readonly LogEntry[] {
  const bySequence = new Map([...entries.values()].map((entry) => [entry.sequence, entry]));
  const followerOf = (entry: LogEntry): LogEntry | null => {
    const next = bySequence.get(entry.sequence + 1n);
    return next !== undefined && follows(entry, next) ? next : null;
  };
  const later = new Set([...bySequence.values()].map(followerOf));
  let best: readonly LogEntry[] = [];
  for (const first of bySequence.values()) {
    if (later.has(first)) continue;
    const run: LogEntry[] = [];
    for (let next: LogEntry | null = first; next !== null; next = followerOf(next)) run.push(next);
    const head = run.at(-1) ?? first;
    const start = run.findIndex(({ offset }) => offset === head.tail);
    if (start >= 0 && (best.at(-1)?.sequence ?? 0n) < head.sequence) best = run.slice(start);
  }
  return best;
}

/** Entries lie one after the other; only at the end of the ring may the next one begin in front. */
function follows(before: LogEntry, next: LogEntry): boolean {
  return next.offset === before.offset + before.sizeBytes || next.offset < before.offset;
}

/** What the log writes, in its order: sectors of data, and stretches of zeros. */
class LogWrites {
  readonly #sectors = new Map<number, { readonly order: number; readonly bytes: Uint8Array }>();
  readonly #zeroed: { readonly order: number; readonly start: number; readonly end: number }[] = [];
  #order = 0;

  apply(entry: LogEntry): void {
    const fields = new Fields(entry.bytes);
    const count = fields.u32(24);
    let sector = dataOffset(count);
    for (let index = 0; index < count; index += 1) {
      const offset = ENTRY_HEADER_BYTES + index * DESCRIPTOR_BYTES;
      const fileOffset = fields.u64(offset + 16);
      const order = (this.#order += 1);
      if (fields.text(offset, 4) === "zero") {
        this.#zeroed.push({ order, start: fileOffset, end: fileOffset + fields.u64(offset + 8) });
        if (this.#zeroed.length > ZEROED_MAX) throw logError(`its log zeroes more than ${ZEROED_MAX} stretches`);
        continue;
      }
      // The first eight and the last four bytes were moved into the descriptor to make room for the sector's own marks.
      const bytes = entry.bytes.slice(sector, sector + SECTOR_BYTES);
      bytes.set(entry.bytes.subarray(offset + 8, offset + 16), 0);
      bytes.set(entry.bytes.subarray(offset + 4, offset + 8), SECTOR_BYTES - 4);
      this.#sectors.set(fileOffset, { order, bytes });
      sector += SECTOR_BYTES;
    }
  }

  /** Puts what was written over `bytes`, which were read from `offset`. */
  putOver(bytes: Uint8Array, offset: number): void {
    for (const { start, end } of this.#zeroed) if (start < offset + bytes.length && end > offset) bytes.fill(0, Math.max(0, start - offset), Math.min(bytes.length, end - offset));
    for (let sector = Math.floor(offset / SECTOR_BYTES) * SECTOR_BYTES; sector < offset + bytes.length; sector += SECTOR_BYTES) {
      const written = this.#sectors.get(sector);
      if (written === undefined || this.#isZeroedLater(sector, written.order)) continue;
      const from = Math.max(0, offset - sector);
      bytes.set(written.bytes.subarray(from, Math.min(SECTOR_BYTES, offset + bytes.length - sector)), sector + from - offset);
    }
  }

  #isZeroedLater(sector: number, order: number): boolean {
    return this.#zeroed.some((stretch) => stretch.order > order && stretch.start <= sector && stretch.end >= sector + SECTOR_BYTES);
  }
}

function overlay(source: ByteSource, writes: LogWrites, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: async (offset, length) => {
      requireInside(sizeBytes, offset, length);
      const bytes = new Uint8Array(length);
      const stored = Math.max(0, Math.min(length, source.sizeBytes - offset));
      if (stored > 0) bytes.set(await source.read(offset, stored), 0);
      writes.putOver(bytes, offset);
      return bytes;
    },
  };
}
