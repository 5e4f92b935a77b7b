import type { ByteSource } from "./byte-source.ts";
import { type Compression, isCompression, openCompressed } from "./compression/open-compressed.ts";
import { detectFormat, type DetectedFormat } from "./containers/detect-format.ts";
import { type DiskContent, type DiskRemark, type DiskVariant, PARENTS_MAX } from "./containers/disk-content.ts";
import { openParallels } from "./containers/parallels.ts";
import { openQcow } from "./containers/qcow.ts";
import { openQcow2 } from "./containers/qcow2.ts";
import { openQed } from "./containers/qed.ts";
import { refuseTwoFormats } from "./containers/two-formats.ts";
import { openVdi } from "./containers/vdi.ts";
import { openVhd } from "./containers/vhd.ts";
import { openVhdx } from "./containers/vhdx.ts";
import { openVmdk } from "./containers/vmdk.ts";
import { DiskImageError } from "./disk-image-error.ts";
import { readGptEnd } from "./partitions/gpt.ts";

export interface OpenDiskOptions {
  /** Parents of a differencing disk, nearest first. They are never looked up by the paths that the image names. */
  readonly parents?: readonly ByteSource[];
  /** For containers that do not record it (raw, iso). Default: 512 for disks. */
  readonly sectorSizeBytes?: number;
  /** How much may be decompressed for a compressed image; default: what its size allows. */
  readonly decodedBytesMax?: number;
}

/** A disk as firmware sees it: a run of sectors. */
export interface Disk {
  /** Of the image itself, within a compression that may lie around it. */
  readonly format: DetectedFormat;
  readonly compression: Compression | null;
  readonly variant: DiskVariant | null;
  readonly sectorSizeBytes: number;
  readonly content: ByteSource;
  readonly remarks: readonly DiskRemark[];
}

type OpenContainer = (source: ByteSource, parents: readonly ByteSource[]) => Promise<DiskContent>;

const SECTOR_SIZES = [512, 2048, 4096];
/** Decoding so much only to look for a footer is fine. In a longer stream one is looked for where a partition table leaves room for it. */
const END_DISTANCE_BYTES_MAX = 64 * 1024 * 1024;

const containers: Partial<Record<DetectedFormat, OpenContainer>> = {
  vhdx: openVhdx,
  vhd: openVhd,
  vmdk: openVmdk,
  vdi: openVdi,
  parallels: openParallels,
  qcow2: (source, parents) => openQcow2(source, parents, openBacking),
  qcow: (source, parents) => openQcow(source, parents, openBacking),
  qed: (source, parents) => openQed(source, parents, openBacking),
};
/** How QEMU calls the formats of backing files. */
const QEMU_FORMATS: Readonly<Record<string, DetectedFormat>> = { raw: "raw", file: "raw", host_device: "raw", qcow2: "qcow2", vmdk: "vmdk", vdi: "vdi", vpc: "vhd", vhdx: "vhdx", qcow: "qcow", qed: "qed", parallels: "parallels" };

/** Whether `openDisk` reads the format, be it as a container, as the disk itself, or as a compression around one. */
export const isReadable = (format: DetectedFormat): boolean => format === "raw" || format === "iso" || isCompression(format) || containers[format] !== undefined;

/**
 * Opens the disk inside an image: raw, ISO, VHDX, VHD, qcow2, VMDK, VDI, qcow, QED, Parallels, and any of these in gzip, xz or zstd. Throws `DiskImageError`:
 * `DI-EMPTY` for a file without bytes, `DI-FORMAT-UNREADABLE` for a format that is recognized but not read, `DI-TWO-FORMATS` for a file that
 * is two disks, and the codes of the container readers.
 */
