export interface VhdxOptions {
  readonly content: Uint8Array;
  readonly sectorBytes?: 512 | 4096;
  /** State of the payload block, by number; default 6 (present) where it holds data, else 0. */
  readonly states?: Readonly<Record<number, number>>;
  readonly identity?: string;
  /** Makes a differencing disk over the parent with this identity; `ownSectors` says which sectors are the child's. */
  readonly parent?: { readonly identity: string; readonly ownSectors: (sector: number) => boolean };
  /** A pending log that writes these sectors of 4096 bytes to places of the file. */
  readonly log?: readonly { readonly fileOffset: number; readonly data: Uint8Array }[];
}

const MIB = 1024 * 1024;
const KIB = 1024;
const BLOCK_BYTES = MIB;
const LOG_GUID = "11111111-2222-3333-4444-555555555555";
const PAYLOAD_OFFSET_MIB = 5;

/** Where the recipe puts the payload of a present block. */
export const vhdxBlockOffset = (presentIndex: number): number => (PAYLOAD_OFFSET_MIB + presentIndex) * MIB;

/** Writes a VHDX with blocks of 1 MiB (MS-VHDX 2.0): headers, region tables, log, metadata, block table, payload. */
export function buildVhdx(options: VhdxOptions): Buffer {
  const sectorBytes = options.sectorBytes ?? 512;
  const blocks = Math.ceil(options.content.length / BLOCK_BYTES);
  const blocksPerChunk = (8 * MIB * sectorBytes) / BLOCK_BYTES;
  const table = Buffer.alloc(MIB);
  const payload: Buffer[] = [];
  const place = (data: Buffer): bigint => BigInt(PAYLOAD_OFFSET_MIB + payload.push(data) - 1) << 20n;
  const bitmap = Buffer.alloc(MIB);
  for (let block = 0; block < blocks; block += 1) {
    const data = Buffer.alloc(BLOCK_BYTES);
    data.set(options.content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
    const own = markOwnSectors(bitmap, block, sectorBytes, options.parent?.ownSectors);
    const state = options.states?.[block] ?? (options.parent !== undefined ? own : data.some((byte) => byte !== 0) ? 6 : 0);
    const offset = state === 6 || state === 7 ? place(data) : 0n;
    table.writeBigUInt64LE(offset | BigInt(state), (block + Math.floor(block / blocksPerChunk)) * 8);
  }
  if (options.parent !== undefined) table.writeBigUInt64LE(place(bitmap) | 6n, blocksPerChunk * 8);
  const file = Buffer.alloc((PAYLOAD_OFFSET_MIB + payload.length) * MIB);
  file.write("vhdxfile", 0, "latin1");
  const hasLog = options.log !== undefined;
  writeHeader(file, 64 * KIB, 1n, options, hasLog);
  writeHeader(file, 128 * KIB, 2n, options, hasLog);
  for (const offset of [192 * KIB, 256 * KIB]) writeRegionTable(file, offset);
  if (options.log !== undefined) writeLog(file, options.log);
  writeMetadata(file, options, sectorBytes);
  file.set(table, 3 * MIB);
  payload.forEach((data, index) => file.set(data, (PAYLOAD_OFFSET_MIB + index) * MIB));
  return file;
}

/** Sets the bits of a block's own sectors; the state that follows from them: 0 none, 6 all, 7 some. */
function markOwnSectors(bitmap: Buffer, block: number, sectorBytes: number, isOwn: ((sector: number) => boolean) | undefined): number {
  if (isOwn === undefined) return 0;
  const perBlock = BLOCK_BYTES / sectorBytes;
  let count = 0;
  for (let index = 0; index < perBlock; index += 1) {
    const sector = block * perBlock + index;
    if (!isOwn(sector)) continue;
    bitmap.writeUInt8(bitmap.readUInt8(sector >> 3) | (1 << (sector & 7)), sector >> 3);
    count += 1;
  }
  return count === 0 ? 0 : count === perBlock ? 6 : 7;
}

function writeHeader(file: Buffer, offset: number, sequence: bigint, options: VhdxOptions, hasLog: boolean): void {
  const header = Buffer.alloc(4 * KIB);
  header.write("head", 0, "latin1");
  header.writeBigUInt64LE(sequence, 8);
  header.set(guid(options.identity ?? "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"), 32);
  if (hasLog) header.set(guid(LOG_GUID), 48);
  header.writeUInt16LE(1, 66);
  header.writeUInt32LE(MIB, 68);
  header.writeBigUInt64LE(BigInt(MIB), 72);
  header.writeUInt32LE(crc32c(header), 4);
  file.set(header, offset);
}

function writeRegionTable(file: Buffer, offset: number): void {
  const table = Buffer.alloc(64 * KIB);
  table.write("regi", 0, "latin1");
  table.writeUInt32LE(2, 8);
  for (const [index, [id, place]] of ([["2dc27766-f623-4200-9d64-115e9bfd4a08", 3], ["8b7ca206-4790-4b9a-b8fe-575f050f886e", 2]] as const).entries()) {
    table.set(guid(id), 16 + index * 32);
    table.writeBigUInt64LE(BigInt(place * MIB), 32 + index * 32);
    table.writeUInt32LE(MIB, 40 + index * 32);
    table.writeUInt32LE(1, 44 + index * 32);
  }
  table.writeUInt32LE(crc32c(table), 4);
  file.set(table, offset);
}

function writeMetadata(file: Buffer, options: VhdxOptions, sectorBytes: number): void {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(options.content.length));
  const items: [string, Buffer][] = [
    ["caa16737-fa36-4d43-b3b6-33f0aa44e76b", Buffer.concat([number(BLOCK_BYTES), number(options.parent === undefined ? 0 : 2)])],
    ["2fa54224-cd1b-4876-b211-5dbed83bf4b8", size],
    ["8141bf1d-a96f-4709-ba47-f233a8faab5f", number(sectorBytes)],
    ["cda348c7-445d-4471-9cc9-e9885251c556", number(4096)],
  ];
  if (options.parent !== undefined) items.push(["a8d35f2d-b30b-454d-abf7-d3d84834ab0c", parentLocator(options.parent.identity)]);
  const region = 2 * MIB;
  file.write("metadata", region, "latin1");
  file.writeUInt16LE(items.length, region + 10);
  let offset = 64 * KIB;
  items.forEach(([id, data], index) => {
    const entry = region + 32 + index * 32;
    file.set(guid(id), entry);
    file.writeUInt32LE(offset, entry + 16);
    file.writeUInt32LE(data.length, entry + 20);
    file.writeUInt32LE(4, entry + 24);
    file.set(data, region + offset);
    offset += data.length;
  });
}

