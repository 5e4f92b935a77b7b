import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";

/** How the grains of a sparse extent are found and stored. */
export interface VmdkExtent {
  readonly virtualSizeBytes: number;
  readonly grainSizeBytes: number;
  /** Of the directory, whose entries are 32-bit sector numbers of tables. */
  readonly directoryOffset: number;
  readonly tableEntries: number;
  readonly isCompressed: boolean;
  /** Compressed grains begin with their place and length. */
  readonly hasMarkers: boolean;
  /** Entry 1 means a grain of zeros. */
  readonly hasZeroGrains: boolean;
  readonly descriptor: { readonly offset: number; readonly sizeBytes: number } | null;
}

const SECTOR_BYTES = 512;
const HEADER_BYTES = 512;
/** In front of the end of a stream: a marker, the footer, which is the header once more, and the end marker. */
const FOOTER_OFFSET_FROM_END = 3 * SECTOR_BYTES;
const FOOTER_MARKER_TYPE = 3;
const DIRECTORY_AT_END = 0xffffffffffffffffn;
const FLAGS = { zeroGrains: 1 << 2, markers: 1 << 17 } as const;
const VERSION_MAX = 3;
const TABLE_ENTRIES_MAX = 512;
/** QEMU takes grains of up to 1 GiB; compressed ones must fit into memory. */
const GRAIN_SECTORS_MAX = 0x200000;
const COMPRESSED_GRAIN_SECTORS_MAX = 2 * 1024 * 2;
/** ESX snapshots (COWD) have tables of a fixed length. */
const COWD_TABLE_ENTRIES = 4096;
/** 64 TiB, VMware's own limit and more. */
const VIRTUAL_SECTORS_MAX = (64 * 1024 ** 4) / SECTOR_BYTES;

const damaged = (what: string): DiskImageError => new DiskImageError("DI-VMDK-HEADER", `The VMDK cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Reads the header of a sparse VMDK, or the footer that stands for it in a stream. Throws `DI-VMDK-HEADER`. */
export async function readVmdkHeader(file: ByteSource): Promise<VmdkExtent> {
  if (file.sizeBytes < HEADER_BYTES) throw damaged("its header is cut off");
  const head = new Fields(await file.read(0, HEADER_BYTES));
  if (head.text(0, 4) === "COWD") return readCowdHeader(head);
  return readSparseHeader(file, head.u64Exact(56) === DIRECTORY_AT_END ? await readFooter(file) : head);
}

async function readFooter(file: ByteSource): Promise<Fields> {
  const start = file.sizeBytes - FOOTER_OFFSET_FROM_END;
  if (start < HEADER_BYTES) throw damaged("its footer is cut off");
  const marker = new Fields(await file.read(start, 2 * SECTOR_BYTES));
  if (marker.u32(8) !== 0 || marker.u32(12) !== FOOTER_MARKER_TYPE || marker.text(SECTOR_BYTES, 4) !== "KDMV") throw damaged("it is a stream whose footer is missing; it is cut off");
  const footer = new Fields(marker.bytes.subarray(SECTOR_BYTES));
  if (footer.u64Exact(56) === DIRECTORY_AT_END) throw damaged("its footer does not say where the grain directory is");
  return footer;
}

function readSparseHeader(file: ByteSource, fields: Fields): VmdkExtent {
  const version = fields.u32(4);
  const flags = fields.u32(8);
  const sectors = fields.u64(12);
  const grainSectors = fields.u64(20);
  const tableEntries = fields.u32(44);
  const compression = fields.u16(77);
  if (version === 0 || version > VERSION_MAX) throw damaged(`its version is ${version}; 1 to ${VERSION_MAX} are known`);
  if (compression > 1) throw damaged(`its grains are compressed by method ${compression}; 0 (none) and 1 (deflate) are known`);
  if (tableEntries === 0 || tableEntries > TABLE_ENTRIES_MAX) throw damaged(`its grain tables have ${tableEntries} entries; 1 to ${TABLE_ENTRIES_MAX} are allowed`);
  validateSize(sectors, grainSectors, compression === 1);
  const grainOffset = fields.u64(64) * SECTOR_BYTES;
  if (grainOffset > file.sizeBytes) throw damaged(`its grains begin at byte ${grainOffset}, but the file has ${file.sizeBytes}; it is cut off`);
  const descriptorOffset = fields.u64(28) * SECTOR_BYTES;
  return {
    virtualSizeBytes: sectors * SECTOR_BYTES,
    grainSizeBytes: grainSectors * SECTOR_BYTES,
    directoryOffset: fields.u64(56) * SECTOR_BYTES,
    tableEntries,
    isCompressed: compression === 1,
    hasMarkers: (flags & FLAGS.markers) !== 0,
    hasZeroGrains: (flags & FLAGS.zeroGrains) !== 0,
    descriptor: descriptorOffset === 0 ? null : { offset: descriptorOffset, sizeBytes: fields.u64(36) * SECTOR_BYTES },
  };
}

function readCowdHeader(fields: Fields): VmdkExtent {
  const sectors = fields.u32(12);
  const grainSectors = fields.u32(16);
  validateSize(sectors, grainSectors, false);
  if (fields.u32(24) * COWD_TABLE_ENTRIES * grainSectors < sectors) throw damaged(`its directory of ${fields.u32(24)} entries is too short for ${sectors} sectors`);
  return { virtualSizeBytes: sectors * SECTOR_BYTES, grainSizeBytes: grainSectors * SECTOR_BYTES, directoryOffset: fields.u32(20) * SECTOR_BYTES, tableEntries: COWD_TABLE_ENTRIES, isCompressed: false, hasMarkers: false, hasZeroGrains: false, descriptor: null };
}

function validateSize(sectors: number, grainSectors: number, isCompressed: boolean): void {
  if (sectors > VIRTUAL_SECTORS_MAX) throw damaged(`its size is given as ${sectors} sectors`);
  if (grainSectors === 0 || grainSectors > (isCompressed ? COMPRESSED_GRAIN_SECTORS_MAX : GRAIN_SECTORS_MAX)) throw damaged(`its grains have ${grainSectors} sectors`);
}
