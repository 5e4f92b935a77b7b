import type { FileHandle } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type ByteSource, DiskImageError } from "@signet/disk-image";

/**
 * The bytes of a file that is still being received. `progress` says, a number a line, how many bytes from the beginning are there; a
 * read of more waits for them. What is there but was never written is a hole: zeros.
 */
export function growingSource(file: FileHandle, sizeBytes: number, progress: Readable): ByteSource {
  const waiting = new Set<() => void>();
  let receivedBytes = 0;
  let hasEnded = false;
  const wake = (): void => {
    for (const resume of waiting) resume();
    waiting.clear();
  };
  const lines = createInterface({ input: progress });
  lines.on("line", (line) => {
    receivedBytes = Math.max(receivedBytes, Number(line));
    wake();
  });
  lines.on("close", () => {
    hasEnded = true;
    wake();
  });
  return {
    sizeBytes,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > sizeBytes) throw new DiskImageError("DI-READ-OUTSIDE", `${length} bytes at ${offset} are asked for, and the file will have ${sizeBytes}.`);
      while (receivedBytes < offset + length) {
        if (hasEnded) throw new Error("the upload ended early");
        await new Promise<void>((settle) => waiting.add(settle));
      }
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes;
    },
  };
}
