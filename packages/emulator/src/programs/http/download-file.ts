import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { HostDrive } from "../../drive/host-drive.ts";

/** The file that is downloaded into cannot be opened or written. */
export class DownloadFileError extends Error {
  override readonly name = "DownloadFileError";
}

/**
 * A file of the drive that a download goes into. Nothing of it is kept in memory. `finish` returns once the bytes, and the file's name in
 * its folder, would survive a power cut; without it what came so far is left as it is, as a killed program leaves it.
 */
export class DownloadFile {
  readonly #handle: FileHandle;
  readonly #localPath: string;
  readonly #done: () => void;
  #sizeBytes = 0;

  private constructor(localPath: string, handle: FileHandle, done: () => void) {
    this.#localPath = localPath;
    this.#handle = handle;
    this.#done = done;
  }

  /** Begins the file anew. @throws DownloadFileError, DrivePathError */
  static async create(drive: HostDrive, path: string): Promise<DownloadFile> {
    const localPath = await drive.resolve(path);
    const done = drive.uses.take(localPath, "write");
    if (!done) throw new DownloadFileError("The file is being used by another process.");
    try {
      return new DownloadFile(localPath, await open(localPath, "w"), done);
    } catch (cause) {
      done();
      throw new DownloadFileError((cause as NodeJS.ErrnoException).code === "ENOENT" ? "No such file or directory" : "Permission denied", { cause });
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(data: Uint8Array): Promise<void> {
    try {
      await this.#handle.writeFile(data);
    } catch (cause) {
      throw new DownloadFileError("No space left on device", { cause });
    }
    this.#sizeBytes += data.length;
  }

  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      const folder = await open(dirname(this.#localPath), "r");
      await folder.sync().finally(() => folder.close());
    } catch (cause) {
      throw new DownloadFileError("The file could not be written out", { cause });
    }
  }

  async close(): Promise<void> {
    await this.#handle.close().finally(this.#done);
  }
}
