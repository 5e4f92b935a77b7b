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

/** The next cluster of a chain, read from the first table only; null at the chain's end. Throws `DI-FAT-CHAIN` where it leaves the volume. */
export async function nextCluster(volume: ByteSource, geometry: FatGeometry, cluster: number): Promise<number | null> {
  const value = await tableEntry(volume, geometry, cluster);
  const { reserved, mask } = geometry.kind === "fat32" ? { reserved: 0x0ffffff0, mask: 0x0fffffff } : geometry.kind === "fat16" ? { reserved: 0xfff0, mask: 0xffff } : { reserved: 0xff0, mask: 0xfff };
  if ((value & mask) >= reserved) return null;
  if (!isDataCluster(geometry, value & mask)) throw chainError(cluster, value & mask);
  return value & mask;
}

export const isDataCluster = (geometry: FatGeometry, cluster: number): boolean => cluster >= 2 && cluster < geometry.clusters + 2;

export const chainError = (cluster: number, next: number): DiskImageError => new DiskImageError("DI-FAT-CHAIN", `The FAT leads from cluster ${cluster} to ${next}, which is not one of the volume's. Repair the file system (fsck.vfat) or write the file again.`);

async function tableEntry(volume: ByteSource, geometry: FatGeometry, cluster: number): Promise<number> {
  const bits = geometry.kind === "fat32" ? 32 : geometry.kind === "fat16" ? 16 : 12;
  const offset = Math.floor((cluster * bits) / 8);
  const sizeBytes = bits === 32 ? 4 : 2;
  if (offset + sizeBytes > geometry.tableSizeBytes) throw chainError(cluster, -1);
  const fields = new Fields(await volume.read(geometry.tableOffset + offset, sizeBytes));
  if (bits === 32) return fields.u32(0);
  if (bits === 16) return fields.u16(0);
  return cluster % 2 === 0 ? fields.u16(0) & 0xfff : fields.u16(0) >> 4;
}
