import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { overlap, type VhdxParameters, type VhdxRegion } from "./vhdx-tables.ts";

/** MS-VHDX 2.5.1.1. Every other state reads as zeros. */
export const BLOCK_NOT_PRESENT = 0;
export const BLOCK_FULLY_PRESENT = 6;
export const BLOCK_PARTIALLY_PRESENT = 7;
const MIB = 1024 * 1024;
/** Sectors that one bitmap block of 1 MiB covers: eight for each byte. */
const SECTORS_PER_CHUNK = 8 * MIB;
/** The table of a disk of 4 TiB with the usual blocks of 32 MiB; a longer one is checked where it is read. */
const CHECKED_BYTES_MAX = MIB;

/** Behind so many payload blocks the table has the entry of their bitmap. */
export const blocksPerChunk = ({ sectorSizeBytes, blockSizeBytes }: VhdxParameters): number => (SECTORS_PER_CHUNK * sectorSizeBytes) / blockSizeBytes;

/** Bits 0 to 2 are the state, bits 20 to 63 the place in the file in MiB. */
export function readBlockEntry(fields: Fields, offset: number): { readonly state: number; readonly fileOffset: number } {
  return { state: fields.u8(offset) & 7, fileOffset: (Math.floor(fields.u32(offset) / MIB) + fields.u32(offset + 4) * 4096) * MIB };
}

/** Where payload may lie: inside the file, and not on what the file needs for itself. */
export class VhdxBlockPlaces {
  readonly #fileSizeBytes: number;
  readonly #blockSizeBytes: number;
  readonly #reserved: readonly VhdxRegion[];

  constructor(fileSizeBytes: number, reserved: readonly VhdxRegion[], blockSizeBytes: number) {
    this.#fileSizeBytes = fileSizeBytes;
    this.#blockSizeBytes = blockSizeBytes;
    this.#reserved = [{ offset: 0, sizeBytes: MIB }, ...reserved];
  }

  /** Throws `DI-READ-OUTSIDE` for a block that the file has lost, `DI-VHDX-BLOCK` for one that lies on headers, tables or the log. */
  check(block: number, fileOffset: number): void {
    const place = { offset: fileOffset, sizeBytes: this.#blockSizeBytes };
    if (this.#reserved.some((region) => overlap(region, place))) throw new DiskImageError("DI-VHDX-BLOCK", `The VHDX cannot be read: block ${block} is said to lie at byte ${fileOffset} of the file, among its headers and tables. Copy the file again.`);
    if (fileOffset + this.#blockSizeBytes > this.#fileSizeBytes) throw new DiskImageError("DI-READ-OUTSIDE", `The VHDX is cut off: block ${block} lies at byte ${fileOffset}, but the file ends at ${this.#fileSizeBytes}. Copy it again.`);
  }
}

/**
 * Checks on opening what QEMU and Hyper-V check: that the table is long enough for the disk, and that each stored block lies where it may.
 * Of a very long table only the beginning is looked at.
 */
export async function checkBlockTable(file: ByteSource, table: VhdxRegion, parameters: VhdxParameters, places: VhdxBlockPlaces): Promise<void> {
  const perChunk = blocksPerChunk(parameters);
  const blocks = Math.ceil(parameters.virtualSizeBytes / parameters.blockSizeBytes);
  // A differencing disk has a bitmap behind its last, incomplete run of blocks as well.
  const entries = parameters.hasParent ? Math.ceil(blocks / perChunk) * (perChunk + 1) : blocks + Math.floor((blocks - 1) / perChunk);
  if (entries * 8 > table.sizeBytes) throw new DiskImageError("DI-VHDX-REGION", `The VHDX cannot be read: its block table of ${table.sizeBytes} bytes is too short for the ${entries} entries of a disk of ${parameters.virtualSizeBytes} bytes. Copy the file again.`);
  const fields = new Fields(await file.read(table.offset, Math.min(entries * 8, CHECKED_BYTES_MAX)));
  for (let index = 0; index * 8 < fields.bytes.length; index += 1) {
    if (index % (perChunk + 1) === perChunk) continue;
    const { state, fileOffset } = readBlockEntry(fields, index * 8);
    if (state === BLOCK_FULLY_PRESENT || (state === BLOCK_PARTIALLY_PRESENT && parameters.hasParent)) places.check(index - Math.floor(index / (perChunk + 1)), fileOffset);
  }
}
