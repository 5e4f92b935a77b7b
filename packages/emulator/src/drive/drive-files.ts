import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { copySparsely } from "./copy-sparsely.ts";
import { DrivePathError, drivePathParts, type HostDrive } from "./host-drive.ts";

export interface DriveEntry {
  /** With the spelling that the drive has: `C:\ClusterStorage\Image.vhdx`. */
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly createdMs: number;
}

/** Return values of CIM_DataFile's and Win32_Directory's methods. */
export const driveFileCodes = { accessDenied: 2, failed: 8, invalidName: 9, notFound: 9, folderNotFound: 9, alreadyExists: 10, sharingViolation: 15, notEmpty: 8 } as const;

export type DriveFileProblem = keyof typeof driveFileCodes;

export class DriveFileError extends Error {
  override readonly name = "DriveFileError";
  readonly problem: DriveFileProblem;
  readonly code: number;

  constructor(problem: DriveFileProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
    this.code = driveFileCodes[problem];
  }
}

export interface TransferOptions {
  /** Takes the place of a file that is there; without it that is refused. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
}

/** Files and folders of the host's drive as WMI and the host's programs handle them. Paths are full Windows paths. Methods throw DriveFileError. */
export class DriveFiles {
  readonly #drive: HostDrive;

  constructor(drive: HostDrive) {
    this.#drive = drive;
  }

  /** Null when nothing is there, and for paths that no file can have. */
  async find(path: string): Promise<DriveEntry | null> {
    const found = await this.#drive.find(path).catch((error: unknown) => {
      if (error instanceof DrivePathError) return null;
      throw error;
    });
    return found && { ...found, path: this.#drive.windowsPath(found.path) };
  }

  /** What lies directly in a folder, by name; nothing for a folder that is not there. */
  async list(folder: string): Promise<readonly DriveEntry[]> {
    const found = await this.find(folder);
    if (found?.kind !== "folder") return [];
    const local = await this.#resolve(folder);
    const names = (await readdir(local)).toSorted((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1));
    const entries = await Promise.all(names.map((name) => this.find(`${found.path}\\${name}`)));
    return entries.filter((entry) => entry !== null);
  }

  /** A file, or a folder with all that is in it; with `emptyFolderOnly` a folder that holds nothing. */
  async delete(path: string, options: { readonly emptyFolderOnly?: boolean } = {}): Promise<void> {
    const entry = await this.#require(path);
    const local = await this.#resolve(path);
    if (local === this.#drive.root) throw new DriveFileError("accessDenied", "The drive itself cannot be deleted.");
    this.#requireUnused(local, entry);
    if (options.emptyFolderOnly && entry.kind === "folder" && (await readdir(local)).length > 0) throw new DriveFileError("notEmpty", `The folder "${entry.path}" is not empty.`);
    await attempt(() => rm(local, { recursive: true }));
  }

  /** A file, or a folder with all that is in it. Holes of a file stay holes. */
  async copy(from: string, to: string, options: TransferOptions = {}): Promise<void> {
    const source = await this.#require(from);
    const [local, target] = [await this.#resolve(from), await this.#target(to, options)];
    if (local === target || target.startsWith(`${local}/`)) throw new DriveFileError("sharingViolation", `"${source.path}" cannot be copied onto itself.`);
    const [reading, writing] = [this.#drive.uses.take(local, "read"), this.#drive.uses.take(target, "write")];
    try {
      if (!reading || !writing || this.#drive.uses.isInUseBelow(local)) throw new DriveFileError("sharingViolation", `"${reading ? to : source.path}" is in use.`);
      await attempt(() => copySparsely(local, target, options.signal));
    } finally {
      reading?.();
      writing?.();
    }
  }

  async rename(from: string, to: string, options: TransferOptions = {}): Promise<void> {
    const source = await this.#require(from);
    const local = await this.#resolve(from);
    if (local === this.#drive.root) throw new DriveFileError("accessDenied", "The drive itself cannot be renamed.");
    this.#requireUnused(local, source);
    const sameEntry = await this.#resolve(to) === local;
    // The same name in other letters is found as what is there already, and still means a change.
    const target = sameEntry ? join(dirname(local), drivePathParts(to).at(-1) ?? "") : await this.#target(to, options);
    if (this.#drive.uses.isInUse(target)) throw new DriveFileError("sharingViolation", `"${to}" is in use.`);
    await attempt(() => rename(local, target));
    await syncFolder(dirname(target));
  }

  /** A folder, and those above it that are missing. @throws DriveFileError when something is there already */
  async makeFolder(path: string): Promise<void> {
    const local = await this.#resolve(path);
    if (await this.find(path)) throw new DriveFileError("alreadyExists", `"${path}" exists already.`);
    await attempt(() => mkdir(local, { recursive: true }));
  }

  async #require(path: string): Promise<DriveEntry> {
    const local = await this.#resolve(path);
    const entry = await this.find(path);
    if (entry) return entry;
    await this.#requireFolderOf(local, path);
    throw new DriveFileError("notFound", `"${path}" does not exist.`);
  }

  async #requireFolderOf(local: string, path: string): Promise<void> {
    const folder = await lstat(dirname(local)).catch(() => null);
    if (!folder?.isDirectory()) throw new DriveFileError("folderNotFound", `The folder of "${path}" does not exist.`);
  }

  async #target(path: string, options: TransferOptions): Promise<string> {
    const local = await this.#resolve(path);
    const existing = await this.find(path);
    if (existing && (!options.replace || existing.kind === "folder")) throw new DriveFileError(options.replace ? "accessDenied" : "alreadyExists", `"${existing.path}" exists already.`);
    if (!existing) await this.#requireFolderOf(local, path);
    return local;
  }

  #requireUnused(local: string, entry: DriveEntry): void {
    if (this.#drive.uses.isInUse(local) || this.#drive.uses.isInUseBelow(local)) throw new DriveFileError("sharingViolation", `"${entry.path}" is in use by a machine or by another operation.`);
  }

  #resolve(path: string): Promise<string> {
    return this.#drive.resolve(path).catch((cause: Error) => {
      throw new DriveFileError("invalidName", cause.message, { cause });
    });
  }
}

const systemProblems: Readonly<Record<string, DriveFileProblem>> = { ENOENT: "folderNotFound", ENOTDIR: "folderNotFound", EEXIST: "alreadyExists", EISDIR: "accessDenied", EACCES: "accessDenied", EPERM: "accessDenied", ENAMETOOLONG: "invalidName", ENOTEMPTY: "alreadyExists" };

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name === "AbortError") throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    // The cause names paths of the emulating computer; what a client reads does not.
    throw new DriveFileError(systemProblems[code ?? ""] ?? "failed", `The file system refuses${code === undefined ? "" : ` (${code})`}.`, { cause });
  }
}

/** What was renamed into a folder is there after a power cut. */
async function syncFolder(localFolder: string): Promise<void> {
  const folder = await open(localFolder, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
