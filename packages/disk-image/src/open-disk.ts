import type { ByteSource } from "./byte-source.ts";
import { detectFormat, type DetectedFormat } from "./containers/detect-format.ts";
import { type DiskVariant } from "./containers/disk-content.ts";
import { openVhd } from "./containers/vhd.ts";
import { openVhdx } from "./containers/vhdx.ts";
import { DiskImageError } from "./disk-image-error.ts";

export interface OpenDiskOptions {
  /** Parents of a differencing disk, nearest first. They are never looked up by the paths that the image names. */
  readonly parents?: readonly ByteSource[];
  /** For containers that do not record it (raw, iso). Default: 512 for disks. */
  readonly sectorSizeBytes?: number;
}

/** A disk as firmware sees it: a run of sectors. */
export interface Disk {
  readonly format: DetectedFormat;
  readonly variant: DiskVariant | null;
  readonly sectorSizeBytes: number;
  readonly content: ByteSource;
}

const SECTOR_SIZES = [512, 2048, 4096];

/**
 * Opens the disk inside an image of any format that is read here: raw, ISO, VHDX, VHD. Throws `DiskImageError`: `DI-EMPTY` for a file
 * without bytes, `DI-FORMAT-UNREADABLE` for a format that is recognized but not read, and the codes of the container readers.
 */
export async function openDisk(source: ByteSource, options: OpenDiskOptions = {}): Promise<Disk> {
  if (source.sizeBytes === 0) throw new DiskImageError("DI-EMPTY", "The file has no bytes. The copy or upload that made it did not finish; repeat it.");
  const sectorSizeBytes = options.sectorSizeBytes ?? 512;
  if (!SECTOR_SIZES.includes(sectorSizeBytes)) throw new DiskImageError("DI-SECTOR-SIZE", `A sector size of ${sectorSizeBytes} bytes is asked for; it must be ${SECTOR_SIZES.join(", ")}.`);
  const format = await detectFormat(source);
  if (format === "vhdx") return { format, ...(await openVhdx(source, options.parents ?? [])) };
  if (format === "vhd") return { format, ...(await openVhd(source, options.parents ?? [])) };
  if (format === "raw" || format === "iso") return { format, variant: null, sectorSizeBytes, content: source };
  if (format === "efi") throw new DiskImageError("DI-NOT-A-DISK", "The file is an EFI program, not a disk.");
  throw new DiskImageError("DI-FORMAT-UNREADABLE", `The image is ${format}, which is recognized but cannot be read here. Convert it, for example: qemu-img convert -O vhdx -o subformat=dynamic IN OUT.vhdx`);
}
