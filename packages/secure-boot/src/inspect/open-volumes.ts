import { type Disk, DiskImageError, type FatVolume, openFat, openProblems, type PartitionTable, readPartitions, sliceSource } from "@signet/disk-image";
import type { Reason } from "../report.ts";

/** A FAT volume that firmware would search. */
export interface BootVolume {
  /** Number of the partition; 0 is the whole disk. */
  readonly number: number;
  readonly volume: FatVolume;
}

export interface OpenedLayout {
  readonly table: PartitionTable;
  readonly volumes: readonly BootVolume[];
  /** Whether the first sector holds code for a PC's old firmware. */
  readonly hasLegacyBootCode: boolean;
  readonly warnings: readonly Reason[];
}

/** More file systems than this on one boot disk have no honest reason. */
const VOLUMES_MAX = 64;

/** Finds the partitions and the FAT volumes in them, in the order in which firmware tries them. */
export async function openVolumes(disk: Disk): Promise<OpenedLayout> {
  const table = await readPartitions(disk);
  const volumes: BootVolume[] = [];
  const warnings: Reason[] = [];
  for (const { number, offset, sizeBytes } of table.partitions.slice(0, VOLUMES_MAX)) {
    try {
      const volume = await openFat(sliceSource(disk.content, offset, sizeBytes), disk.sectorSizeBytes);
      if (volume !== null) volumes.push({ number, volume });
    } catch (error) {
      // Firmware meets a read error here and goes on with the next file system.
      if (!(error instanceof DiskImageError) || openProblems.has(error.code)) throw error;
      warnings.push({ code: error.code, text: `Partition ${number}: ${error.message}` });
    }
  }
  return { table, volumes, hasLegacyBootCode: await hasLegacyBootCode(disk), warnings };
}

async function hasLegacyBootCode(disk: Disk): Promise<boolean> {
  if (disk.content.sizeBytes < 512) return false;
  const sector = await disk.content.read(0, 512);
  return sector[510] === 0x55 && sector[511] === 0xaa && sector.subarray(0, 440).some((byte) => byte !== 0);
}
