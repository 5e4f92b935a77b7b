import type { ByteSource } from "./byte-source.ts";
import { DiskImageError } from "./disk-image-error.ts";

/** A source whose bytes are all in memory. They are copied out, so that callers may change what they got. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => {
      requireInside(bytes.length, offset, length);
      return Uint8Array.from(bytes.subarray(offset, offset + length));
    },
  };
}

/** Throws `DI-READ-OUTSIDE` unless the range lies inside a source of `sizeBytes`. */
export function requireInside(sizeBytes: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > sizeBytes) {
    throw new DiskImageError("DI-READ-OUTSIDE", `The image ends at byte ${sizeBytes}, but ${length} bytes from ${offset} are needed. It is cut off or damaged; copy it again.`);
  }
}

/** The part of a source that begins at `offset`, as a source of its own. */
export function sliceSource(source: ByteSource, offset: number, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: async (from, length) => {
      requireInside(sizeBytes, from, length);
      return source.read(offset + from, length);
    },
  };
}
