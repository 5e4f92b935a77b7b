import type { ByteSource } from "../byte-source.ts";
import { Fields } from "../fields.ts";
import type { Partition } from "./partition.ts";

const DESCRIPTOR_BYTES = 2048;
const FIRST_DESCRIPTOR = 0x8000;
const DESCRIPTOR_TERMINATOR = 255;
/** ECMA-119 images have a handful; firmware would read on for ever. */
const DESCRIPTORS_MAX = 64;
const BOOTABLE = 0x88;
const ENTRY_BYTES = 32;
/** Sizes of emulated floppies in sectors of 512 bytes, by media type (El Torito 1.0, figure 3). */
const FLOPPY_SECTORS: Readonly<Record<number, number>> = { 1: 0x50 * 2 * 15, 2: 0x50 * 2 * 18, 3: 0x50 * 2 * 36 };

/**
 * Boot images of an El Torito catalogue as EDK2's ElTorito.c finds them, or null without one. Platform ids are not looked at, only the
 * catalogue's first device block is, and sector counts are taken in units of 2048 bytes.
 */
export async function readElTorito(disk: ByteSource, sectorSizeBytes: number): Promise<readonly Partition[] | null> {
  const volumeBlocks = { value: 0 };
  for (let index = 0; index < DESCRIPTORS_MAX; index += 1) {
    const offset = FIRST_DESCRIPTOR + index * DESCRIPTOR_BYTES;
    if (offset + DESCRIPTOR_BYTES > disk.sizeBytes) return null;
    const descriptor = new Fields(await disk.read(offset, DESCRIPTOR_BYTES));
    if (descriptor.text(1, 5) !== "CD001" || descriptor.u8(0) === DESCRIPTOR_TERMINATOR) return null;
    if (descriptor.u8(0) === 1) volumeBlocks.value = descriptor.u32(80);
    if (descriptor.u8(0) !== 0 || !descriptor.text(7, 23).startsWith("EL TORITO SPECIFICATION")) continue;
    const found = await readCatalogue(disk, descriptor.u32(71) * DESCRIPTOR_BYTES, sectorSizeBytes, volumeBlocks.value);
    if (found !== null && found.length > 0) return found;
  }
  return null;
}

async function readCatalogue(disk: ByteSource, offset: number, sectorSizeBytes: number, volumeBlocks: number): Promise<readonly Partition[] | null> {
  if (offset + sectorSizeBytes > disk.sizeBytes) return null;
  const catalogue = new Fields(await disk.read(offset, sectorSizeBytes));
  let sum = 0;
  for (let word = 0; word < ENTRY_BYTES / 2; word += 1) sum = (sum + catalogue.u16(word * 2)) & 0xffff;
  if (catalogue.u8(0) !== 1 || sum !== 0 || catalogue.u8(30) !== 0x55 || catalogue.u8(31) !== 0xaa) return null;
  const partitions: Partition[] = [];
  for (let entry = ENTRY_BYTES; entry + ENTRY_BYTES <= sectorSizeBytes; entry += ENTRY_BYTES) {
    const block = catalogue.u32(entry + 8);
    if (catalogue.u8(entry) !== BOOTABLE || block === 0) continue;
    const start = block * DESCRIPTOR_BYTES;
    const sizeBytes = imageSizeBytes(catalogue.u8(entry + 1), catalogue.u16(entry + 6), volumeBlocks * DESCRIPTOR_BYTES - start);
    const available = Math.min(sizeBytes, disk.sizeBytes - start);
    if (available > 0) partitions.push({ number: partitions.length + 1, offset: start, sizeBytes: available });
  }
  return partitions;
}

function imageSizeBytes(mediaType: number, sectorCount: number, restOfVolumeBytes: number): number {
  const floppySectors = FLOPPY_SECTORS[mediaType];
  if (floppySectors !== undefined) return floppySectors * 512;
  return sectorCount < 2 ? restOfVolumeBytes : sectorCount * DESCRIPTOR_BYTES;
}
