import type { ByteSource } from "../byte-source.ts";
import { requireInside } from "../memory-source.ts";

/** Reads a part that lies within one block; null stands for zeros. */
export type ReadInBlock = (block: number, within: number, length: number) => Promise<Uint8Array | null>;

/** Reads a range that is laid out in blocks of one size, block by block. */
export async function readInBlocks(sizeBytes: number, blockSizeBytes: number, offset: number, length: number, readInBlock: ReadInBlock): Promise<Uint8Array> {
  requireInside(sizeBytes, offset, length);
  const first = Math.floor(offset / blockSizeBytes);
  if (length > 0 && first === Math.floor((offset + length - 1) / blockSizeBytes)) return (await readInBlock(first, offset % blockSizeBytes, length)) ?? new Uint8Array(length);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = offset + done;
    const within = at % blockSizeBytes;
    const part = Math.min(length - done, blockSizeBytes - within);
    const data = await readInBlock(Math.floor(at / blockSizeBytes), within, part);
    if (data !== null) bytes.set(data, done);
    done += part;
  }
  return bytes;
}

/** Reads from a disk that may be shorter; what lies behind its end is zeros. Null where all of it does. */
export async function readFromParent(parent: ByteSource | null, offset: number, length: number): Promise<Uint8Array | null> {
  if (parent === null || offset >= parent.sizeBytes) return null;
  return readPadded(parent, offset, length);
}

/**
 * Reads from a file whose last block need not be there as a whole: what lies behind its end is zeros. A range that begins behind it is
 * `DI-READ-OUTSIDE`.
 */
export async function readPadded(file: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  if (offset + length <= file.sizeBytes || offset >= file.sizeBytes) return file.read(offset, length);
  const bytes = new Uint8Array(length);
  bytes.set(await file.read(offset, file.sizeBytes - offset), 0);
  return bytes;
}
