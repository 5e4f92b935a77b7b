import { compressedDataError } from "./compressed-data-error.ts";
import type { History } from "./history.ts";

/** Sizes and places of the probabilities, as in every LZMA decoder. */
const STATES = 12;
const POSITION_STATES = 16;
const LENGTH_LOW = 2;
const LENGTH_MIDDLE = LENGTH_LOW + (POSITION_STATES << 3);
const LENGTH_HIGH = LENGTH_MIDDLE + (POSITION_STATES << 3);
const LENGTH_SIZE = LENGTH_HIGH + 256;
const IS_MATCH = 0;
const IS_REPEAT = IS_MATCH + (STATES << 4);
const IS_REPEAT_0 = IS_REPEAT + STATES;
const IS_REPEAT_1 = IS_REPEAT_0 + STATES;
const IS_REPEAT_2 = IS_REPEAT_1 + STATES;
const IS_REPEAT_0_LONG = IS_REPEAT_2 + STATES;
const DISTANCE_SLOTS = IS_REPEAT_0_LONG + (STATES << 4);
const DISTANCE_SPECIAL = DISTANCE_SLOTS + (4 << 6);
const DISTANCE_ALIGN = DISTANCE_SPECIAL + 128;
const MATCH_LENGTHS = DISTANCE_ALIGN + 16;
const REPEAT_LENGTHS = MATCH_LENGTHS + LENGTH_SIZE;
const LITERALS = REPEAT_LENGTHS + LENGTH_SIZE;
const LITERAL_SIZE = 0x300;
/** LZMA2 allows lc + lp ≤ 4. */
const PROBABILITIES_MAX = LITERALS + (LITERAL_SIZE << 4);
const HALF = 1024;
/** Range and code are unsigned numbers of 32 bits kept as signed ones, which the engine holds unboxed; flipping this bit orders them. */
const SIGN = 0x80000000 | 0;
const MATCH_BYTES_MAX = 273;

/** The LZMA part of LZMA2: one chunk after the other, each with a range coder of its own. */
export class LzmaDecoder {
  readonly #probabilities = new Uint16Array(PROBABILITIES_MAX);
  #input: Uint8Array = new Uint8Array(0);
  #position = 0;
  #range = 0;
  #code = 0;
  #state = 0;
  #distances: [number, number, number, number] = [1, 1, 1, 1];
  #literalContextBits = 0;
  #literalPositionMask = 0;
  #positionMask = 0;

  /** Takes over lc, lp and pb. Throws `DI-COMPRESSED-DATA` for those that LZMA2 does not allow. */
  setProperties(value: number): void {
    const literalContextBits = value % 9;
    const literalPositionBits = Math.floor(value / 9) % 5;
    const positionBits = Math.floor(value / 45);
    if (positionBits > 4 || literalContextBits + literalPositionBits > 4) throw compressedDataError(`LZMA properties ${value} are not allowed`);
    this.#literalContextBits = literalContextBits;
    this.#literalPositionMask = (1 << literalPositionBits) - 1;
    this.#positionMask = (1 << positionBits) - 1;
  }

  resetState(): void {
    this.#probabilities.fill(HALF);
    this.#state = 0;
    this.#distances = [1, 1, 1, 1];
  }

