import { pagedSource } from "../paged-source.ts";
import type { Disk } from "../open-disk.ts";
import { readElTorito } from "./el-torito.ts";
import { readGpt } from "./gpt.ts";
import { readMbr } from "./mbr.ts";
import type { PartitionTable } from "./partition.ts";

/**
 * Finds the partitions that firmware would find: GPT, then El Torito, then MBR, the first that succeeds. A disk without any table is
 * offered as a whole ("none"), as number 0.
 */
export async function readPartitions(disk: Disk): Promise<PartitionTable> {
  const wholeDisk: PartitionTable = { partitioning: "none", partitions: [{ number: 0, offset: 0, sizeBytes: disk.content.sizeBytes }] };
  if (disk.content.sizeBytes < Math.max(512, disk.sectorSizeBytes)) return wholeDisk;
  const content = pagedSource(disk.content);
  const gpt = await readGpt(content, disk.sectorSizeBytes);
  if (gpt !== null) return { partitioning: "gpt", partitions: gpt };
  const elTorito = await readElTorito(content, disk.sectorSizeBytes);
  if (elTorito !== null) return { partitioning: "el-torito", partitions: elTorito };
  const mbr = await readMbr(content, disk.sectorSizeBytes);
  return mbr === null ? wholeDisk : { partitioning: "mbr", partitions: mbr };
}
