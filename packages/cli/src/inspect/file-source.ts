import { type FileHandle, open } from "node:fs/promises";
import { type ByteSource, DiskImageError } from "@signet/disk-image";

/** A file on this machine as a byte source. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/** Opens a regular file or a block device for reading. Rejects with the system's own error, or with `TypeError` for anything else. */
export async function openFileSource(path: string): Promise<FileSource> {
  const file = await open(path, "r");
  try {
    const status = await file.stat();
    if (!status.isFile() && !status.isBlockDevice()) throw new TypeError(`${path} is neither a file nor a disk.`);
    const sizeBytes = status.isFile() ? status.size : await deviceSizeBytes(file);
    return { sizeBytes, read: (offset, length) => readExactly(file, sizeBytes, offset, length), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readExactly(file: FileHandle, sizeBytes: number, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0 || length < 0 || offset + length > sizeBytes) {
    throw new DiskImageError("DI-READ-OUTSIDE", `The image ends at byte ${sizeBytes}, but ${length} bytes from ${offset} are needed. It is cut off or damaged; copy it again.`);
  }
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new DiskImageError("DI-READ-OUTSIDE", `The image became shorter while it was read: nothing is at byte ${offset + done}. Wait until it is written, then try again.`);
    done += bytesRead;
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A block device has no size of its own in its status: the largest offset that can be read is found by halving. */
async function deviceSizeBytes(file: FileHandle): Promise<number> {
  const sector = Buffer.alloc(512);
  const isReadable = async (index: number): Promise<boolean> => (await file.read(sector, 0, 512, index * 512)).bytesRead === 512;
  let low = 0;
  let high = 1;
  while (await isReadable(high - 1)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isReadable(middle - 1)) low = middle;
    else high = middle;
  }
  return low * 512;
}
