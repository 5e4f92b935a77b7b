import { compressedDataError } from "./compressed-data-error.ts";
import type { History } from "./history.ts";
import { BackwardBits } from "./zstd-bits.ts";
import { type HuffmanTable, makeConstantTable, makeStateTable, readHuffmanTable, readStateTable, type StateTable } from "./zstd-tables.ts";

/** RFC 8878, 3.1.1.2.3: no block holds more than this, whatever the window. */
export const ZSTD_BLOCK_BYTES_MAX = 128 * 1024;

/** One of the three kinds of numbers that a sequence is made of (3.1.1.3.2.1). */
interface NumberKind {
  readonly logMax: number;
  readonly symbolMax: number;
  readonly predefined: StateTable;
}

const LITERAL_LENGTHS: NumberKind = { logMax: 9, symbolMax: 35, predefined: makeStateTable([4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], 6) };
const MATCH_LENGTHS: NumberKind = { logMax: 9, symbolMax: 52, predefined: makeStateTable([1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1], 6) };
const OFFSETS: NumberKind = { logMax: 8, symbolMax: 31, predefined: makeStateTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5) };
const LITERAL_LENGTH_BITS = [...Array.from({ length: 16 }, () => 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_LENGTH_BITS = [...Array.from({ length: 32 }, () => 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

function basesOf(bits: readonly number[], first: number): Uint32Array {
  let next = first;
  return Uint32Array.from(bits, (count) => {
    next += 1 << count;
    return next - (1 << count);
  });
}
const LITERAL_LENGTH_BASES = basesOf(LITERAL_LENGTH_BITS, 0);
const MATCH_LENGTH_BASES = basesOf(MATCH_LENGTH_BITS, 3);

/** Decodes the compressed blocks of one frame (RFC 8878, 3.1.1.3). Tables and offsets stay for the blocks that follow. */
export class ZstdBlocks {
  #huffman: HuffmanTable | null = null;
  #literalLengths: StateTable | null = null;
  #offsets: StateTable | null = null;
  #matchLengths: StateTable | null = null;
  #recent = 1;
  #second = 4;
  #third = 8;
  readonly #literals = new Uint8Array(ZSTD_BLOCK_BYTES_MAX);
  #literalCount = 0;

  /** Appends what the block stands for. Throws `DI-COMPRESSED-DATA`. */
  decode(block: Uint8Array, history: History): void {
    history.reserve(ZSTD_BLOCK_BYTES_MAX);
    const sequences = this.#readLiterals(block);
    this.#runSequences(block, sequences, history);
  }

  /** Reads the literals section; returns where it ends. */
  #readLiterals(block: Uint8Array): number {
    const head = (index: number): number => block[index] ?? 0;
    const type = head(0) & 3;
    const format = (head(0) >> 2) & 3;
    if (type < 2) {
      const headBytes = (format & 1) === 0 ? 1 : format === 1 ? 2 : 3;
      const size = headBytes === 1 ? head(0) >> 3 : headBytes === 2 ? (head(0) >> 4) | (head(1) << 4) : (head(0) >> 4) | (head(1) << 4) | (head(2) << 12);
      const end = headBytes + (type === 0 ? size : 1);
      if (size > ZSTD_BLOCK_BYTES_MAX || end > block.length) throw compressedDataError("the literals of a block leave it");
      if (type === 0) this.#literals.set(block.subarray(headBytes, end), 0);
      else this.#literals.fill(head(headBytes), 0, size);
      this.#literalCount = size;
      return end;
    }
    const headBytes = format < 2 ? 3 : format + 2;
    const width = format < 2 ? 10 : format === 2 ? 14 : 18;
    const value = head(0) + head(1) * 2 ** 8 + head(2) * 2 ** 16 + (headBytes > 3 ? head(3) * 2 ** 24 : 0) + (headBytes > 4 ? head(4) * 2 ** 32 : 0);
    const size = Math.floor(value / 16) % 2 ** width;
    const end = headBytes + (Math.floor(value / 2 ** (4 + width)) % 2 ** width);
    if (size > ZSTD_BLOCK_BYTES_MAX || end > block.length) throw compressedDataError("the literals of a block leave it");
    let start = headBytes;
    if (type === 2) ({ table: this.#huffman, end: start } = readHuffmanTable(block, headBytes, end));
    if (this.#huffman === null) throw compressedDataError("a block uses a Huffman code that was never given");
    this.#decodeStreams(block, start, end, size, format === 0 ? 1 : 4, this.#huffman);
    this.#literalCount = size;
    return end;
  }

  #decodeStreams(block: Uint8Array, start: number, end: number, size: number, streams: number, table: HuffmanTable): void {
    if (streams === 1) return decodeHuffman(new BackwardBits(block, start, end), table, this.#literals, 0, size);
    const sizes = [0, 2, 4].map((place) => (block[start + place] ?? 0) | ((block[start + place + 1] ?? 0) << 8));
    const part = (size + 3) >> 2;
    let from = start + 6;
    if (from > end || 3 * part > size) throw compressedDataError("the literals of a block do not fill their four streams");
    for (let stream = 0; stream < 4; stream += 1) {
      const to = stream < 3 ? from + (sizes[stream] ?? 0) : end;
      if (to > end) throw compressedDataError("a stream of literals leaves its block");
      decodeHuffman(new BackwardBits(block, from, to), table, this.#literals, stream * part, stream < 3 ? (stream + 1) * part : size);
      from = to;
    }
  }

  #runSequences(block: Uint8Array, start: number, history: History): void {
    const [first = 0, second = 0, third = 0] = block.subarray(start);
    let place = start + (first < 128 ? 1 : first < 255 ? 2 : 3);
    const count = first < 128 ? first : first < 255 ? ((first - 128) << 8) + second : second + (third << 8) + 0x7f00;
    if (place > block.length) throw compressedDataError("a block ends before its sequences");
    const stop = history.end + ZSTD_BLOCK_BYTES_MAX;
    if (count === 0) {
      if (place !== block.length) throw compressedDataError("a block without sequences has bytes behind its literals");
      history.append(this.#literals.subarray(0, this.#literalCount));
      return;
    }
    const modes = block[place] ?? 0;
    place += 1;
    const read = (mode: number, kind: NumberKind, previous: StateTable | null): StateTable => {
      if (mode === 0) return kind.predefined;
      if (mode === 1) return constantTable(block[(place += 1) - 1], kind);
      if (mode === 2) {
        const { table, end } = readStateTable(block, place, block.length, kind.logMax, kind.symbolMax);
        place = end;
        return table;
      }
      if (previous === null) throw compressedDataError("a block repeats a state table that was never given");
      return previous;
    };
    const literalLengths = (this.#literalLengths = read(modes >> 6, LITERAL_LENGTHS, this.#literalLengths));
    const offsets = (this.#offsets = read((modes >> 4) & 3, OFFSETS, this.#offsets));
    const matchLengths = (this.#matchLengths = read((modes >> 2) & 3, MATCH_LENGTHS, this.#matchLengths));
    const bits = new BackwardBits(block, place, block.length);
    let literalState = bits.take(literalLengths.log);
    let offsetState = bits.take(offsets.log);
    let matchState = bits.take(matchLengths.log);
    let literal = 0;
    for (let index = 0; index < count; index += 1) {
      const literalSymbol = literalLengths.symbols[literalState] ?? 0;
      const matchSymbol = matchLengths.symbols[matchState] ?? 0;
      const offsetBits = offsets.symbols[offsetState] ?? 0;
      // More bits than can be looked at once are taken in two parts.
      const offsetValue = offsetBits > 24 ? 2 ** offsetBits + bits.take(offsetBits - 16) * 2 ** 16 + bits.take(16) : (1 << offsetBits) + bits.take(offsetBits);
      const matchLength = (MATCH_LENGTH_BASES[matchSymbol] ?? 0) + bits.take(MATCH_LENGTH_BITS[matchSymbol] ?? 0);
      const literalLength = (LITERAL_LENGTH_BASES[literalSymbol] ?? 0) + bits.take(LITERAL_LENGTH_BITS[literalSymbol] ?? 0);
      if (index + 1 < count) {
        literalState = (literalLengths.bases[literalState] ?? 0) + bits.take(literalLengths.bits[literalState] ?? 0);
        matchState = (matchLengths.bases[matchState] ?? 0) + bits.take(matchLengths.bits[matchState] ?? 0);
        offsetState = (offsets.bases[offsetState] ?? 0) + bits.take(offsets.bits[offsetState] ?? 0);
      }
      const distance = this.#distanceOf(offsetValue, literalLength);
      if (bits.left < 0 || literal + literalLength > this.#literalCount || history.end + literalLength + matchLength > stop) throw compressedDataError("the sequences of a block lead beyond it");
      history.appendPart(this.#literals, literal, literalLength);
      literal += literalLength;
      history.copy(distance, matchLength);
    }
    if (bits.left !== 0 || history.end + this.#literalCount - literal > stop) throw compressedDataError("the sequences of a block do not use up their bits");
    history.append(this.#literals.subarray(literal, this.#literalCount));
  }

  /** The first three values mean offsets used of late (3.1.1.5). */
  #distanceOf(value: number, literalLength: number): number {
    const which = literalLength === 0 && value <= 3 ? value + 1 : value;
    if (which === 1) return this.#recent;
    let distance = value - 3;
    if (value <= 3) distance = which === 2 ? this.#second : which === 3 ? this.#third : this.#recent - 1;
    if (which !== 2) this.#third = this.#second;
    this.#second = this.#recent;
    this.#recent = distance;
    return distance;
  }
}

function constantTable(symbol: number | undefined, kind: NumberKind): StateTable {
  if (symbol === undefined || symbol > kind.symbolMax) throw compressedDataError("a block repeats a symbol that does not exist");
  return makeConstantTable(symbol);
}

function decodeHuffman(bits: BackwardBits, { log, symbols, lengths }: HuffmanTable, out: Uint8Array, from: number, to: number): void {
  let index = from;
  const { bytes, start } = bits;
  let { left } = bits;
  const mask = (1 << log) - 1;
  // As long as a whole word is left, it gives two symbols: 2 · 11 bits of the 25 that it holds for certain.
  for (; index + 1 < to && left >= 32; index += 2) {
    const place = start + ((left - 25) >> 3);
    const word = (bytes[place] ?? 0) | ((bytes[place + 1] ?? 0) << 8) | ((bytes[place + 2] ?? 0) << 16) | ((bytes[place + 3] ?? 0) << 24);
    let have = left - (place - start) * 8;
    const first = (word >>> (have - log)) & mask;
    out[index] = symbols[first] ?? 0;
    have -= lengths[first] ?? 0;
    const second = (word >>> (have - log)) & mask;
    out[index + 1] = symbols[second] ?? 0;
    left = (place - start) * 8 + have - (lengths[second] ?? 0);
  }
  bits.left = left;
  for (; index < to; index += 1) {
    const value = bits.peek(log);
    out[index] = symbols[value] ?? 0;
    bits.left -= lengths[value] ?? 0;
  }
  if (bits.left !== 0) throw compressedDataError("a stream of literals does not use up its bits");
}
