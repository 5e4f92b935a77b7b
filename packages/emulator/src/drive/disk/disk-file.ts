import { open, stat, type FileHandle } from "node:fs/promises";
import { FileHoles } from "./file-holes.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** The file of a virtual disk. One operation at a time. */
export class DiskFile {
  /** For messages: the Windows path. */
  readonly name: string;
  readonly #handle: FileHandle;
  #sizeBytes: number;
  readonly #localPath: string;
  #holes: Promise<FileHoles> | undefined;
  /** A file that counts only once it is complete needs no order among its writes; one sync at its end does. */
  ordered = true;

  private constructor(localPath: string, name: string, handle: FileHandle, sizeBytes: number) {
    this.#localPath = localPath;
    this.name = name;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  /** @throws VirtualDiskError when it is not there or cannot be opened */
  static async open(localPath: string, name: string, access: "read" | "write"): Promise<DiskFile> {
    try {
      if (!(await stat(localPath)).isFile()) throw new Error("It is a folder.");
      const handle = await open(localPath, access === "read" ? "r" : "r+");
      return new DiskFile(localPath, name, handle, (await handle.stat()).size);
    } catch (cause) {
      const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
      throw new VirtualDiskError(missing ? "fileNotFound" : "failed", missing ? `The file "${name}" does not exist.` : `The file "${name}" cannot be opened.`, { cause });
    }
  }

  /** @throws VirtualDiskError when something is there already, or the folder is missing */
  static async create(localPath: string, name: string): Promise<DiskFile> {
    try {
      return new DiskFile(localPath, name, await open(localPath, "wx+"), 0);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "EEXIST") throw new VirtualDiskError("failed", `The file "${name}" exists already. Choose another name or delete it first.`, { cause });
      if (code === "ENOENT") throw new VirtualDiskError("fileNotFound", `The folder of "${name}" does not exist.`, { cause });
      throw new VirtualDiskError("failed", `The file "${name}" cannot be made.`, { cause });
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @throws VirtualDiskError when the file ends before */
  async read(offset: number, lengthBytes: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(lengthBytes);
    await this.readInto(offset, bytes);
    return bytes;
  }

  /** @throws VirtualDiskError when the file ends before the buffer is full */
  async readInto(offset: number, target: Uint8Array): Promise<void> {
    const endBytes = offset + target.length;
    for (let done = 0; endBytes <= this.#sizeBytes; ) {
      if (done === target.length) return;
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    throw new VirtualDiskError("failed", `The virtual hard disk "${this.name}" is cut off: it ends before byte ${endBytes}.`);
  }

  /** How many bytes from an offset on are a hole, as long as nobody writes to the file. */
  async holeBytes(offset: number): Promise<number> {
    this.#holes ??= FileHoles.of(this.#localPath);
    return (await this.#holes).lengthAt(offset);
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    let done = 0;
    while (done < data.length) {
      const { bytesWritten } = await this.#handle.write(data, done, data.length - done, offset + done);
      done += bytesWritten;
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, offset + data.length);
  }

  /** Cuts the file, or lengthens it by a hole that reads as zeros. */
  async setSize(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  /** What was written before reaches the disk before what is written after. */
  async barrier(): Promise<void> {
    if (this.ordered) await this.sync();
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
