import type { ByteSource } from "../byte-source.ts";
import { crc32 } from "../crc32.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import type { Decoder } from "./decoder.ts";
import type { Segment } from "./decoded-source.ts";
import { InputReader } from "./input-reader.ts";
import { Lzma2Decoder } from "./lzma2-decoder.ts";
import { WINDOW_BYTES_MAX, windowTooLarge } from "./window-limit.ts";

const STREAM_HEAD_BYTES = 12;
const STREAM_HEAD_MAGIC = "\xfd7zXZ\0";
/** What the largest number of blocks can take. */
const INDEX_BYTES_MAX = 4 * 1024 * 1024;
/** A disk of 4 TiB at the usual 24 MiB a block. */
const BLOCKS_MAX = 200_000;
/** Files that were appended to each other; more is a way to keep a reader busy. */
const STREAMS_MAX = 1024;
const PADDING_BYTES_MAX = 1024 * 1024;
const FILTER_LZMA2 = 0x21;
const FILTER_NAMES: Readonly<Record<number, string>> = { 3: "delta", 4: "x86", 5: "powerpc", 6: "ia64", 7: "arm", 8: "armthumb", 9: "sparc", 10: "arm64", 11: "riscv" };

interface XzBlock {
  readonly offset: number;
  readonly storedBytes: number;
  readonly contentBytes: number;
}

/**
 * The blocks of an .xz file (format 1.1.0), out of the indexes at the end of its streams: nothing is decoded for it. Throws
 * `DI-COMPRESSED-DATA` where they are damaged.
 */
export async function readXzSegments(source: ByteSource): Promise<readonly Segment[]> {
  const streams: (readonly XzBlock[])[] = [];
  let count = 0;
  for (let end = source.sizeBytes; end > 0; ) {
    if (streams.length >= STREAMS_MAX) throw compressedDataError(`the file has more than ${STREAMS_MAX} xz streams`);
    end = await passPadding(source, end);
    const { blocks, start } = await readStream(source, end);
    streams.push(blocks);
    count += blocks.length;
    if (count > BLOCKS_MAX) throw compressedDataError(`the file has more than ${BLOCKS_MAX} xz blocks`);
    end = start;
  }
  return streams.toReversed().flat().map((block) => ({ contentBytes: block.contentBytes, open: () => new XzBlockDecoder(source, block) }));
}

/** Streams may be followed by zeros, in fours (2.2). */
async function passPadding(source: ByteSource, end: number): Promise<number> {
  let place = end;
  while (place >= 4 && new Fields(await source.read(place - 4, 4)).u32(0) === 0) {
    place -= 4;
    if (end - place > PADDING_BYTES_MAX) throw compressedDataError(`more than ${PADDING_BYTES_MAX} bytes of padding follow an xz stream`);
  }
  return place;
}

async function readStream(source: ByteSource, end: number): Promise<{ readonly blocks: readonly XzBlock[]; readonly start: number }> {
  if (end < 2 * STREAM_HEAD_BYTES) throw compressedDataError("no xz stream ends where the file does");
  const footer = new Fields(await source.read(end - STREAM_HEAD_BYTES, STREAM_HEAD_BYTES));
  if (footer.text(10, 2) !== "YZ" || crc32(footer.bytes.subarray(4, 10)) !== footer.u32(0)) throw compressedDataError("no xz stream ends where the file does");
  const indexBytes = (footer.u32(4) + 1) * 4;
  if (indexBytes > INDEX_BYTES_MAX) throw compressedDataError(`an xz index of ${indexBytes} bytes is larger than the ${INDEX_BYTES_MAX} that are read`);
  const indexOffset = end - STREAM_HEAD_BYTES - indexBytes;
  if (indexOffset < STREAM_HEAD_BYTES) throw compressedDataError("an xz index is larger than its file");
  const records = parseIndex(await source.read(indexOffset, indexBytes));
  let offset = indexOffset - records.reduce((sum, { storedBytes }) => sum + roundUp(storedBytes), 0);
  const start = offset - STREAM_HEAD_BYTES;
  if (start < 0) throw compressedDataError("the blocks of an xz index are larger than its file");
  const head = new Fields(await source.read(start, STREAM_HEAD_BYTES));
  if (head.text(0, 6) !== STREAM_HEAD_MAGIC || crc32(head.bytes.subarray(6, 8)) !== head.u32(8) || head.u16(6) !== footer.u16(8)) throw compressedDataError("the two ends of an xz stream do not fit each other");
  const blocks = records.map(({ storedBytes, contentBytes }) => {
    const block = { offset, storedBytes, contentBytes };
    offset += roundUp(storedBytes);
    return block;
  });
  return { blocks, start };
}

