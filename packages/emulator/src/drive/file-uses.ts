export type FileUse = "read" | "write";

/** Which files of the drive something has open. Windows refuses to delete, replace or move those, and to open for writing what others read. */
export class FileUses {
  readonly #open = new Map<string, { readers: number; writers: number }>();

  /** Takes the file into use; null when somebody's use stands against it. The answer ends the use; calling it again does nothing. */
  take(localPath: string, use: FileUse): (() => void) | null {
    const count = this.#open.get(localPath) ?? { readers: 0, writers: 0 };
    if (count.writers > 0 || (use === "write" && count.readers > 0)) return null;
    this.#open.set(localPath, count);
    const key = use === "read" ? "readers" : "writers";
    count[key]++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      count[key]--;
      if (count.readers === 0 && count.writers === 0) this.#open.delete(localPath);
    };
  }

  isInUse(localPath: string): boolean {
    return this.#open.has(localPath);
  }

  /** Whether anything below a folder is in use. */
  isInUseBelow(localFolder: string): boolean {
    return [...this.#open.keys()].some((path) => path.startsWith(`${localFolder}/`));
  }
}
