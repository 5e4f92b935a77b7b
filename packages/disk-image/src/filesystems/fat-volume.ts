import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields, isPowerOfTwo } from "../fields.ts";

export type FatKind = "fat12" | "fat16" | "fat32";

/** Geometry of a FAT volume, in bytes. */
export interface FatGeometry {
  readonly kind: FatKind;
  readonly clusterSizeBytes: number;
  readonly clusters: number;
  readonly tableOffset: number;
  readonly tableSizeBytes: number;
  /** Of FAT12 and FAT16: a stretch of fixed size in front of the data. */
  readonly rootOffset: number;
  readonly rootSizeBytes: number;
  /** Of FAT32: a chain like any other. */
  readonly rootCluster: number;
  readonly dataOffset: number;
}

const BOOT_SECTOR_BYTES = 512;
const DIRECTORY_ENTRY_BYTES = 32;
const FAT12_CLUSTERS_MAX = 4085;
const FAT16_CLUSTERS_MAX = 65525;

/**
 * Reads a FAT boot sector with the tests of EDK2's FatOpenDevice, no more and no fewer: jump, maker, label and 55AA are not asked. Null
 * when firmware's driver would not take the volume.
 */
export async function readFatGeometry(volume: ByteSource, blockSizeBytes: number): Promise<FatGeometry | null> {
  if (volume.sizeBytes < BOOT_SECTOR_BYTES || ![512, 1024, 2048, 4096].includes(blockSizeBytes)) return null;
  const fields = new Fields(await volume.read(0, BOOT_SECTOR_BYTES));
  const sectorBytes = fields.u16(11);
  const sectorsPerCluster = fields.u8(13);
  const reserved = fields.u16(14);
  const tables = fields.u8(16);
  const rootEntries = fields.u16(17);
  const totalSectors = fields.u16(19) === 0 ? fields.u32(32) : fields.u16(19);
  const media = fields.u8(21);
  const smallTableSectors = fields.u16(22);
  const isFat32 = smallTableSectors === 0;
  if (reserved === 0 || tables === 0 || totalSectors === 0) return null;
  if (!isPowerOfTwo(sectorBytes) || sectorBytes < 512 || sectorBytes > 4096 || !isPowerOfTwo(sectorsPerCluster) || sectorsPerCluster > 128) return null;
  if (media <= 0xf7 && media !== 0xf0 && media !== 0x00 && media !== 0x01) return null;
  if (isFat32 && (fields.u16(42) !== 0 || (fields.u16(40) & 0x80) !== 0)) return null;
  const tableSectors = isFat32 ? fields.u32(36) : smallTableSectors;
  const rootSectors = Math.ceil((rootEntries * DIRECTORY_ENTRY_BYTES) / sectorBytes);
  const firstRootSector = reserved + tables * tableSectors;
  const firstDataSector = firstRootSector + rootSectors;
  const clusters = Math.floor((totalSectors - firstDataSector) / sectorsPerCluster);
  if (clusters < 0 || (isFat32 ? clusters < FAT16_CLUSTERS_MAX : clusters >= FAT16_CLUSTERS_MAX)) return null;
  return {
    kind: isFat32 ? "fat32" : clusters < FAT12_CLUSTERS_MAX ? "fat12" : "fat16",
    clusterSizeBytes: sectorsPerCluster * sectorBytes,
    clusters,
    tableOffset: reserved * sectorBytes,
    tableSizeBytes: tableSectors * sectorBytes,
    rootOffset: firstRootSector * sectorBytes,
    rootSizeBytes: rootEntries * DIRECTORY_ENTRY_BYTES,
    rootCluster: isFat32 ? fields.u32(44) : 0,
    dataOffset: firstDataSector * sectorBytes,
  };
}

/** A whole number of entries of every kind, also of those of twelve bits. */
const TABLE_PART_BYTES = 48 * 1024;

/**
 * The first allocation table, read part by part: the chain of a large file has thousands of links, most of them to neighbours. The other
 * tables are never looked at.
 */
export class AllocationTable {
  readonly #volume: ByteSource;
  readonly #geometry: FatGeometry;
  #part: { readonly index: number; readonly fields: Fields } | null = null;

  constructor(volume: ByteSource, geometry: FatGeometry) {
    this.#volume = volume;
    this.#geometry = geometry;
  }

  /** Where a run of neighbours that starts at `cluster` ends, and what follows it; at most `clustersMax` of them. */
  async run(cluster: number, clustersMax: number): Promise<{ readonly clusters: number; readonly next: number | null }> {
    let clusters = 1;
    for (;;) {
      if (clusters >= clustersMax) return { clusters, next: null };
      const last = cluster + clusters - 1;
      if (this.#part === null || this.#part.index !== this.#partOf(last)) await this.#load(last);
      const next = this.#entry(last);
      if (next !== last + 1) return { clusters, next };
      clusters += 1;
    }
  }

  #partOf(cluster: number): number {
    return Math.floor((cluster * entryBits(this.#geometry)) / 8 / TABLE_PART_BYTES);
  }

  async #load(cluster: number): Promise<void> {
    const index = this.#partOf(cluster);
    const { tableOffset, tableSizeBytes } = this.#geometry;
    const offset = index * TABLE_PART_BYTES;
    const length = Math.min(TABLE_PART_BYTES, tableSizeBytes - offset, this.#volume.sizeBytes - tableOffset - offset);
    if (length <= 0) throw chainError(cluster, null);
    this.#part = { index, fields: new Fields(await this.#volume.read(tableOffset + offset, length)) };
  }

  /** An entry of the loaded part: the next cluster, or null at the end of a chain. */
  #entry(cluster: number): number | null {
    const bits = entryBits(this.#geometry);
    const offset = Math.floor((cluster * bits) / 8) - (this.#part?.index ?? 0) * TABLE_PART_BYTES;
    const fields = this.#part?.fields;
    if (fields === undefined || offset + (bits === 32 ? 4 : 2) > fields.bytes.length) throw chainError(cluster, null);
    const value = bits === 32 ? fields.u32(offset) & 0x0fffffff : bits === 16 ? fields.u16(offset) : cluster % 2 === 0 ? fields.u16(offset) & 0xfff : fields.u16(offset) >> 4;
    // The last sixteen values of each kind are marks; firmware takes them all for an end.
    if (value >= 2 ** (bits === 32 ? 28 : bits) - 16) return null;
    if (!isDataCluster(this.#geometry, value)) throw chainError(cluster, value);
    return value;
  }
}

const entryBits = ({ kind }: FatGeometry): number => (kind === "fat32" ? 32 : kind === "fat16" ? 16 : 12);
export const isDataCluster = (geometry: FatGeometry, cluster: number): boolean => cluster >= 2 && cluster < geometry.clusters + 2;

export const chainError = (cluster: number, next: number | null): DiskImageError =>
  new DiskImageError("DI-FAT-CHAIN", `The FAT leads from cluster ${cluster} to ${next ?? "a place outside itself"}, which is not one of the volume's. Repair the file system (fsck.vfat) or write the file again.`);
