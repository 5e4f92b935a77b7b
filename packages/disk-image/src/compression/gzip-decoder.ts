import type { ByteSource } from "../byte-source.ts";
import { Fields } from "../fields.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import type { Decoder } from "./decoder.ts";
import { History } from "./history.ts";
import { DEFLATE_INPUT_BYTES_MIN, DEFLATE_MATCH_BYTES_MAX, DEFLATE_WINDOW_BYTES, Inflater } from "./inflater.ts";
import { InputReader } from "./input-reader.ts";

const HEAD_BYTES = 10;
const TRAILER_BYTES = 8;
const METHOD_DEFLATE = 8;
const FLAGS = { headChecksum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
/** Names and comments are short; a longer one hides something. */
const TEXT_BYTES_MAX = 64 * 1024;
const STEP_BYTES = 256 * 1024;

interface MemberState {
  readonly inflater: Inflater;
  readonly made: number;
}

/**
 * Decodes a gzip file (RFC 1952), member after member. It can be restored at any place from the 32 KiB that came before. Of the trailer
 * only the length is held against what was made: a reader of parts never sees the whole.
 */
export class GzipDecoder implements Decoder {
  readonly #source: ByteSource;
  readonly #input: InputReader;
  readonly #history = new History(DEFLATE_WINDOW_BYTES, STEP_BYTES + DEFLATE_MATCH_BYTES_MAX);
  #member: MemberState | null = null;
  #members = 0;

  constructor(source: ByteSource, offset = 0) {
    this.#source = source;
    this.#input = new InputReader(source, offset);
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#member === null && !(await this.#beginMember())) return null;
      const bytes = await this.#decode();
      if (bytes.length > 0) return bytes;
    }
  }

  restorePoint(): () => Decoder {
    const { bytes, end, reach } = this.#history;
    const window = bytes.slice(end - reach, end);
    const state = this.#member === null ? null : { inflater: this.#member.inflater.copy(), made: this.#member.made };
    const { offset } = this.#input;
    const members = this.#members;
    return () => {
      const decoder = new GzipDecoder(this.#source, offset);
      decoder.#history.append(window);
      decoder.#member = state === null ? null : { inflater: state.inflater.copy(), made: state.made };
      decoder.#members = members;
      return decoder;
    };
  }

  async #decode(): Promise<Uint8Array> {
    const state = this.#member;
    if (state === null) return new Uint8Array(0);
    await this.#input.fill(DEFLATE_INPUT_BYTES_MIN);
    const history = this.#history;
    history.reserve(STEP_BYTES + DEFLATE_MATCH_BYTES_MAX);
    const from = history.end;
    state.inflater.run(this.#input, history, STEP_BYTES);
    const made = state.made + history.end - from;
    this.#member = { inflater: state.inflater, made };
    if (state.inflater.isDone) await this.#endMember(made);
    return history.bytes.subarray(from, history.end);
  }

  /** False at the end of the file. Padding behind the last member is passed over, as gzip itself does. */
  async #beginMember(): Promise<boolean> {
    await this.#input.fill(2);
    const isMember = this.#input.available >= 2 && this.#input.bytes[this.#input.position] === 0x1f && this.#input.bytes[this.#input.position + 1] === 0x8b;
    if (!isMember) {
      if (this.#members === 0) throw compressedDataError("it does not begin as gzip data does");
      return false;
    }
    const head = new Fields((await this.#input.take(HEAD_BYTES)).slice());
    const flags = head.u8(3);
    if (head.u8(2) !== METHOD_DEFLATE || (flags & FLAGS.reserved) !== 0) throw compressedDataError(`a gzip member has the method ${head.u8(2)} and the flags ${flags}`);
    if ((flags & FLAGS.extra) !== 0) await this.#input.take(new Fields(await this.#input.take(2)).u16(0));
    if ((flags & FLAGS.name) !== 0) await this.#passText();
    if ((flags & FLAGS.comment) !== 0) await this.#passText();
    if ((flags & FLAGS.headChecksum) !== 0) await this.#input.take(2);
    this.#history.forget();
    this.#member = { inflater: new Inflater(), made: 0 };
    this.#members += 1;
    return true;
  }

  async #passText(): Promise<void> {
    for (let length = 0; length < TEXT_BYTES_MAX; length += 1) if ((await this.#input.take(1))[0] === 0) return;
    throw compressedDataError(`a gzip member has a name of more than ${TEXT_BYTES_MAX} bytes`);
  }

  async #endMember(made: number): Promise<void> {
    const claimed = new Fields(await this.#input.take(TRAILER_BYTES)).u32(4);
    if (claimed !== made % 2 ** 32) throw compressedDataError(`a gzip member gives ${made} bytes, but its end says ${claimed}`);
    this.#member = null;
  }
}
