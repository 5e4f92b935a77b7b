import { deflateRawSync } from "node:zlib";

const CLUSTER_BYTES = 4096;
const SECTOR_BYTES = 512;

const clustersOf = (content: Uint8Array): readonly Buffer[] =>
  Array.from({ length: Math.ceil(content.length / CLUSTER_BYTES) }, (_, index) => {
    const cluster = Buffer.alloc(CLUSTER_BYTES);
    cluster.set(content.subarray(index * CLUSTER_BYTES, (index + 1) * CLUSTER_BYTES));
    return cluster;
  });

/** Writes a qcow image of the first version (QEMU, block/qcow.c), its clusters of data compressed or not. */
export function buildQcow(content: Uint8Array, { isCompressed = false, backing }: { readonly isCompressed?: boolean; readonly backing?: string } = {}): Buffer {
  const clusters = clustersOf(content);
  const perTable = CLUSTER_BYTES / 8;
  const tables = Math.ceil(clusters.length / perTable);
  const header = Buffer.alloc(CLUSTER_BYTES);
  header.write("QFI\xfb", 0, "latin1");
  header.writeUInt32BE(1, 4);
  header.writeBigUInt64BE(BigInt(content.length), 24);
  header.set([12, 9], 32);
  header.writeBigUInt64BE(1024n, 40);
  if (backing !== undefined) {
    header.writeBigUInt64BE(48n, 8);
    header.writeUInt32BE(Buffer.byteLength(backing), 16);
    header.write(backing, 48);
  }
  for (let table = 0; table < tables; table += 1) header.writeBigUInt64BE(BigInt((1 + table) * CLUSTER_BYTES), 1024 + table * 8);
  const table = Buffer.alloc(tables * CLUSTER_BYTES);
  const data: Buffer[] = [];
  let place = header.length + table.length;
  clusters.forEach((cluster, index) => {
    if (cluster.every((byte) => byte === 0)) return;
    const packed = isCompressed ? deflateRawSync(cluster) : cluster;
    // Data that does not shrink is stored as it is.
    const isPacked = packed.length < CLUSTER_BYTES;
    table.writeBigUInt64BE(BigInt(place) | (isPacked ? (1n << 63n) | (BigInt(packed.length) << 51n) : 0n), index * 8);
    data.push(isPacked ? packed : cluster);
    place += isPacked ? packed.length : CLUSTER_BYTES;
  });
  return Buffer.concat([header, table, ...data]);
}

/** Writes a QED image (QEMU, docs/interop/qed_spec.txt) with tables of one cluster. */
export function buildQed(content: Uint8Array): Buffer {
  const clusters = clustersOf(content);
  const perTable = CLUSTER_BYTES / 8;
  const tables = Math.ceil(clusters.length / perTable);
  const header = Buffer.alloc(2 * CLUSTER_BYTES);
  header.write("QED\0", 0, "latin1");
  [CLUSTER_BYTES, 1, 1].forEach((value, index) => header.writeUInt32LE(value, 4 + index * 4));
  header.writeBigUInt64LE(BigInt(CLUSTER_BYTES), 40);
  header.writeBigUInt64LE(BigInt(content.length), 48);
  for (let table = 0; table < tables; table += 1) header.writeBigUInt64LE(BigInt((2 + table) * CLUSTER_BYTES), CLUSTER_BYTES + table * 8);
  const table = Buffer.alloc(tables * CLUSTER_BYTES);
  const stored: Buffer[] = [];
  clusters.forEach((cluster, index) => {
    const isEmpty = cluster.every((byte) => byte === 0);
    // Zeros may be absent, or said to be zeros.
    table.writeBigUInt64LE(isEmpty ? BigInt(index % 2) : BigInt((1 + tables + stored.push(cluster)) * CLUSTER_BYTES), index * 8);
  });
  return Buffer.concat([header, table, ...stored]);
}

/** Writes an expandable Parallels image (QEMU, docs/interop/parallels.txt): the newer kind counts places in clusters, the older in sectors. */
export function buildParallels(content: Uint8Array, isNewer = true): Buffer {
  const clusters = clustersOf(content);
  const headBytes = Math.ceil((64 + clusters.length * 4) / CLUSTER_BYTES) * CLUSTER_BYTES;
  const header = Buffer.alloc(headBytes);
  header.write(isNewer ? "WithouFreSpacExt" : "WithoutFreeSpace", 0, "latin1");
  [2, 16, 1, CLUSTER_BYTES / SECTOR_BYTES, clusters.length].forEach((value, index) => header.writeUInt32LE(value, 16 + index * 4));
  header.writeBigUInt64LE(BigInt(content.length / SECTOR_BYTES), 36);
  const data: Buffer[] = [];
  clusters.forEach((cluster, index) => {
    if (cluster.every((byte) => byte === 0)) return;
    const offset = headBytes + (data.push(cluster) - 1) * CLUSTER_BYTES;
    header.writeUInt32LE(offset / (isNewer ? CLUSTER_BYTES : SECTOR_BYTES), 64 + index * 4);
  });
  return Buffer.concat([header, ...data]);
}
