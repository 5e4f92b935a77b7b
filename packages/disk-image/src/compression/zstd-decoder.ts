import type { ByteSource } from "../byte-source.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import type { Decoder } from "./decoder.ts";
import { History } from "./history.ts";
import { InputReader } from "./input-reader.ts";
import { ZSTD_BLOCK_BYTES_MAX, ZstdBlocks } from "./zstd-block.ts";
import { readZstdBlockHead, readZstdFrameHead, ZSTD_BLOCK_HEAD_BYTES, ZSTD_HEAD_BYTES_MAX, type ZstdFrameHead } from "./zstd-frame.ts";

/** Decodes one frame. Its checksum is not looked at: a reader of parts never sees the whole. */
export class ZstdFrameDecoder implements Decoder {
  readonly #input: InputReader;
  readonly #blocks = new ZstdBlocks();
  #head: ZstdFrameHead | null = null;
  #history = new History(0, 0);
  #made = 0;
  #isDone = false;

  constructor(source: ByteSource, offset: number) {
    this.#input = new InputReader(source, offset);
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#head === null) await this.#readHead();
    for (;;) {
      if (this.#isDone) return null;
      const bytes = await this.#nextBlock();
      if (bytes.length > 0) return bytes;
    }
  }

  async #readHead(): Promise<void> {
    await this.#input.fill(ZSTD_HEAD_BYTES_MAX);
    const head = readZstdFrameHead(this.#input.bytes.subarray(this.#input.position, this.#input.position + ZSTD_HEAD_BYTES_MAX));
    await this.#input.take(head.headBytes);
    this.#head = head;
    this.#history = new History(head.windowBytes, ZSTD_BLOCK_BYTES_MAX);
  }

  async #nextBlock(): Promise<Uint8Array> {
    const block = readZstdBlockHead(await this.#input.take(ZSTD_BLOCK_HEAD_BYTES), ZSTD_BLOCK_BYTES_MAX);
    const stored = await this.#input.take(block.storedBytes);
    const history = this.#history;
    history.reserve(ZSTD_BLOCK_BYTES_MAX);
    const from = history.end;
    decodeZstdBlock(block, stored, this.#blocks, history);
    this.#made += history.end - from;
    this.#isDone = block.isLast;
    const promised = this.#head?.contentBytes ?? null;
    if (promised !== null && (this.#made > promised || (this.#isDone && this.#made !== promised))) throw compressedDataError(`a frame that promises ${promised} bytes gives ${this.#made}`);
    return history.bytes.subarray(from, history.end);
  }
}

function decodeZstdBlock(block: { readonly type: "raw" | "repeated" | "compressed"; readonly sizeBytes: number }, stored: Uint8Array, blocks: ZstdBlocks, history: History): void {
  if (block.type === "compressed") blocks.decode(stored, history);
  else if (block.type === "raw") history.append(stored);
  else {
    history.bytes.fill(stored[0] ?? 0, history.end, history.end + block.sizeBytes);
    history.end += block.sizeBytes;
  }
}

/** Decodes the frame at the beginning, which shall give exactly `sizeBytes`; what lies behind it is not looked at. Throws `DI-COMPRESSED-DATA`. */
export function decodeZstdCluster(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const head = readZstdFrameHead(bytes.subarray(0, ZSTD_HEAD_BYTES_MAX));
  const history = new History(sizeBytes, ZSTD_BLOCK_BYTES_MAX);
  const blocks = new ZstdBlocks();
  for (let place = head.headBytes; history.end < sizeBytes; ) {
    const behind = place + ZSTD_BLOCK_HEAD_BYTES;
    const block = readZstdBlockHead(bytes.subarray(place, behind), ZSTD_BLOCK_BYTES_MAX);
    if (behind + block.storedBytes > bytes.length) throw compressedDataError("a Zstandard block is cut off");
    history.reserve(ZSTD_BLOCK_BYTES_MAX);
    decodeZstdBlock(block, bytes.subarray(behind, behind + block.storedBytes), blocks, history);
    place = behind + block.storedBytes;
    if (block.isLast) break;
  }
  if (history.end !== sizeBytes) throw compressedDataError(`it gives ${history.end} bytes where ${sizeBytes} are expected`);
  return history.bytes.subarray(0, sizeBytes);
}
