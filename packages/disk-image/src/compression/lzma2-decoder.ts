import { compressedDataError } from "./compressed-data-error.ts";
import type { Decoder } from "./decoder.ts";
import { History } from "./history.ts";
import type { InputReader } from "./input-reader.ts";
import { LzmaDecoder } from "./lzma.ts";

/** What the control byte of a chunk means. No standard says it; these are the values of xz and of the LZMA SDK. */
const CONTROL_END = 0;
const CONTROL_STORED_WITH_RESET = 1;
const CONTROL_STORED = 2;
const CONTROL_LZMA = 0x80;
const CHUNK_BYTES_MAX = 2 * 1024 * 1024;

/** Decodes LZMA2 data, chunk by chunk, up to its end mark. */
export class Lzma2Decoder implements Decoder {
  readonly #input: InputReader;
  readonly #history: History;
  readonly #lzma = new LzmaDecoder();
  /** Bytes since the dictionary was last reset. */
  #made = 0;
  #needsDictionary = true;
  #needsProperties = true;
  #needsState = true;
  #isDone = false;

  constructor(input: InputReader, windowBytes: number) {
    this.#input = input;
    this.#history = new History(windowBytes, CHUNK_BYTES_MAX);
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#isDone) return null;
    const [control = 0] = await this.#input.take(1);
    if (control === CONTROL_END) {
      this.#isDone = true;
      return null;
    }
    if (control === CONTROL_STORED_WITH_RESET || control >= 0xe0) this.#resetDictionary();
    if (this.#needsDictionary) throw compressedDataError("LZMA2 data does not begin with a new dictionary");
    return control >= CONTROL_LZMA ? this.#decodeChunk(control) : this.#copyChunk(control);
  }

  #resetDictionary(): void {
    this.#needsDictionary = false;
    this.#needsProperties = true;
    this.#made = 0;
    this.#history.forget();
  }

  async #copyChunk(control: number): Promise<Uint8Array> {
    if (control > CONTROL_STORED) throw compressedDataError(`LZMA2 control byte ${control} does not exist`);
    const [high = 0, low = 0] = await this.#input.take(2);
    const bytes = await this.#input.take(high * 256 + low + 1);
    this.#history.append(bytes);
    this.#made += bytes.length;
    return bytes;
  }

  async #decodeChunk(control: number): Promise<Uint8Array> {
    const [high = 0, low = 0, packedHigh = 0, packedLow = 0] = await this.#input.take(4);
    const length = ((control & 0x1f) << 16) + high * 256 + low + 1;
    const reset = (control >> 5) & 3;
    if (reset >= 2) {
      this.#lzma.setProperties((await this.#input.take(1))[0] ?? 0);
      this.#needsProperties = false;
    }
    if (reset >= 1) {
      this.#lzma.resetState();
      this.#needsState = false;
    }
    if (this.#needsProperties || this.#needsState) throw compressedDataError("an LZMA2 chunk goes on where nothing began");
    const packed = await this.#input.take(packedHigh * 256 + packedLow + 1);
    const history = this.#history;
    history.reserve(length);
    const from = history.end;
    this.#lzma.decode(packed, history, length, this.#made);
    this.#made += length;
    return history.bytes.subarray(from, history.end);
  }
}
