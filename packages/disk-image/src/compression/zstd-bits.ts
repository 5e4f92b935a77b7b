import { compressedDataError } from "./compressed-data-error.ts";

/** Bits of a Zstandard stream that is read from its end (RFC 8878, 4.1). What lies in front of it reads as zeros. */
export class BackwardBits {
  readonly bytes: Uint8Array;
  readonly start: number;
  /** Bits that are left; below zero once too many were taken. */
  left: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? (bytes[end - 1] ?? 0) : 0;
    if (last === 0) throw compressedDataError("a bit stream has no mark at its end");
    this.bytes = bytes;
    this.start = start;
    this.left = (end - start) * 8 - Math.clz32(last) + 23;
  }

  /** The next `count` bits (24 at most), which stay there. */
  peek(count: number): number {
    if (count === 0) return 0;
    const first = this.left - count;
    const place = this.start + (first >> 3);
    const bytes = this.bytes;
    const word = first < 0 ? this.#wordAtStart(place) : (bytes[place] ?? 0) | ((bytes[place + 1] ?? 0) << 8) | ((bytes[place + 2] ?? 0) << 16) | ((bytes[place + 3] ?? 0) << 24);
    return (word >>> (first & 7)) & ((1 << count) - 1);
  }

  take(count: number): number {
    const value = this.peek(count);
    this.left -= count;
    return value;
  }

  #wordAtStart(place: number): number {
    let word = 0;
    for (let index = 0; index < 4; index += 1) if (place + index >= this.start) word |= (this.bytes[place + index] ?? 0) << (8 * index);
    return word;
  }
}

/** Bits from the front, lowest first, as the descriptions of tables are written. */
export class ForwardBits {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #position = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  take(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index += 1) {
      const place = this.#start + ((this.#position + index) >> 3);
      if (place >= this.#end) throw compressedDataError("the description of a table is cut off");
      value |= (((this.#bytes[place] ?? 0) >> ((this.#position + index) & 7)) & 1) << index;
    }
    this.#position += count;
    return value;
  }

  giveBack(count: number): void {
    this.#position -= count;
  }

  /** Behind the last byte that was touched. */
  get end(): number {
    return this.#start + ((this.#position + 7) >> 3);
  }
}
