import { type FileHandle, mkdir, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { diskFull } from "./refusals.ts";
import type { Digests } from "./hashing/digests.ts";
import { HashRing, SLOT_BYTES } from "./hashing/hash-ring.ts";

/** The database lies on the same disk as a rule: uploads stop while it still has this much to write to. */
export const DISK_RESERVE_BYTES = 256 * 1024 ** 2;
/** Between two looks at what is left. */
const DISK_CHECK_BYTES = 64 * 1024 ** 2;

const ZEROS = Buffer.alloc(SLOT_BYTES);

export interface StoredFile {
  readonly sizeBytes: number;
  readonly digests: Digests;
}

export interface ImageFilesOptions {
  /** Bytes that are left on the disk, for tests of a full one. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/**
 * Images on disk. A file is written under a temporary name, flushed, and renamed to its own name, with the folder flushed after it:
 * whatever has its own name is whole, after a power cut too.
 */
export class ImageFiles {
  readonly #incoming: string;
  readonly #kept: string;
  readonly #freeBytes: (folder: string) => Promise<number>;

  constructor(folder: string, options: ImageFilesOptions = {}) {
    this.#incoming = join(folder, "incoming");
    this.#kept = join(folder, "kept");
    this.#freeBytes = options.freeBytes ?? freeBytesOf;
  }

  /** Makes the folders, and clears away what an earlier process left: half uploads, and files that no image has. */
  async open(isKnown: (names: readonly string[]) => Promise<ReadonlySet<string>>): Promise<void> {
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    await mkdir(this.#kept, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#incoming)) await rm(join(this.#incoming, name), { force: true });
    const names = await readdir(this.#kept);
    const known = await isKnown(names);
    for (const name of names) if (!known.has(name)) await rm(join(this.#kept, name), { force: true });
  }

  path(name: string): string {
    return join(this.#kept, name);
  }

  /** Where an upload that is not kept yet lies. */
  incomingPath(name: string): string {
    return join(this.#incoming, name);
  }

  /**
   * Writes a stream to a temporary file and flushes it. Runs of zeros become holes. Rejects with what broke the stream, or with
   * `SIG-IMAGE-DISK-FULL`; the temporary file is gone then. `onWritten` learns how many bytes from the beginning can be read already.
   */
  async receive(name: string, stream: AsyncIterable<Uint8Array>, onWritten: (bytes: number) => void = () => {}): Promise<StoredFile> {
    const path = this.incomingPath(name);
    const ring = new HashRing();
    const file = await open(path, "wx", 0o600);
    try {
      const sizeBytes = await this.#pour(stream, file, ring, onWritten);
      await file.truncate(sizeBytes);
      const digests = await ring.digests();
      await file.sync();
      await file.close();
      return { sizeBytes, digests };
    } catch (error) {
      await ring.abandon();
      await file.close().catch(() => {});
      await rm(path, { force: true });
      throw (error as NodeJS.ErrnoException).code === "ENOSPC" ? diskFull(null) : error;
    }
  }

  /** Gives a received file its own name. */
  async keep(incomingName: string, name: string): Promise<void> {
    await rename(this.incomingPath(incomingName), this.path(name));
    await syncFolder(this.#kept);
  }

  async discardIncoming(name: string): Promise<void> {
    await rm(this.incomingPath(name), { force: true });
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  async #pour(stream: AsyncIterable<Uint8Array>, file: FileHandle, ring: HashRing, onWritten: (bytes: number) => void): Promise<number> {
    const writing = new Map<Promise<void>, number>();
    let writeFailure: unknown = null;
    let offset = 0;
    let checkedAt = -DISK_CHECK_BYTES;
    const flush = async (slot: number, bytes: Uint8Array): Promise<void> => {
      if (offset - checkedAt >= DISK_CHECK_BYTES) {
        await this.#refuseWhenFull();
        checkedAt = offset;
      }
      ring.commit(slot, bytes.length);
      const write = writeSlot(file, bytes, offset).catch((error: unknown) => void (writeFailure ??= error)).finally(() => {
        writing.delete(write);
        ring.release(slot);
        // Writes end in any order; everything before the first that is under way is there.
        onWritten(Math.min(offset, ...writing.values()));
      });
      writing.set(write, offset);
      offset += bytes.length;
    };
    try {
      await gather(stream, ring, async (slot, bytes) => {
        if (writeFailure !== null) throw writeFailure;
        await flush(slot, bytes);
      });
    } finally {
      await Promise.all(writing.keys());
    }
    if (writeFailure !== null) throw writeFailure;
    return offset;
  }

  async #refuseWhenFull(): Promise<void> {
    const free = await this.#freeBytes(this.#incoming);
    if (free < DISK_RESERVE_BYTES) throw diskFull(free);
  }
}

/** Gathers the small pieces that a network gives into slots of the ring. */
async function gather(stream: AsyncIterable<Uint8Array>, ring: HashRing, full: (slot: number, bytes: Uint8Array) => Promise<void>): Promise<void> {
  let current: { slot: number; bytes: Uint8Array } | null = null;
  let filled = 0;
  for await (const piece of stream) {
    for (let taken = 0; taken < piece.length; ) {
      current ??= await ring.take();
      const part = piece.subarray(taken, taken + SLOT_BYTES - filled);
      current.bytes.set(part, filled);
      taken += part.length;
      filled += part.length;
      if (filled === SLOT_BYTES) {
        await full(current.slot, current.bytes);
        current = null;
        filled = 0;
      }
    }
  }
  if (current !== null) await full(current.slot, current.bytes.subarray(0, filled));
}

async function writeSlot(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  if (ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0) return;
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
