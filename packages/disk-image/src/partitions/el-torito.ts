import type { ByteSource } from "../byte-source.ts";
import { Fields } from "../fields.ts";
import type { Partition } from "./partition.ts";

const DESCRIPTOR_BYTES = 2048;
const FIRST_DESCRIPTOR = 0x8000;
const DESCRIPTOR_PRIMARY = 1;
const DESCRIPTOR_TERMINATOR = 255;
/** ECMA-119 images have a handful; firmware would read on for ever. */
const DESCRIPTORS_MAX = 64;
const BOOTABLE = 0x88;
const ENTRY_BYTES = 32;
const NO_EMULATION = 0;
const HARD_DISK = 4;
/** Sizes of emulated floppies in sectors of 512 bytes, by media type (El Torito 1.0, figure 3). */
const FLOPPY_SECTORS: Readonly<Record<number, number>> = { 1: 0x50 * 2 * 15, 2: 0x50 * 2 * 18, 3: 0x50 * 2 * 36 };

/** What firmware knows of the device and of the volume on it. */
interface Volume {
  readonly sectorSizeBytes: number;
  readonly deviceSizeBytes: number;
  /** As the primary descriptor gives it; 0 before one was seen. */
  readonly sizeBytes: number;
}

/**
 * Boot images of all El Torito catalogues as EDK2's ElTorito.c finds them, or null without one. Platform ids are not looked at, nor are
 * section headers; only the first device block of a catalogue is. Devices of larger blocks than a CD's have none.
 */
export async function readElTorito(disk: ByteSource, sectorSizeBytes: number): Promise<readonly Partition[] | null> {
  if (DESCRIPTOR_BYTES % sectorSizeBytes !== 0) return null;
  const found: Partition[] = [];
  let volumeSizeBytes = 0;
  for (let index = 0; index < DESCRIPTORS_MAX; index += 1) {
    const offset = FIRST_DESCRIPTOR + index * DESCRIPTOR_BYTES;
    if (offset + DESCRIPTOR_BYTES > disk.sizeBytes) break;
    const descriptor = new Fields(await disk.read(offset, DESCRIPTOR_BYTES));
    if (descriptor.text(1, 5) !== "CD001" || descriptor.u8(0) === DESCRIPTOR_TERMINATOR) break;
    if (descriptor.u8(0) === DESCRIPTOR_PRIMARY) volumeSizeBytes = descriptor.u32(80) * DESCRIPTOR_BYTES;
    if (!descriptor.text(7, 23).startsWith("EL TORITO SPECIFICATION")) continue;
    const volume = { sectorSizeBytes, deviceSizeBytes: Math.floor(disk.sizeBytes / sectorSizeBytes) * sectorSizeBytes, sizeBytes: volumeSizeBytes };
    for (const image of await readCatalogue(disk, descriptor.u32(71) * DESCRIPTOR_BYTES, volume)) found.push({ number: found.length + 1, ...image });
  }
  return found.length === 0 ? null : found;
}

async function readCatalogue(disk: ByteSource, offset: number, volume: Volume): Promise<readonly Omit<Partition, "number">[]> {
  if (offset + DESCRIPTOR_BYTES > disk.sizeBytes) return [];
  const catalogue = new Fields(await disk.read(offset, volume.sectorSizeBytes));
  let sum = 0;
  for (let word = 0; word < ENTRY_BYTES / 2; word += 1) sum = (sum + catalogue.u16(word * 2)) & 0xffff;
  if (catalogue.u8(0) !== 1 || sum !== 0 || catalogue.u8(30) !== 0x55 || catalogue.u8(31) !== 0xaa) return [];
  const images: Omit<Partition, "number">[] = [];
  for (let entry = ENTRY_BYTES; entry + ENTRY_BYTES <= volume.sectorSizeBytes; entry += ENTRY_BYTES) {
    const start = catalogue.u32(entry + 8) * DESCRIPTOR_BYTES;
    if (catalogue.u8(entry) !== BOOTABLE || start === 0) continue;
    const sizeBytes = Math.min(imageSizeBytes(catalogue.u8(entry + 1) & 0x0f, catalogue.u16(entry + 6), start, volume), volume.deviceSizeBytes - start);
    if (sizeBytes > 0) images.push({ offset: start, sizeBytes });
  }
  return images;
}

/**
 * Firmware counts the sectors of an image without emulation in the CD's blocks of 2048 bytes (the standard says 512). Those of emulated disks
 * are 512 bytes on a CD, and four times that on a disk of 512-byte blocks, as it scales the number there and not the unit (source, and
 * measured with OVMF 2022.11 on both).
 */
function imageSizeBytes(mediaType: number, sectorCount: number, start: number, { sectorSizeBytes, deviceSizeBytes, sizeBytes }: Volume): number {
  const isKnown = mediaType === NO_EMULATION || mediaType === HARD_DISK || FLOPPY_SECTORS[mediaType] !== undefined;
  const sectors = isKnown ? (FLOPPY_SECTORS[mediaType] ?? sectorCount) : 0;
  // An end in front of the beginning is a number that runs over, and so leads behind the device.
  if (sectors < 2) return sizeBytes > deviceSizeBytes || sizeBytes < start ? deviceSizeBytes - start : sizeBytes - start;
  return sectors * (DESCRIPTOR_BYTES / sectorSizeBytes) * (mediaType === NO_EMULATION ? sectorSizeBytes : 512);
}
