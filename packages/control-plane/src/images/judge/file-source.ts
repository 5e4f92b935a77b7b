import type { FileHandle } from "node:fs/promises";
import { type ByteSource, DiskImageError } from "@signet/disk-image";

/** The bytes of an open file. The caller closes the handle. */
export async function fileSource(file: FileHandle): Promise<ByteSource> {
  const { size: sizeBytes } = await file.stat();
  return {
    sizeBytes,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > sizeBytes) {
        throw new DiskImageError("DI-READ-OUTSIDE", `${length} bytes at ${offset} are asked for, and the file has ${sizeBytes}.`);
      }
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new DiskImageError("DI-READ-OUTSIDE", `The file ended at ${offset + done}, before its size of ${sizeBytes}: it was cut while it was read.`);
        done += bytesRead;
      }
      return bytes;
    },
  };
}
