import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { isProtective, mbrEntries } from "../partitions/mbr.ts";
import type { DetectedFormat } from "./detect-format.ts";

/** Formats that say what they are at the beginning, and whose content is not the file itself. */
const CONTAINERS: ReadonlySet<DetectedFormat> = new Set<DetectedFormat>(["vhdx", "vhd", "qcow", "qcow2", "qed", "vmdk", "vdi", "parallels", "gzip", "xz", "zstd"]);
const FOOTER_BYTES = 512;
const FOOTER_FIXED = 2;
const VOLUME_DESCRIPTOR_OFFSET = 0x8000;

/**
 * Refuses a file that is a container by its beginning and yet a disk by itself, as firmware, Hyper-V or QEMU would take it for the one or
 * the other by how they are told to. No tool makes such files by accident: none of these places is free in a container. `hasFarEnd` leaves
 * the end of the file alone.
 */
export async function refuseTwoFormats(source: ByteSource, format: DetectedFormat, hasFarEnd: boolean): Promise<void> {
  if (!CONTAINERS.has(format)) return;
  // A fixed VHD is a raw disk with a footer behind it: it may well begin as one.
  if (format === "vhd" && new Fields(await source.read(0, 8)).text(0, 8) !== "conectix") return;
  const other = (await isOwnDisk(source)) ? "a raw disk with a partition table" : (await isIso(source)) ? "an ISO image" : !hasFarEnd && format !== "vhd" && (await isFixedVhd(source)) ? "a fixed VHD" : null;
  if (other === null) return;
  throw new DiskImageError("DI-TWO-FORMATS", `The file is ${format} by its beginning and ${other} as well: which disk a machine sees depends on how the file is attached. Convert its source anew, or say what it is by converting it, for example: qemu-img convert -f ${format === "vhd" ? "vpc" : format} -O vhdx IN OUT.vhdx`);
}

/** A protective entry with a GPT behind it, or a boot record with partitions. */
async function isOwnDisk(source: ByteSource): Promise<boolean> {
  if (source.sizeBytes < 1024) return false;
  const fields = new Fields(await source.read(0, 1024));
  const sector = fields.bytes.subarray(0, 512);
  if (isProtective(sector) && fields.text(512, 8) === "EFI PART") return true;
  const isBootRecord = fields.u16(510) === 0xaa55;
  return isBootRecord && mbrEntries(sector).every((entry, index) => isPlausible(entry, fields.u8(446 + index * 16))) && mbrEntries(sector).some(({ sectors }) => sectors > 0);
}

/** Of a real table, each entry is empty or has a start, a length and one of two marks. */
const isPlausible = ({ type, start, sectors }: { readonly type: number; readonly start: number; readonly sectors: number }, mark: number): boolean => (mark === 0 || mark === 0x80) && (type === 0 ? sectors === 0 : start > 0 && sectors > 0);

async function isIso(source: ByteSource): Promise<boolean> {
  if (source.sizeBytes < VOLUME_DESCRIPTOR_OFFSET + 8) return false;
  return new Fields(await source.read(VOLUME_DESCRIPTOR_OFFSET, 8)).text(1, 5) === "CD001";
}

async function isFixedVhd(source: ByteSource): Promise<boolean> {
  if (source.sizeBytes < 2 * FOOTER_BYTES) return false;
  const footer = new Fields(await source.read(source.sizeBytes - FOOTER_BYTES, FOOTER_BYTES));
  return footer.text(0, 8) === "conectix" && footer.u32Big(60) === FOOTER_FIXED && footer.u64Big(48) <= source.sizeBytes - FOOTER_BYTES;
}
