import type { ByteSource } from "../byte-source.ts";
import { compressedDataError } from "./compressed-data-error.ts";

/** Bytes of which a decoder takes from the front. */
export interface InputBuffer {
  readonly bytes: Uint8Array;
  position: number;
  /** Whether nothing follows behind `bytes`. */
  readonly isComplete: boolean;
}

/** The first read is small: most of an image is judged by its beginning. */
const READ_BYTES_MIN = 16 * 1024;
const READ_BYTES_MAX = 512 * 1024;

/** Reads a stretch of a source from front to end, in growing steps. */
export class InputReader implements InputBuffer {
  bytes = new Uint8Array(0);
  position = 0;
  readonly #source: ByteSource;
  readonly #end: number;
  #next: number;
  #readBytes = READ_BYTES_MIN;

  constructor(source: ByteSource, offset: number, end = source.sizeBytes) {
    this.#source = source;
    this.#next = offset;
    this.#end = end;
  }

  get isComplete(): boolean {
    return this.#next >= this.#end;
  }
  get available(): number {
    return this.bytes.length - this.position;
  }
  /** Where in the source the next byte lies. */
  get offset(): number {
    return this.#next - this.available;
  }

  /** Sees to it that so many bytes are there, or all that are left. */
  async fill(length: number): Promise<void> {
    if (this.available >= length || this.isComplete) return;
    const size = Math.min(this.#end - this.#next, Math.max(this.#readBytes, length - this.available));
    this.#readBytes = Math.min(READ_BYTES_MAX, this.#readBytes * 2);
    const read = await this.#source.read(this.#next, size);
    this.#next += size;
    if (this.available === 0) this.bytes = new Uint8Array(read.buffer as ArrayBuffer, read.byteOffset, read.byteLength);
    else {
      const joined = new Uint8Array(this.available + size);
      joined.set(this.bytes.subarray(this.position), 0);
      joined.set(read, this.available);
      this.bytes = joined;
    }
    this.position = 0;
  }

  /** Takes so many bytes; a view that is valid until the next call. Throws `DI-COMPRESSED-DATA` where they are not there. */
  async take(length: number): Promise<Uint8Array> {
    await this.fill(length);
    if (this.available < length) throw compressedDataError(`it ends ${length - this.available} bytes too early`);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }
}