  /**
   * Appends exactly `length` bytes; room for them must be there. `made` counts the bytes since the dictionary was reset. All of `input` must
   * be used up.
   */
  decode(input: Uint8Array, history: History, length: number, made: number): void {
    this.#input = input;
    this.#position = 5;
    this.#range = -1;
    this.#code = ((input[1] ?? 0) << 24) | ((input[2] ?? 0) << 16) | ((input[3] ?? 0) << 8) | (input[4] ?? 0);
    if (input.length < 5 || input[0] !== 0) throw compressedDataError("an LZMA chunk does not begin as one");
    const stop = history.end + length;
    const offset = made - history.end;
    while (history.end < stop) {
      const positionState = (history.end + offset) & this.#positionMask;
      if (this.#bit(IS_MATCH + (this.#state << 4) + positionState) === 0) this.#literal(history, history.end + offset);
      else this.#match(history, positionState, stop);
      if (this.#position > input.length) throw compressedDataError("an LZMA chunk ends too early");
    }
    this.#normalize();
    if (this.#position !== input.length || this.#code !== 0) throw compressedDataError("an LZMA chunk does not end where it should");
  }

  #normalize(): void {
    if (this.#range >>> 24 !== 0) return;
    this.#range <<= 8;
    this.#code = (this.#code << 8) | (this.#input[this.#position] ?? 0);
    this.#position += 1;
  }

  #bit(index: number): 0 | 1 {
    this.#normalize();
    const probability = this.#probabilities[index] ?? 0;
    const bound = Math.imul(this.#range >>> 11, probability);
    if ((this.#code ^ SIGN) < (bound ^ SIGN)) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >> 5);
      return 0;
    }
    this.#range = (this.#range - bound) | 0;
    this.#code = (this.#code - bound) | 0;
    this.#probabilities[index] = probability - (probability >> 5);
    return 1;
  }

  #tree(base: number, bits: number): number {
    let symbol = 1;
    for (let index = 0; index < bits; index += 1) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      const bit = this.#bit(base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << index;
    }
    return value;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      this.#normalize();
      this.#range >>>= 1;
      const isOne = (this.#code ^ SIGN) >= (this.#range ^ SIGN);
      if (isOne) this.#code = (this.#code - this.#range) | 0;
      value = value * 2 + (isOne ? 1 : 0);
    }
    return value;
  }

  #literal(history: History, made: number): void {
    const { bytes, end } = history;
    const previous = history.reach > 0 ? (bytes[end - 1] ?? 0) : 0;
    const context = ((made & this.#literalPositionMask) << this.#literalContextBits) + (previous >> (8 - this.#literalContextBits));
    const base = LITERALS + LITERAL_SIZE * context;
    let symbol = 1;
    if (this.#state >= 7) {
      const [distance] = this.#distances;
      if (distance > history.reach) throw compressedDataError(`it refers ${distance} bytes back, where only ${history.reach} are kept`);
      let matched = bytes[end - distance] ?? 0;
      while (symbol < 0x100) {
        const matchBit = (matched >> 7) & 1;
        matched <<= 1;
        const bit = this.#bit(base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    bytes[end] = symbol & 0xff;
    history.end = end + 1;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #match(history: History, positionState: number, stop: number): void {
    const state = this.#state;
    const [zero, one, two, three] = this.#distances;
    let length = 1;
    if (this.#bit(IS_REPEAT + state) === 0) {
      length = this.#length(MATCH_LENGTHS, positionState);
      this.#state = state < 7 ? 7 : 10;
      this.#distances = [this.#distance(length), zero, one, two];
    } else if (this.#bit(IS_REPEAT_0 + state) === 0) {
      if (this.#bit(IS_REPEAT_0_LONG + (state << 4) + positionState) === 0) this.#state = state < 7 ? 9 : 11;
      else length = this.#repeated(state, positionState);
    } else {
      if (this.#bit(IS_REPEAT_1 + state) === 0) this.#distances = [one, zero, two, three];
      else if (this.#bit(IS_REPEAT_2 + state) === 0) this.#distances = [two, zero, one, three];
      else this.#distances = [three, zero, one, two];
      length = this.#repeated(state, positionState);
    }
    if (length > MATCH_BYTES_MAX || history.end + length > stop) throw compressedDataError("a match leads beyond its LZMA chunk");
    history.copy(this.#distances[0], length);
  }

  #repeated(state: number, positionState: number): number {
    const length = this.#length(REPEAT_LENGTHS, positionState);
    this.#state = state < 7 ? 8 : 11;
    return length;
  }

  #length(base: number, positionState: number): number {
    if (this.#bit(base) === 0) return 2 + this.#tree(base + LENGTH_LOW + (positionState << 3), 3);
    if (this.#bit(base + 1) === 0) return 10 + this.#tree(base + LENGTH_MIDDLE + (positionState << 3), 3);
    return 18 + this.#tree(base + LENGTH_HIGH, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(DISTANCE_SLOTS + (Math.min(length - 2, 3) << 6), 6);
    if (slot < 4) return slot + 1;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + this.#reverseTree(DISTANCE_SPECIAL + base - slot, bits) + 1;
    return base + this.#direct(bits - 4) * 16 + this.#reverseTree(DISTANCE_ALIGN, 4) + 1;
  }
}
