import { compressedDataError } from "./compressed-data-error.ts";

const CODE_BITS_MAX = 15;
/** Codes up to this length are found at once, longer ones bit by bit: they are rare by their nature. */
export const LOOKUP_BITS = 10;

/** A Huffman code of DEFLATE (RFC 1951, 3.2.2): bits come lowest first, codes highest first. */
export interface DeflateCode {
  /** By the next `LOOKUP_BITS` bits: symbol · 16 + length, or 0 for a longer code. */
  readonly lookup: Uint16Array;
  /** How many codes of each length there are, and the symbols in the order of their codes. */
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/** Makes the code with these lengths. Too many codes are an error, too few as well, except a lone code of one bit (as in zlib). */
export function makeDeflateCode(lengths: Uint8Array): DeflateCode {
  const counts = new Uint16Array(CODE_BITS_MAX + 1);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  counts[0] = 0;
  let left = 1;
  let longest = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX; bits += 1) {
    left = left * 2 - (counts[bits] ?? 0);
    if (left < 0) throw compressedDataError("a Huffman code has more symbols than bits for them");
    if ((counts[bits] ?? 0) > 0) longest = bits;
  }
  if (left > 0 && longest > 1) throw compressedDataError("a Huffman code is incomplete");
  const starts = new Uint16Array(CODE_BITS_MAX + 2);
  for (let bits = 1; bits <= CODE_BITS_MAX; bits += 1) starts[bits + 1] = (starts[bits] ?? 0) + (counts[bits] ?? 0);
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    symbols[starts[length] ?? 0] = symbol;
    starts[length] = (starts[length] ?? 0) + 1;
  });
  return { lookup: makeLookup(counts, symbols), counts, symbols };
}

function makeLookup(counts: Uint16Array, symbols: Uint16Array): Uint16Array {
  const lookup = new Uint16Array(1 << LOOKUP_BITS);
  let code = 0;
  let place = 0;
  for (let bits = 1; bits <= LOOKUP_BITS; bits += 1) {
    for (let index = 0; index < (counts[bits] ?? 0); index += 1) {
      const entry = ((symbols[place] ?? 0) << 4) | bits;
      for (let at = reverseBits(code, bits); at < lookup.length; at += 1 << bits) lookup[at] = entry;
      code += 1;
      place += 1;
    }
    code <<= 1;
  }
  return lookup;
}

function reverseBits(value: number, bits: number): number {
  let reversed = 0;
  for (let index = 0; index < bits; index += 1) reversed |= ((value >> index) & 1) << (bits - 1 - index);
  return reversed;
}

/** The symbol · 16 + length at the front of `bits`, bit by bit (for codes longer than the lookup). */
export function findLongCode({ counts, symbols }: DeflateCode, bits: number): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= CODE_BITS_MAX; length += 1) {
    code |= (bits >>> (length - 1)) & 1;
    const count = counts[length] ?? 0;
    if (code - count < first) return ((symbols[index + (code - first)] ?? 0) << 4) | length;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  throw compressedDataError("it holds a code that stands for nothing");
}

/** The code of blocks without one of their own (RFC 1951, 3.2.6). */
export const fixedLiteralCode = makeDeflateCode(Uint8Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)));
export const fixedDistanceCode = makeDeflateCode(new Uint8Array(32).fill(5));
