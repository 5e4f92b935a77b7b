import type { ByteSource } from "./byte-source.ts";
import { requireInside } from "./memory-source.ts";

/** Small enough to read little of a sparse image, large enough to take a directory or a stretch of a table at once. */
const PAGE_BYTES = 16 * 1024;
/** One mebibyte of pages: tables and directories of one image, never its files. */
const PAGES_MAX = 64;

/**
 * Keeps the last pages read, for the many small reads of tables and directories. Reads of a page or more go straight through, so that
 * a file is never read twice.
 */
export function pagedSource(source: ByteSource): ByteSource {
  const pages = new Map<number, Uint8Array>();
  const pageAt = async (index: number): Promise<Uint8Array> => {
    const known = pages.get(index);
    if (known !== undefined) return known;
    const offset = index * PAGE_BYTES;
    const page = await source.read(offset, Math.min(PAGE_BYTES, source.sizeBytes - offset));
    if (pages.size >= PAGES_MAX) for (const oldest of [...pages.keys()].slice(0, PAGES_MAX / 2)) pages.delete(oldest);
    pages.set(index, page);
    return page;
  };
  return {
    sizeBytes: source.sizeBytes,
    read: async (offset, length) => {
      requireInside(source.sizeBytes, offset, length);
      if (length >= PAGE_BYTES) return source.read(offset, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const index = Math.floor((offset + done) / PAGE_BYTES);
        const page = await pageAt(index);
        const from = offset + done - index * PAGE_BYTES;
        const part = page.subarray(from, from + length - done);
        bytes.set(part, done);
        done += part.length;
      }
      return bytes;
    },
  };
}
