import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields, isPowerOfTwo } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { readFromParent, readInBlocks, readPadded } from "./block-reads.ts";
import { type DiskContent, requireParent } from "./disk-content.ts";
import type { OpenBacking } from "./qcow2.ts";

interface QedHeader {
  readonly virtualSizeBytes: number;
  readonly clusterSizeBytes: number;
  /** Of both kinds of tables. */
  readonly tableEntries: number;
  readonly firstTableOffset: number;
  readonly backing: { readonly name: string; readonly isRaw: boolean } | null;
}

const HEADER_BYTES = 64;
const SECTOR_BYTES = 512;
const NAME_BYTES_MAX = 1023;
const CLUSTER_BYTES = { min: 4096, max: 64 * 1024 * 1024 } as const;
const TABLE_CLUSTERS_MAX = 16;
/** A backing file, a check that is due (which only writers need), and a backing file that is raw. */
const FEATURES = { backing: 1n, all: 7n, rawBacking: 4n } as const;
/** Entries 0 and 1 are no places. */
const CLUSTER_ABSENT = 0;
const CLUSTER_ZERO = 1;

const damaged = (what: string): DiskImageError => new DiskImageError("DI-QED-HEADER", `The QED image cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Opens a QED image (QEMU, docs/interop/qed_spec.txt). Backing files are as with qcow2. */
export async function openQed(source: ByteSource, parents: readonly ByteSource[], openBacking: OpenBacking): Promise<DiskContent> {
  const file = pagedSource(source);
  const header = await readHeader(file);
  if (header.backing === null) return { variant: "dynamic", sectorSizeBytes: SECTOR_BYTES, content: qedContent(file, header, null) };
  requireParent(parents, { kind: "QED image", identity: null, name: header.backing.name });
  const { content } = await openBacking(parents, header.backing.isRaw ? "raw" : null);
  return { variant: "differencing", sectorSizeBytes: SECTOR_BYTES, content: qedContent(file, header, content) };
}

async function readHeader(file: ByteSource): Promise<QedHeader> {
  if (file.sizeBytes < HEADER_BYTES) throw damaged("its header is cut off");
  const fields = new Fields(await file.read(0, HEADER_BYTES));
  const clusterSizeBytes = fields.u32(4);
  const tableClusters = fields.u32(8);
  const features = fields.u64Exact(16);
  const virtualSizeBytes = fields.u64(48);
  if (!isPowerOfTwo(clusterSizeBytes) || clusterSizeBytes < CLUSTER_BYTES.min || clusterSizeBytes > CLUSTER_BYTES.max || !isPowerOfTwo(tableClusters) || tableClusters > TABLE_CLUSTERS_MAX) throw damaged(`it has clusters of ${clusterSizeBytes} bytes and tables of ${tableClusters} clusters`);
  if ((features & ~FEATURES.all) !== 0n) throw damaged(`it needs features that are not known (0x${(features & ~FEATURES.all).toString(16)})`);
  const tableEntries = (clusterSizeBytes * tableClusters) / 8;
  if (virtualSizeBytes % SECTOR_BYTES !== 0 || !(virtualSizeBytes <= tableEntries * tableEntries * clusterSizeBytes)) throw damaged(`its size is given as ${virtualSizeBytes} bytes`);
  const nameBytes = fields.u32(60);
  if ((features & FEATURES.backing) !== 0n && nameBytes > NAME_BYTES_MAX) throw damaged(`the name of its backing file has ${nameBytes} bytes`);
  const backing = (features & FEATURES.backing) === 0n ? null : { name: new TextDecoder().decode(await file.read(fields.u32(56), nameBytes)), isRaw: (features & FEATURES.rawBacking) !== 0n };
  return { virtualSizeBytes, clusterSizeBytes, tableEntries, firstTableOffset: fields.u64(40), backing };
}

function qedContent(file: ByteSource, header: QedHeader, backing: ByteSource | null): ByteSource {
  const { virtualSizeBytes, clusterSizeBytes, tableEntries, firstTableOffset } = header;
  const entry = async (tableOffset: number, index: number): Promise<number> => new Fields(await file.read(tableOffset + index * 8, 8)).u64(0);
  const readInCluster = async (cluster: number, within: number, length: number): Promise<Uint8Array | null> => {
    const table = await entry(firstTableOffset, Math.floor(cluster / tableEntries));
    const offset = table === CLUSTER_ABSENT ? CLUSTER_ABSENT : await entry(table, cluster % tableEntries);
    if (offset === CLUSTER_ZERO) return null;
    return offset === CLUSTER_ABSENT ? readFromParent(backing, cluster * clusterSizeBytes + within, length) : readPadded(file, offset + within, length);
  };
  return { sizeBytes: virtualSizeBytes, read: (offset, length) => readInBlocks(virtualSizeBytes, clusterSizeBytes, offset, length, readInCluster) };
}
