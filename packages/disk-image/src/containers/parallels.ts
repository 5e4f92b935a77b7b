import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { readInBlocks, readPadded } from "./block-reads.ts";
import type { DiskContent } from "./disk-content.ts";

const HEADER_BYTES = 64;
const SECTOR_BYTES = 512;
const VERSION = 2;
/** The newer kind counts places in clusters, the older in sectors, and its sizes have 32 bits. */
const NEWER_MAGIC = "WithouFreSpacExt";
/** 1 GiB; Parallels makes clusters of 1 MiB. */
const CLUSTER_SECTORS_MAX = 2 * 1024 * 1024;
const VIRTUAL_SECTORS_MAX = 2 ** 43;

const damaged = (what: string): DiskImageError => new DiskImageError("DI-PARALLELS-HEADER", `The Parallels image cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Opens an expandable Parallels image (QEMU, docs/interop/parallels.txt). Snapshots are files of their own and are not known to it. */
export async function openParallels(source: ByteSource): Promise<DiskContent> {
  const file = pagedSource(source);
  if (file.sizeBytes < HEADER_BYTES) throw damaged("its header is cut off");
  const fields = new Fields(await file.read(0, HEADER_BYTES));
  const isNewer = fields.text(0, 16) === NEWER_MAGIC;
  const clusterSectors = fields.u32(28);
  const entries = fields.u32(32);
  const sectors = isNewer ? fields.u64(36) : fields.u32(36);
  if (fields.u32(16) !== VERSION) throw damaged(`its version is ${fields.u32(16)}; ${VERSION} is known`);
  if (clusterSectors === 0 || clusterSectors > CLUSTER_SECTORS_MAX) throw damaged(`its clusters have ${clusterSectors} sectors`);
  if (sectors > VIRTUAL_SECTORS_MAX) throw damaged(`its size is given as ${sectors} sectors`);
  const clusterBytes = clusterSectors * SECTOR_BYTES;
  const placeBytes = isNewer ? clusterBytes : SECTOR_BYTES;
  const sizeBytes = sectors * SECTOR_BYTES;
  const readInCluster = async (cluster: number, within: number, length: number): Promise<Uint8Array | null> => {
    if (cluster >= entries) return null;
    const place = new Fields(await file.read(HEADER_BYTES + cluster * 4, 4)).u32(0);
    return place === 0 ? null : readPadded(file, place * placeBytes + within, length);
  };
  return { variant: "dynamic", sectorSizeBytes: SECTOR_BYTES, content: { sizeBytes, read: (offset, length) => readInBlocks(sizeBytes, clusterBytes, offset, length, readInCluster) } };
}
