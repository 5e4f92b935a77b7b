import type { HostDrive } from "./host-drive.ts";

export interface DriveEntry {
  /** With the spelling that the drive has: `C:\ClusterStorage\Image.vhdx`. */
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly createdMs: number;
}

/** Return values of CIM_DataFile's and Win32_Directory's methods. */
export const driveFileCodes = { accessDenied: 2, failed: 8, invalidName: 9, alreadyExists: 10, notFound: 9, sharingViolation: 15, invalidParameter: 21 } as const;

export class DriveFileError extends Error {
  override readonly name = "DriveFileError";
  readonly code: number;

  constructor(problem: keyof typeof driveFileCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = driveFileCodes[problem];
  }
}

/** Files and folders of the host's drive as WMI and the host's programs handle them. */
export class DriveFiles {
  readonly #drive: HostDrive;

  constructor(drive: HostDrive) {
    this.#drive = drive;
  }

  /** Null when nothing is there, and for paths that no file can have. */
  async find(_path: string): Promise<DriveEntry | null> {
    throw this.#pending();
  }

  /** What lies directly in a folder, by name. */
  async list(_folder: string): Promise<readonly DriveEntry[]> {
    throw this.#pending();
  }

  /** A file, or a folder with all that is in it. */
  async delete(_path: string): Promise<void> {
    throw this.#pending();
  }

  async copy(_from: string, _to: string): Promise<void> {
    throw this.#pending();
  }

  async rename(_from: string, _to: string): Promise<void> {
    throw this.#pending();
  }

  async makeFolder(_path: string): Promise<void> {
    throw this.#pending();
  }

  #pending(): Error {
    return new Error(`The files of ${this.#drive.root} cannot be worked on yet.`);
  }
}