const roundUp = (length: number): number => Math.ceil(length / 4) * 4;

function parseIndex(bytes: Uint8Array): readonly { readonly storedBytes: number; readonly contentBytes: number }[] {
  if (bytes[0] !== 0 || crc32(bytes.subarray(0, bytes.length - 4)) !== new Fields(bytes).u32(bytes.length - 4)) throw compressedDataError("the checksum of an xz index is wrong");
  const numbers = new VariableNumbers(bytes, 1, bytes.length - 4);
  const count = numbers.next();
  if (count > bytes.length / 2 || count > BLOCKS_MAX) throw compressedDataError(`an xz index claims ${count} blocks`);
  return Array.from({ length: count }, () => ({ storedBytes: numbers.next(), contentBytes: numbers.next() }));
}

/** Numbers of seven bits a byte, lowest first (1.2). */
class VariableNumbers {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  position: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.position = start;
    this.#end = end;
  }

  next(): number {
    let value = 0;
    for (let index = 0; index < 9; index += 1) {
      if (this.position >= this.#end) break;
      const byte = this.#bytes[this.position] ?? 0;
      this.position += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte >= 0x80) continue;
      if (!Number.isSafeInteger(value)) break;
      return value;
    }
    throw compressedDataError("a number of an xz structure is cut off or too large");
  }
}

/** Decodes one block. Its check is not looked at: a reader of parts never sees the whole. */
class XzBlockDecoder implements Decoder {
  readonly #source: ByteSource;
  readonly #block: XzBlock;
  #lzma2: Lzma2Decoder | null = null;
  #made = 0;

  constructor(source: ByteSource, block: XzBlock) {
    this.#source = source;
    this.#block = block;
  }

  async next(): Promise<Uint8Array | null> {
    this.#lzma2 ??= await this.#readHead();
    const bytes = await this.#lzma2.next();
    this.#made += bytes?.length ?? 0;
    const promised = this.#block.contentBytes;
    if (this.#made > promised || (bytes === null && this.#made !== promised)) throw compressedDataError(`an xz block that promises ${promised} bytes gives ${this.#made}`);
    return bytes;
  }

  async #readHead(): Promise<Lzma2Decoder> {
    const { offset, storedBytes } = this.#block;
    const input = new InputReader(this.#source, offset, Math.min(this.#source.sizeBytes, offset + storedBytes));
    await input.fill(1);
    const size = ((input.bytes[input.position] ?? 0) + 1) * 4;
    const head = (await input.take(size)).slice();
    if (size < 8 || crc32(head.subarray(0, size - 4)) !== new Fields(head).u32(size - 4)) throw compressedDataError("the head of an xz block has a wrong checksum");
    const windowBytes = readFilters(head, size - 4);
    // A small block never needs the window that its filter speaks of.
    const needed = Math.min(windowBytes, this.#block.contentBytes);
    if (needed > WINDOW_BYTES_MAX) throw windowTooLarge(needed, "xz -d FILE");
    return new Lzma2Decoder(input, needed);
  }
}

/** The window of the block's filter, which must be LZMA2 alone (3.1). */
function readFilters(head: Uint8Array, end: number): number {
  const flags = head[1] ?? 0;
  const numbers = new VariableNumbers(head, 2, end);
  if ((flags & 0x40) !== 0) numbers.next();
  if ((flags & 0x80) !== 0) numbers.next();
  const filter = numbers.next();
  if ((flags & 3) !== 0 || filter !== FILTER_LZMA2) {
    throw new DiskImageError("DI-COMPRESSED-METHOD", `The image is compressed by xz with the filter ${FILTER_NAMES[filter] ?? filter}; LZMA2 alone is read here. Decompress it first (xz -d FILE), then give the result.`);
  }
  const length = numbers.next();
  const value = head[numbers.position] ?? 0;
  if (length !== 1 || value > 40) throw compressedDataError("the LZMA2 filter of an xz block is described wrongly");
  return value === 40 ? 2 ** 32 - 1 : (2 | (value & 1)) * 2 ** ((value >> 1) + 11);
}
