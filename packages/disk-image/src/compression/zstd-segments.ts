import type { ByteSource } from "../byte-source.ts";
import { Fields } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import type { Segment } from "./decoded-source.ts";
import { ZSTD_BLOCK_BYTES_MAX } from "./zstd-block.ts";
import { ZstdFrameDecoder } from "./zstd-decoder.ts";
import { isSkippable, readZstdBlockHead, readZstdFrameHead, ZSTD_BLOCK_HEAD_BYTES, ZSTD_HEAD_BYTES_MAX } from "./zstd-frame.ts";

/** Tools that make many frames make them of some MiB. */
const FRAMES_MAX = 200_000;
const CHECKSUM_BYTES = 4;

/**
 * The frames of a .zst file (RFC 8878), found by walking from block to block: nothing is decoded for it. A frame that does not say how much
 * it gives has `contentBytes` null.
 */
export async function readZstdSegments(source: ByteSource): Promise<readonly Segment[]> {
  const paged = pagedSource(source);
  const segments: Segment[] = [];
  for (let offset = 0, frames = 0; offset < source.sizeBytes; frames += 1) {
    if (frames >= FRAMES_MAX) throw compressedDataError(`it has more than ${FRAMES_MAX} Zstandard frames`);
    const start = offset;
    const head = await paged.read(offset, Math.min(ZSTD_HEAD_BYTES_MAX, source.sizeBytes - offset));
    if (head.length >= 8 && isSkippable(new Fields(head).u32(0))) {
      offset += 8 + new Fields(head).u32(4);
      continue;
    }
    const { headBytes, contentBytes, hasChecksum } = readZstdFrameHead(head);
    offset = await passBlocks(paged, start + headBytes);
    if (hasChecksum) offset += CHECKSUM_BYTES;
    if (offset > source.sizeBytes) throw compressedDataError("a Zstandard frame is cut off");
    segments.push({ contentBytes, open: () => new ZstdFrameDecoder(source, start) });
  }
  return segments;
}

async function passBlocks(source: ByteSource, offset: number): Promise<number> {
  for (let place = offset; ; ) {
    if (place + ZSTD_BLOCK_HEAD_BYTES > source.sizeBytes) throw compressedDataError("a Zstandard frame is cut off");
    const { isLast, storedBytes } = readZstdBlockHead(await source.read(place, ZSTD_BLOCK_HEAD_BYTES), ZSTD_BLOCK_BYTES_MAX);
    place += ZSTD_BLOCK_HEAD_BYTES + storedBytes;
    if (isLast) return place;
  }
}