export async function openDisk(source: ByteSource, options: OpenDiskOptions = {}): Promise<Disk> {
  if (source.sizeBytes === 0) throw new DiskImageError("DI-EMPTY", "The file has no bytes. The copy or upload that made it did not finish; repeat it.");
  const sectorSizeBytes = options.sectorSizeBytes ?? 512;
  if (!SECTOR_SIZES.includes(sectorSizeBytes)) throw new DiskImageError("DI-SECTOR-SIZE", `A sector size of ${sectorSizeBytes} bytes is asked for; it must be ${SECTOR_SIZES.join(", ")}.`);
  const format = await detectFormat(source);
  await refuseTwoFormats(source, format, false);
  if (!isCompression(format)) return openDetected(source, format, options);
  const content = await openCompressed(source, format, options.decodedBytesMax);
  if (content.sizeBytes === 0) throw new DiskImageError("DI-EMPTY", `The ${format} file holds no bytes. Compress the image anew.`);
  const hasFarEnd = content.distanceTo(content.sizeBytes - 1) > END_DISTANCE_BYTES_MAX && !(await hasRoomForFooter(content));
  const inner = await detectFormat(content, { hasFarEnd });
  if (isCompression(inner)) throw new DiskImageError("DI-COMPRESSED-NESTED", `The ${format} file holds a ${inner} file: it is compressed twice. Decompress it once, then give the result.`);
  await refuseTwoFormats(content, inner, hasFarEnd);
  const disk = await openDetected(content, inner, options);
  const remarks = content.isSizeAssumed ? [{ code: "DI-COMPRESSED-SIZE", text: `The ${format} file does not say how long its content is; ${content.sizeBytes} bytes are what the disk's partition table says.` } as const] : [];
  return { ...disk, compression: format, remarks: [...remarks, ...disk.remarks] };
}

/** Whether exactly a VHD's footer fits behind the place where the disk ends by its partition table. */
async function hasRoomForFooter(content: ByteSource): Promise<boolean> {
  return (await readGptEnd(content, 512)) === content.sizeBytes - 512;
}

async function openDetected(source: ByteSource, format: DetectedFormat, { parents = [], sectorSizeBytes = 512 }: OpenDiskOptions): Promise<Disk> {
  const shared = { format, compression: null, remarks: [] };
  if (parents.length > PARENTS_MAX) throw new DiskImageError("DI-PARENT-OTHER", `${parents.length} parents are given; a chain of more than ${PARENTS_MAX} disks is not read. Merge some of them.`);
  const openContainer = containers[format];
  if (openContainer !== undefined) return { ...shared, ...(await openContainer(source, parents)) };
  if (format === "raw" || format === "iso") return { ...shared, variant: null, sectorSizeBytes, content: source };
  if (format === "efi") throw new DiskImageError("DI-NOT-A-DISK", "The file is an EFI program, not a disk.");
  throw new DiskImageError("DI-FORMAT-UNREADABLE", `The image is ${format}, which is recognized but cannot be read here. Convert it, for example: qemu-img convert -O vhdx -o subformat=dynamic IN OUT.vhdx`);
}

/** Opens the nearest parent of a format that takes parents of any kind. One that the image calls raw is raw, whatever it looks like. */
async function openBacking([nearest, ...further]: readonly ByteSource[], called: string | null): Promise<DiskContent> {
  if (nearest === undefined) throw new DiskImageError("DI-PARENT-MISSING", "The parent of a differencing disk is missing. Hand it over as well.");
  const wanted = called === null ? null : QEMU_FORMATS[called];
  const found = wanted === "raw" ? "raw" : await detectFormat(nearest);
  if (wanted !== null && wanted !== found) throw new DiskImageError("DI-PARENT-OTHER", `The parent given is ${found}, but the disk was made over one of another format. Hand over the right parent.`);
  if (found === "raw" || found === "iso" || found === "efi") return { variant: "fixed", sectorSizeBytes: 512, content: nearest };
  const openContainer = containers[found];
  if (openContainer === undefined) throw new DiskImageError("DI-PARENT-OTHER", `The parent given is ${found}, which is not read as a parent. Hand over the right parent, decompressed.`);
  return openContainer(nearest, further);
}
