import { lstat, mkdir, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { FileUses } from "./file-uses.ts";

/** A path that Windows would refuse, or that leads outside the folder that stands for the drive. */
export class DrivePathError extends Error {
  override readonly name = "DrivePathError";
}

// Names with a meaning of their own in every folder of a Windows file system.
const deviceNames = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;
const forbiddenCharacters = /[<>:"/|?*\x00-\x1f]/;
// MAX_PATH times the longest extended form that a client could mean; nothing legitimate comes near.
const pathCharactersMax = 4096;

/** The folder that stands for `C:\` of an emulated host. Every path is resolved strictly inside it, without regard to case. */
export class HostDrive {
  readonly root: string;
  /** By local path, as `resolve` answers it. */
  readonly uses = new FileUses();

  constructor(root: string) {
    this.root = root;
  }

  /**
   * The local path of a Windows path. Existing parts are found without regard to case; missing ones keep the spelling given.
   * @throws DrivePathError for another drive, `..`, device names, streams, and anything reached through a symbolic link
   */
  async resolve(windowsPath: string): Promise<string> {
    let current = this.root;
    let exists = true;
    for (const part of drivePathParts(windowsPath)) {
      const found: string | null = exists ? await findEntry(current, part) : null;
      exists = found !== null;
      current = join(current, found ?? part);
      if (exists && (await lstat(current)).isSymbolicLink()) throw new DrivePathError(`"${windowsPath}" leads through a link; links are not followed.`);
    }
    return current;
  }

  /** The local path if something is there, else null. @throws DrivePathError as `resolve` */
  async find(windowsPath: string): Promise<FoundEntry | null> {
    const path = await this.resolve(windowsPath);
    const facts = await lstat(path).catch(() => null);
    if (!facts || (!facts.isFile() && !facts.isDirectory())) return null;
    return { path, kind: facts.isFile() ? "file" : "folder", sizeBytes: facts.size, modifiedMs: facts.mtimeMs, createdMs: facts.birthtimeMs };
  }

  /** How Windows would write a local path of this drive. */
  windowsPath(localPath: string): string {
    return `C:\\${relative(this.root, localPath).replaceAll("/", "\\")}`;
  }

  async makeFolder(windowsPath: string): Promise<void> {
    await mkdir(await this.resolve(windowsPath), { recursive: true });
  }
}

export interface FoundEntry {
  /** Local path. */
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly createdMs: number;
}

/** The names below the drive's root. @throws DrivePathError */
export function drivePathParts(windowsPath: string): string[] {
  const text = windowsPath.trim().replace(/^\\\\[?.]\\(?=[A-Za-z]:)/, "").replaceAll("/", "\\");
  if (text.length > pathCharactersMax) throw new DrivePathError(`The path has ${text.length} characters; at most ${pathCharactersMax} are read.`);
  const absolute = /^([A-Za-z]):(?:\\|$)/.exec(text);
  if (!absolute) throw new DrivePathError(`"${windowsPath}" is not a full path. Write it as C:\\folder\\file.`);
  if (absolute[1]?.toUpperCase() !== "C") throw new DrivePathError(`The drive ${absolute[1]}: does not exist on this host; it has C: only.`);
  const parts = text.slice(2).split("\\").filter((part) => part !== "");
  for (const part of parts) checkName(part, windowsPath);
  return parts;
}

function checkName(part: string, windowsPath: string): void {
  // Windows drops trailing dots and blanks, so that "..." or ". ." could come to mean something else.
  if (/[. ]$/.test(part) || forbiddenCharacters.test(part) || deviceNames.test(part)) {
    throw new DrivePathError(`"${part}" in "${windowsPath}" is not a file name.`);
  }
}

async function findEntry(folder: string, name: string): Promise<string | null> {
  const direct = await lstat(join(folder, name)).catch(() => null);
  if (direct) return name;
  const entries = await readdir(folder).catch(() => []);
  const lower = name.toLowerCase();
  return entries.find((entry) => entry.toLowerCase() === lower) ?? null;
}
