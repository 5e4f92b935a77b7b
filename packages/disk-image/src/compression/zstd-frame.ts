import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import { WINDOW_BYTES_MAX, windowTooLarge } from "./window-limit.ts";

/** What the head of a Zstandard frame says (RFC 8878, 3.1.1.1). */
export interface ZstdFrameHead {
  readonly headBytes: number;
  readonly windowBytes: number;
  /** What the frame gives when decoded; null where it does not say. */
  readonly contentBytes: number | null;
  readonly hasChecksum: boolean;
}

export const ZSTD_MAGIC = 0xfd2fb528;
/** Magic, descriptor, window, dictionary and content size. */
export const ZSTD_HEAD_BYTES_MAX = 18;
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Sixteen magics mark frames that decoders pass over (3.1.2). */
export const isSkippable = (magic: number): boolean => (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC;

/** Reads the head of a frame. Throws `DI-COMPRESSED-DATA`, `-METHOD` for a frame that needs a dictionary, `-WINDOW` for a window beyond the limit. */
export function readZstdFrameHead(bytes: Uint8Array): ZstdFrameHead {
  const fields = new Fields(bytes);
  const descriptor = bytes[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  const dictionaryAt = isSingleSegment ? 5 : 6;
  const sizeAt = dictionaryAt + dictionaryBytes;
  const headBytes = sizeAt + sizeBytes;
  if (bytes.length < headBytes || fields.u32(0) !== ZSTD_MAGIC) throw compressedDataError("a Zstandard frame has no head");
  if ((descriptor & 8) !== 0) throw compressedDataError("a Zstandard frame uses a reserved bit");
  if (bytes.subarray(dictionaryAt, sizeAt).some((byte) => byte !== 0)) {
    throw new DiskImageError("DI-COMPRESSED-METHOD", "The image is compressed with a Zstandard dictionary, which is a file of its own. Decompress it first (zstd -d -D DICTIONARY FILE), then give the result.");
  }
  const contentBytes = sizeBytes === 0 ? null : sizeBytes === 1 ? fields.u8(sizeAt) : sizeBytes === 2 ? fields.u16(sizeAt) + 256 : sizeBytes === 4 ? fields.u32(sizeAt) : fields.u64(sizeAt);
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : windowOf(fields.u8(5));
  if (windowBytes > WINDOW_BYTES_MAX) throw windowTooLarge(windowBytes, "zstd -d --long=31 FILE");
  return { headBytes, windowBytes, contentBytes, hasChecksum: (descriptor & 4) !== 0 };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** The three bytes in front of each block (3.1.1.2). */
export interface ZstdBlockHead {
  readonly isLast: boolean;
  readonly type: "raw" | "repeated" | "compressed";
  /** Of what the block stands for if it is repeated, else of what is stored. */
  readonly sizeBytes: number;
  readonly storedBytes: number;
}

export const ZSTD_BLOCK_HEAD_BYTES = 3;
const BLOCK_TYPES = ["raw", "repeated", "compressed"] as const;

export function readZstdBlockHead(bytes: Uint8Array, sizeMax: number): ZstdBlockHead {
  const [low = 0, middle = 0, high = 0] = bytes;
  const value = low | (middle << 8) | (high << 16);
  const type = BLOCK_TYPES[(value >> 1) & 3];
  const sizeBytes = value >> 3;
  if (type === undefined || sizeBytes > sizeMax) throw compressedDataError(`a Zstandard block of ${sizeBytes} bytes is not allowed`);
  return { isLast: (value & 1) === 1, type, sizeBytes, storedBytes: type === "repeated" ? 1 : sizeBytes };
}
