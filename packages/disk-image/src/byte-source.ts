/**
 * Random access to the bytes of one image. Everything in `disk-image` and `secure-boot` sees the world through this shape and
 * nothing else, so the same code judges a file, an upload in flight, an object over HTTP ranges and a file dropped into a browser.
 */
export interface ByteSource {
  readonly sizeBytes: number;
  /**
   * Reads exactly `length` bytes from `offset`. Rejects with a `DiskImageError` (`DI-READ-OUTSIDE`) when the range leaves the source.
   * The returned array belongs to the caller.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}
