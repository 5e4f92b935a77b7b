import { compressedDataError } from "./compressed-data-error.ts";
import { type DeflateCode, findLongCode, fixedDistanceCode, fixedLiteralCode, LOOKUP_BITS, makeDeflateCode } from "./deflate-codes.ts";
import type { History } from "./history.ts";
import type { InputBuffer } from "./input-reader.ts";

/** RFC 1951, 3.2.5: what the length symbols from 257 on and the distance symbols stand for. */
const LENGTH_BASES = Uint16Array.of(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258);
const LENGTH_BITS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0);
const DISTANCE_BASES = Uint16Array.of(1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577);
const DISTANCE_BITS = Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13);
/** The order in which the lengths of the length code are written (3.2.7). */
const LENGTH_CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;
const END_OF_BLOCK = 256;
export const DEFLATE_WINDOW_BYTES = 32 * 1024;
export const DEFLATE_MATCH_BYTES_MAX = 258;
/** The head of a block with codes of its own takes at most 14 + 19 · 3 + 320 · 14 bits. */
export const DEFLATE_INPUT_BYTES_MIN = 1024;

type Mode = "head" | "stored" | "coded" | "done";

/** Decodes DEFLATE (RFC 1951) step by step. It can stop after every symbol and be copied there. */
export class Inflater {
  #bits = 0;
  #bitCount = 0;
  #mode: Mode = "head";
  #isLastBlock = false;
  #storedLeft = 0;
  #literals: DeflateCode = fixedLiteralCode;
  #distances: DeflateCode = fixedDistanceCode;

  get isDone(): boolean {
    return this.#mode === "done";
  }

  copy(): Inflater {
    const copy = new Inflater();
    copy.#bits = this.#bits;
    copy.#bitCount = this.#bitCount;
    copy.#mode = this.#mode;
    copy.#isLastBlock = this.#isLastBlock;
    copy.#storedLeft = this.#storedLeft;
    copy.#literals = this.#literals;
    copy.#distances = this.#distances;
    return copy;
  }