function parentLocator(identity: string): Buffer {
  const key = Buffer.from("parent_linkage", "utf16le");
  const value = Buffer.from(`{${identity}}`, "utf16le");
  const head = Buffer.alloc(32);
  head.set(guid("b04aefb7-d19e-4a81-b789-25b8e9445913"));
  head.writeUInt16LE(1, 18);
  head.writeUInt32LE(32, 20);
  head.writeUInt32LE(32 + key.length, 24);
  head.writeUInt16LE(key.length, 28);
  head.writeUInt16LE(value.length, 30);
  return Buffer.concat([head, key, value]);
}

/** One log entry at the log's beginning (MS-VHDX 2.3). */
function writeLog(file: Buffer, writes: readonly { readonly fileOffset: number; readonly data: Uint8Array }[]): void {
  const entry = Buffer.alloc(4096 * (1 + writes.length));
  entry.write("loge", 0, "latin1");
  entry.writeUInt32LE(entry.length, 8);
  entry.writeBigUInt64LE(7n, 16);
  entry.writeUInt32LE(writes.length, 24);
  entry.set(guid(LOG_GUID), 32);
  entry.writeBigUInt64LE(BigInt(file.length), 48);
  entry.writeBigUInt64LE(BigInt(file.length), 56);
  writes.forEach(({ fileOffset, data }, index) => {
    const descriptor = 64 + index * 32;
    entry.write("desc", descriptor, "latin1");
    entry.set(data.subarray(4092, 4096), descriptor + 4);
    entry.set(data.subarray(0, 8), descriptor + 8);
    entry.writeBigUInt64LE(BigInt(fileOffset), descriptor + 16);
    entry.writeBigUInt64LE(7n, descriptor + 24);
    const sector = 4096 * (1 + index);
    entry.write("data", sector, "latin1");
    entry.set(data.subarray(8, 4092), sector + 8);
    entry.writeUInt32LE(7, sector + 4092);
  });
  entry.writeUInt32LE(crc32c(entry), 4);
  file.set(entry, MIB);
}

function guid(text: string): Buffer {
  const [one = "", two = "", three = "", ...rest] = text.split("-");
  const swap = (part: string): Uint8Array => Buffer.from(part, "hex").toReversed();
  return Buffer.concat([swap(one), swap(two), swap(three), Buffer.from(rest.join(""), "hex")]);
}

/** CRC-32C bit by bit, so that it shares nothing with the reader's. */
export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}
