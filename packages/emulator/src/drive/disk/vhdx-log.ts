import { efiGuidText } from "./efi-guid.ts";
import { hasRightChecksum } from "./crc32c.ts";
import { KIB, MIB, type DiskFile } from "./disk-file.ts";
import { damaged, type VhdxHeader } from "./vhdx-headers.ts";

const sectorBytes = 4 * KIB;
// Hyper-V and QEMU make logs of 1 MiB; one beyond this has no reason.
const logBytesMax = 32 * MIB;

interface LogEntry {
  readonly offset: number;
  readonly tail: number;
  readonly sequence: bigint;
  readonly bytes: Buffer;
}

/**
 * Does what a pending log says (MS-VHDX 2.3.3): its writer was killed. Doing it twice does no harm; the caller then writes a header
 * without a log. @throws VirtualDiskError when the log holds no complete sequence
 */
export async function replayVhdxLog(file: DiskFile, header: VhdxHeader): Promise<void> {
  const { logOffset, logBytes } = header;
  if (logBytes === 0 || logBytes > logBytesMax || logBytes % sectorBytes !== 0 || logOffset % sectorBytes !== 0) throw damaged(file, `a log of ${logBytes} bytes at ${logOffset} cannot be`);
  const sequence = newestSequence(findEntries(await file.read(logOffset, logBytes), header.logGuid));
  const last = sequence.at(-1);
  if (!last) throw damaged(file, "its log is marked as pending but holds no complete sequence of entries");
  if (last.bytes.readBigUInt64LE(48) > BigInt(file.sizeBytes)) throw damaged(file, "it is cut off: its log was written for a longer file");
  for (const entry of sequence) await apply(file, entry);
  const wantedBytes = Number(last.bytes.readBigUInt64LE(56));
  if (wantedBytes > file.sizeBytes) await file.setSize(wantedBytes);
  await file.sync();
}

function findEntries(log: Buffer, guid: string): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let offset = 0; offset < log.length; offset += sectorBytes) {
    if (log.toString("latin1", offset, offset + 4) !== "loge" || efiGuidText(log.subarray(offset + 32, offset + 48)) !== guid) continue;
    const length = log.readUInt32LE(offset + 8);
    if (length === 0 || length % sectorBytes !== 0 || length > log.length) continue;
    // The log is a ring: an entry may run over its end.
    const bytes = Buffer.concat([log.subarray(offset), log.subarray(0, offset)]).subarray(0, length);
    const entry = { offset, tail: bytes.readUInt32LE(12), sequence: bytes.readBigUInt64LE(16), bytes };
    if (hasRightChecksum(bytes, 4) && descriptorsFit(entry)) entries.push(entry);
  }
  return entries;
}

/** Every data descriptor has its sector, and all carry the entry's number. */
function descriptorsFit(entry: LogEntry): boolean {
  let sector = firstDataSector(entry);
  for (const at of descriptors(entry)) {
    if (at + 32 > entry.bytes.length || entry.bytes.readBigUInt64LE(at + 24) !== entry.sequence) return false;
    const kind = entry.bytes.toString("latin1", at, at + 4);
    if (kind === "zero") continue;
    if (kind !== "desc" || sector + sectorBytes > entry.bytes.length || entry.bytes.toString("latin1", sector, sector + 4) !== "data") return false;
    const written = (BigInt(entry.bytes.readUInt32LE(sector + 4)) << 32n) | BigInt(entry.bytes.readUInt32LE(sector + sectorBytes - 4));
    if (written !== entry.sequence) return false;
    sector += sectorBytes;
  }
  return true;
}

/** Entries with rising numbers, each behind the one before, from where the newest says its tail is. */
function newestSequence(entries: readonly LogEntry[]): readonly LogEntry[] {
  const byNumber = new Map(entries.map((entry) => [entry.sequence, entry]));
  for (const head of entries.toSorted((one, other) => (one.sequence < other.sequence ? 1 : -1))) {
    const run = [head];
    while (run[0] && run[0].offset !== head.tail) {
      const before = byNumber.get(run[0].sequence - 1n);
      if (!before || (before.offset + before.bytes.length !== run[0].offset && run[0].offset > before.offset)) break;
      run.unshift(before);
    }
    if (run[0]?.offset === head.tail) return run;
  }
  return [];
}

async function apply(file: DiskFile, entry: LogEntry): Promise<void> {
  const { bytes } = entry;
  let sector = firstDataSector(entry);
  for (const at of descriptors(entry)) {
    const offset = Number(bytes.readBigUInt64LE(at + 16));
    if (offset % sectorBytes !== 0) throw damaged(file, `its log writes to byte ${offset}`);
    if (bytes.toString("latin1", at, at + 4) === "zero") {
      const length = Number(bytes.readBigUInt64LE(at + 8));
      if (length > logBytesMax) throw damaged(file, `its log zeroes ${length} bytes at once`);
      await file.write(offset, Buffer.alloc(length));
      continue;
    }
    // The first eight and the last four bytes were moved into the descriptor to make room for the sector's own marks.
    const data = Buffer.from(bytes.subarray(sector, sector + sectorBytes));
    data.set(bytes.subarray(at + 8, at + 16), 0);
    data.set(bytes.subarray(at + 4, at + 8), sectorBytes - 4);
    await file.write(offset, data);
    sector += sectorBytes;
  }
}

function* descriptors(entry: LogEntry): Generator<number> {
  const count = entry.bytes.readUInt32LE(24);
  for (let index = 0; index < count && 64 + index * 32 <= entry.bytes.length; index++) yield 64 + index * 32;
}

function firstDataSector(entry: LogEntry): number {
  return Math.ceil((64 + entry.bytes.readUInt32LE(24) * 32) / sectorBytes) * sectorBytes;
}