  /**
   * Appends up to `lengthMax` bytes, and at most one match more. Stops earlier where the stream ends, or where fewer than
   * `DEFLATE_INPUT_BYTES_MIN` bytes are left of an input that is not complete.
   */
  run(input: InputBuffer, history: History, lengthMax: number): void {
    history.reserve(lengthMax + DEFLATE_MATCH_BYTES_MAX);
    const stop = history.end + lengthMax;
    while (this.#mode !== "done" && history.end < stop) {
      if (!input.isComplete && input.bytes.length - input.position < DEFLATE_INPUT_BYTES_MIN) return;
      if (this.#mode === "head") this.#readHead(input);
      else if (this.#mode === "stored") this.#copyStored(input, history, stop);
      else if (!this.#decode(input, history, stop)) return;
      if (input.position - (this.#bitCount >> 3) > input.bytes.length) throw compressedDataError("it ends in the middle of a block");
    }
  }

  #need(input: InputBuffer, count: number): void {
    while (this.#bitCount < count) {
      this.#bits |= (input.bytes[input.position] ?? 0) << this.#bitCount;
      input.position += 1;
      this.#bitCount += 8;
    }
  }

  #take(input: InputBuffer, count: number): number {
    this.#need(input, count);
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #readHead(input: InputBuffer): void {
    this.#isLastBlock = this.#take(input, 1) === 1;
    const type = this.#take(input, 2);
    if (type === 0) this.#readStoredHead(input);
    else if (type === 1) {
      this.#literals = fixedLiteralCode;
      this.#distances = fixedDistanceCode;
      this.#mode = "coded";
    } else if (type === 2) this.#readCodes(input);
    else throw compressedDataError("a block has a type that does not exist");
  }

  #readStoredHead(input: InputBuffer): void {
    this.#take(input, this.#bitCount & 7);
    const length = this.#take(input, 16);
    if (this.#take(input, 16) !== (length ^ 0xffff)) throw compressedDataError("the length of a stored block disagrees with its complement");
    // Whole bytes that were read ahead go back.
    input.position -= this.#bitCount >> 3;
    this.#bits = 0;
    this.#bitCount = 0;
    this.#storedLeft = length;
    this.#mode = "stored";
    if (length === 0) this.#endBlock(input);
  }

  #copyStored(input: InputBuffer, history: History, stop: number): void {
    const length = Math.min(this.#storedLeft, stop - history.end, input.bytes.length - input.position);
    if (length <= 0) throw compressedDataError("it ends in the middle of a block");
    history.append(input.bytes.subarray(input.position, input.position + length));
    input.position += length;
    this.#storedLeft -= length;
    if (this.#storedLeft === 0) this.#endBlock(input);
  }

  #readCodes(input: InputBuffer): void {
    const literals = this.#take(input, 5) + 257;
    const distances = this.#take(input, 5) + 1;
    const lengthCodes = this.#take(input, 4) + 4;
    if (literals > 286 || distances > 30) throw compressedDataError("a block has more codes than there are symbols");
    const ofLengths = new Uint8Array(19);
    for (const symbol of LENGTH_CODE_ORDER.slice(0, lengthCodes)) ofLengths[symbol] = this.#take(input, 3);
    const lengthCode = makeDeflateCode(ofLengths);
    const lengths = new Uint8Array(literals + distances);
    for (let index = 0; index < lengths.length; ) {
      const symbol = this.#symbol(input, lengthCode);
      if (symbol < 16) {
        lengths[index] = symbol;
        index += 1;
        continue;
      }
      if (symbol === 16 && index === 0) throw compressedDataError("a block repeats a code length before the first");
      const value = symbol === 16 ? (lengths[index - 1] ?? 0) : 0;
      const count = symbol === 16 ? 3 + this.#take(input, 2) : symbol === 17 ? 3 + this.#take(input, 3) : 11 + this.#take(input, 7);
      if (index + count > lengths.length) throw compressedDataError("a block gives more code lengths than it has codes");
      lengths.fill(value, index, index + count);
      index += count;
    }
    if (lengths[END_OF_BLOCK] === 0) throw compressedDataError("a block has no code for its end");
    this.#literals = makeDeflateCode(lengths.subarray(0, literals));
    this.#distances = makeDeflateCode(lengths.subarray(literals));
    this.#mode = "coded";
  }

  #symbol(input: InputBuffer, code: DeflateCode): number {
    this.#need(input, 15);
    const entry = (code.lookup[this.#bits & ((1 << LOOKUP_BITS) - 1)] ?? 0) || findLongCode(code, this.#bits);
    this.#bits >>>= entry & 15;
    this.#bitCount -= entry & 15;
    return entry >> 4;
  }

  /** The inner loop, on local variables. False where more input is needed. */
  #decode(input: InputBuffer, history: History, stop: number): boolean {
    const { bytes } = input;
    const literals = this.#literals;
    const distances = this.#distances;
    const { lookup } = literals;
    const out = history.bytes;
    const inputStop = input.isComplete ? bytes.length + 8 : bytes.length - 8;
    let { position } = input;
    let bits = this.#bits;
    let bitCount = this.#bitCount;
    let end = history.end;
    let isEnd = false;
    while (end < stop && position < inputStop) {
      while (bitCount <= 24) {
        bits |= (bytes[position] ?? 0) << bitCount;
        position += 1;
        bitCount += 8;
      }
      const entry = (lookup[bits & ((1 << LOOKUP_BITS) - 1)] ?? 0) || findLongCode(literals, bits);
      bits >>>= entry & 15;
      bitCount -= entry & 15;
      const symbol = entry >> 4;
      if (symbol < 256) {
        out[end] = symbol;
        end += 1;
        continue;
      }
      if (symbol === END_OF_BLOCK) {
        isEnd = true;
        break;
      }
      if (symbol > 285) throw compressedDataError("it holds a length that does not exist");
      const lengthBits = LENGTH_BITS[symbol - 257] ?? 0;
      const length = (LENGTH_BASES[symbol - 257] ?? 0) + (bits & ((1 << lengthBits) - 1));
      bits >>>= lengthBits;
      bitCount -= lengthBits;
      while (bitCount <= 24) {
        bits |= (bytes[position] ?? 0) << bitCount;
        position += 1;
        bitCount += 8;
      }
      const distanceEntry = (distances.lookup[bits & ((1 << LOOKUP_BITS) - 1)] ?? 0) || findLongCode(distances, bits);
      bits >>>= distanceEntry & 15;
      bitCount -= distanceEntry & 15;
      const distanceSymbol = distanceEntry >> 4;
      if (distanceSymbol > 29) throw compressedDataError("it holds a distance that does not exist");
      const distanceBits = DISTANCE_BITS[distanceSymbol] ?? 0;
      while (bitCount < distanceBits) {
        bits |= (bytes[position] ?? 0) << bitCount;
        position += 1;
        bitCount += 8;
      }
      const distance = (DISTANCE_BASES[distanceSymbol] ?? 0) + (bits & ((1 << distanceBits) - 1));
      bits >>>= distanceBits;
      bitCount -= distanceBits;
      history.end = end;
      history.copy(distance, length);
      end += length;
    }
    input.position = position;
    this.#bits = bits;
    this.#bitCount = bitCount;
    history.end = end;
    if (position >= bytes.length + 8 && !isEnd) throw compressedDataError("it ends in the middle of a block");
    if (isEnd) this.#endBlock(input);
    return isEnd || end >= stop;
  }

  #endBlock(input: InputBuffer): void {
    this.#mode = this.#isLastBlock ? "done" : "head";
    if (!this.#isLastBlock) return;
    input.position -= this.#bitCount >> 3;
    this.#bits = 0;
    this.#bitCount = 0;
  }
}
