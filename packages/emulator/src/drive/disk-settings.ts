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
