import { compressedDataError } from "./compressed-data-error.ts";
import { BackwardBits, ForwardBits } from "./zstd-bits.ts";

/** A finite state table (RFC 8878, 4.1.1): by state, the symbol, and where the next state begins and how many bits lead there. */
export interface StateTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** A Huffman code (4.2.1): by the next `log` bits, the symbol and its length. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

const HUFFMAN_LOG_MAX = 11;
const WEIGHTS_MAX = 255;
const WEIGHT_TABLE_LOG_MAX = 6;
const WEIGHT_MAX = HUFFMAN_LOG_MAX;

/** Reads how often each symbol occurs, and makes the table. Returns where the description ends as well. */
export function readStateTable(bytes: Uint8Array, start: number, end: number, logMax: number, symbolsMax: number): { readonly table: StateTable; readonly end: number } {
  const bits = new ForwardBits(bytes, start, end);
  const log = bits.take(4) + 5;
  if (log > logMax) throw compressedDataError("a state table is larger than allowed");
  const counts: number[] = [];
  let left = (1 << log) + 1;
  while (left > 1) {
    if (counts.length > symbolsMax) throw compressedDataError("a state table has too many symbols");
    // Values that cannot be reached shorten the lower ones by a bit.
    const width = 32 - Math.clz32(left);
    let value = bits.take(width);
    const shortMax = (1 << width) - 1 - left;
    if ((value & ((1 << (width - 1)) - 1)) < shortMax) {
      value &= (1 << (width - 1)) - 1;
      bits.giveBack(1);
    } else if (value >= 1 << (width - 1)) value -= shortMax;
    const count = value - 1;
    left -= Math.abs(count);
    counts.push(count);
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3; ) {
      repeat = bits.take(2);
      for (let index = 0; index < repeat; index += 1) counts.push(0);
      if (counts.length > symbolsMax + 1) throw compressedDataError("a state table has too many symbols");
    }
  }
  if (left !== 1 || counts.length > symbolsMax + 1) throw compressedDataError("the counts of a state table do not add up");
  return { table: makeStateTable(counts, log), end: bits.end };
}

/** Spreads the symbols over the states (4.1.1). A count of -1 means "less than one": such symbols take the states at the end. */
export function makeStateTable(counts: readonly number[], log: number): StateTable {
  const size = 1 << log;
  const table = { log, symbols: new Uint8Array(size), bits: new Uint8Array(size), bases: new Uint16Array(size) };
  let high = size;
  counts.forEach((count, symbol) => {
    if (count === -1) table.symbols[(high -= 1)] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let place = 0;
  counts.forEach((count, symbol) => {
    for (let index = 0; index < count; index += 1) {
      table.symbols[place] = symbol;
      do place = (place + step) & (size - 1);
      while (place >= high);
    }
  });
  if (place !== 0) throw compressedDataError("the symbols of a state table do not fill it");
  const next = counts.map((count) => (count === -1 ? 1 : count));
  for (let state = 0; state < size; state += 1) {
    const symbol = table.symbols[state] ?? 0;
    const order = next[symbol] ?? 1;
    next[symbol] = order + 1;
    const bits = log - (31 - Math.clz32(order));
    table.bits[state] = bits;
    table.bases[state] = (order << bits) - size;
  }
  return table;
}

/** A table that has one symbol for ever. */
export const makeConstantTable = (symbol: number): StateTable => ({ log: 0, symbols: Uint8Array.of(symbol), bits: Uint8Array.of(0), bases: Uint16Array.of(0) });

/** Reads the description of a Huffman code (4.2.1.1 and 4.2.1.2): the weights of the symbols, the last one's left out. */
export function readHuffmanTable(bytes: Uint8Array, start: number, end: number): { readonly table: HuffmanTable; readonly end: number } {
  if (start >= end) throw compressedDataError("the description of a Huffman code is cut off");
  const head = bytes[start] ?? 0;
  if (head < 128) {
    const behind = start + 1 + head;
    if (behind > end) throw compressedDataError("the description of a Huffman code is cut off");
    return { table: makeHuffmanTable(readWeights(bytes, start + 1, behind)), end: behind };
  }
  const count = head - 127;
  const behind = start + 1 + ((count + 1) >> 1);
  if (behind > end) throw compressedDataError("the description of a Huffman code is cut off");
  const weights = Array.from({ length: count }, (_, index) => ((bytes[start + 1 + (index >> 1)] ?? 0) >> (index % 2 === 0 ? 4 : 0)) & 15);
  return { table: makeHuffmanTable(weights), end: behind };
}

/** Weights that are packed with a state table of their own: two states take turns until the bits are used up. */
function readWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { table, end: streamStart } = readStateTable(bytes, start, end, WEIGHT_TABLE_LOG_MAX, WEIGHT_MAX);
  const stream = new BackwardBits(bytes, streamStart, end);
  const states = [stream.take(table.log), stream.take(table.log)];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn] ?? 0;
    weights.push(table.symbols[state] ?? 0);
    if (weights.length > WEIGHTS_MAX) throw compressedDataError("a Huffman code has too many symbols");
    states[turn] = (table.bases[state] ?? 0) + stream.take(table.bits[state] ?? 0);
    if (stream.left < 0) {
      weights.push(table.symbols[states[turn ^ 1] ?? 0] ?? 0);
      return weights;
    }
  }
}

function makeHuffmanTable(weights: number[]): HuffmanTable {
  if (weights.some((weight) => weight > WEIGHT_MAX)) throw compressedDataError("a Huffman code is longer than allowed");
  const sum = weights.reduce((total, weight) => total + (weight === 0 ? 0 : 1 << (weight - 1)), 0);
  const log = 32 - Math.clz32(sum);
  const rest = (1 << log) - sum;
  if (sum === 0 || log > HUFFMAN_LOG_MAX || weights.length > WEIGHTS_MAX || (rest & (rest - 1)) !== 0) throw compressedDataError("the weights of a Huffman code do not add up");
  weights.push(32 - Math.clz32(rest));
  const table = { log, symbols: new Uint8Array(1 << log), lengths: new Uint8Array(1 << log) };
  let place = 0;
  for (let weight = 1; weight <= log; weight += 1) {
    weights.forEach((own, symbol) => {
      if (own !== weight) return;
      const span = 1 << (weight - 1);
      table.symbols.fill(symbol, place, place + span);
      table.lengths.fill(log + 1 - weight, place, place + span);
      place += span;
    });
  }
  if (place !== 1 << log) throw compressedDataError("the weights of a Huffman code do not add up");
  return table;
}
