import { compressedDataError } from "./compressed-data-error.ts";

/** What a decoder begins with, so that a small stream never costs the large window that it claims. */
const FIRST_BYTES = 64 * 1024;
/** Up to here a loop is quicker than a call. */
const SHORT_BYTES = 32;

/**
 * The last bytes that a decoder has made: its output is appended here, and matches are copied out of here. It grows only as bytes are made
 * and never beyond the window and a step.
 */
export class History {
  bytes: Uint8Array;
  /** Behind the newest byte. */
  end = 0;
  readonly windowBytes: number;
  readonly #bytesMax: number;
  /** Nothing in front of this place may be copied. */
  #floor = 0;

  /** `stepBytesMax` is what is reserved at once at most. */
  constructor(windowBytes: number, stepBytesMax: number) {
    this.windowBytes = windowBytes;
    // Moving a window of bytes for each eighth of it costs less than making them.
    this.#bytesMax = windowBytes + Math.max(windowBytes >> 3, stepBytesMax);
    this.bytes = new Uint8Array(Math.min(this.#bytesMax, FIRST_BYTES));
  }

  /** Makes room for so many more bytes; what is older than the window may go. Places behind `end` keep their meaning until then. */
  reserve(length: number): void {
    if (this.end + length <= this.bytes.length) return;
    const kept = Math.min(this.end, this.windowBytes);
    const from = this.end - kept;
    if (this.bytes.length < this.#bytesMax) {
      const grown = new Uint8Array(Math.min(this.#bytesMax, Math.max(2 * this.bytes.length, kept + length)));
      grown.set(this.bytes.subarray(from, this.end), 0);
      this.bytes = grown;
    } else this.bytes.copyWithin(0, from, this.end);
    this.#floor = Math.max(0, this.#floor - from);
    this.end = kept;
  }

  /** Forbids matches into what is there already. */
  forget(): void {
    this.#floor = this.end;
  }

  /** How far back a match may reach. */
  get reach(): number {
    return Math.min(this.end - this.#floor, this.windowBytes);
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Appends a part of other bytes. Room must be there. */
  appendPart(from: Uint8Array, start: number, length: number): void {
    const { bytes, end } = this;
    if (length <= SHORT_BYTES) for (let index = 0; index < length; index += 1) bytes[end + index] = from[start + index] ?? 0;
    else bytes.set(from.subarray(start, start + length), end);
    this.end = end + length;
  }

  /** Repeats `length` bytes from `distance` back. Room must be there; what is copied may overlap what it makes. */
  copy(distance: number, length: number): void {
    if (distance > this.reach || distance <= 0) throw compressedDataError(`it refers ${distance} bytes back, where only ${this.reach} are kept`);
    const { bytes, end } = this;
    if (length <= SHORT_BYTES) for (let index = end; index < end + length; index += 1) bytes[index] = bytes[index - distance] ?? 0;
    else if (distance >= length) bytes.copyWithin(end, end - distance, end - distance + length);
    else if (distance === 1) bytes.fill(bytes[end - 1] ?? 0, end, end + length);
    else for (let index = end; index < end + length; index += 1) bytes[index] = bytes[index - distance] ?? 0;
    this.end = end + length;
  }
}
