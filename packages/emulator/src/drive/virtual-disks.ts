import type { HostDrive } from "./host-drive.ts";

export { VirtualDiskError, virtualDiskCodes } from "./virtual-disk-error.ts";

export type DiskFormat = "vhd" | "vhdx";
export type DiskType = "fixed" | "dynamic" | "differencing";

/** What a disk to be made shall be. Paths are Windows paths. */
export interface NewDiskSettings {
  readonly path: string;
  readonly format: DiskFormat;
  readonly type: DiskType;
  /** Differencing disks only, and required there. */
  readonly parentPath?: string | null;
  /** As the guest sees it. Zero on a differencing disk and in a conversion: that of the parent or source. */
  readonly sizeBytes: number;
  readonly blockSizeBytes?: number | null;
  readonly logicalSectorBytes?: number | null;
  readonly physicalSectorBytes?: number | null;
}

/** What the headers of a disk say. */
export interface DiskSettings {
  readonly path: string;
  readonly format: DiskFormat;
  readonly type: DiskType;
  /** As the disk's own locator records it; null unless differencing. */
  readonly parentPath: string | null;
  readonly sizeBytes: number;
  /** 0 for a fixed disk, which has no blocks. */
  readonly blockSizeBytes: number;
  readonly logicalSectorBytes: number;
  readonly physicalSectorBytes: number;
  /** Upper-case GUID without braces. */
  readonly virtualDiskId: string;
}

export interface DiskState {
  /** Bytes that the file takes up by its length. */
  readonly fileSizeBytes: number;
  /** Whether a machine or an operation of the host has it open. */
  readonly inUse: boolean;
  /** The smallest size that keeps every partition; null when there is no partition table to tell. */
  readonly minInternalSizeBytes: number | null;
}

/** What QEMU opens for a disk of a machine while that runs. Call `release` when the machine is off, whatever turned it off. */
export interface RuntimeDisk {
  /** For `-drive file=`: a path of the computer that emulates, or an `nbd+unix:` address. */
  readonly path: string;
  readonly format: "vhdx" | "vpc" | "raw";
  readonly logicalSectorBytes: number;
  /** Ends the use; safe to call twice. Writes of the guest are in the file then. */
  release(): Promise<void>;
}

/** The virtual disks on the host's drive, and what Hyper-V's image service does with them. Every method fails with a VirtualDiskError. */
export class VirtualDisks {
  readonly #drive: HostDrive;

  constructor(drive: HostDrive) {
    this.#drive = drive;
  }

  async create(_settings: NewDiskSettings, _signal: AbortSignal): Promise<void> {
    throw this.#pending();
  }

  async settings(_path: string, _signal: AbortSignal): Promise<DiskSettings> {
    throw this.#pending();
  }

  async state(_path: string, _signal: AbortSignal): Promise<DiskState> {
    throw this.#pending();
  }

  /** Fixed disks grow and shrink with their file; shrinking below `minInternalSizeBytes` is refused. */
  async resize(_path: string, _sizeBytes: number, _signal: AbortSignal): Promise<void> {
    throw this.#pending();
  }

  /** Writes the disk's content, parents included, to a new disk with an identity of its own. */
  async convert(_sourcePath: string, _target: NewDiskSettings, _signal: AbortSignal): Promise<void> {
    throw this.#pending();
  }

  /** Writes what a differencing disk, and those between, changed into the ancestor at `destinationPath`. */
  async merge(_sourcePath: string, _destinationPath: string, _signal: AbortSignal): Promise<void> {
    throw this.#pending();
  }

  /** `mode` as in CompactVirtualHardDisk: 0 full, 1 quick, 2 retrim, 3 pretrimmed, 4 prezeroed; all drop blocks of zeros. */
  async compact(_path: string, _mode: number, _signal: AbortSignal): Promise<void> {
    throw this.#pending();
  }

  async setParent(_childPath: string, _parentPath: string, _signal: AbortSignal, _options?: { readonly ignoreIdMismatch?: boolean }): Promise<void> {
    throw this.#pending();
  }

  async validate(_path: string, _signal: AbortSignal): Promise<void> {
    throw this.#pending();
  }

  /** Takes a disk, or a DVD image (`.iso`), into use by a machine. Disks that only QEMU cannot read are served to it by this process. */
  async runtimeDisk(_path: string): Promise<RuntimeDisk> {
    throw this.#pending();
  }

  /** Ends every use: the host goes down. */
  async close(): Promise<void> {}

  #pending(): Error {
    return new Error(`The disks of ${this.#drive.root} cannot be worked on yet.`);
  }
}
