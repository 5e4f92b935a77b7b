export interface Qcow2Options {
  readonly content: Uint8Array;
  readonly version?: 2 | 3;
  readonly clusterBits?: number;
  readonly incompatible?: bigint;
  readonly encryption?: number;
  readonly compressionType?: number;
  readonly virtualSizeBytes?: number;
  /** Names the file below; clusters of zeros are then left to it. */
  readonly backing?: { readonly name: string; readonly format?: string };
  readonly extensions?: readonly { readonly type: number; readonly data: Uint8Array }[];
  /** Replaces the L2 entry of a cluster. */
  readonly entries?: Readonly<Record<number, bigint>>;
  /** Writes entries of 16 bytes (bit 4 of `incompatible`), whose subclusters are all stored. */
  readonly hasSubclusters?: boolean;
  /** Puts these bytes behind everything else, at a place of their own; see `qcow2TailOffset`. */
  readonly tail?: Uint8Array;
}

const HEADER_3_BYTES = 112;
const BACKING_FORMAT = 0xe2792aca;

/** Writes a qcow2 image (QEMU, docs/interop/qcow2.txt): header, reference counts, one L1 table, its L2 tables, data. */
export function buildQcow2(options: Qcow2Options): Buffer {
  const { content, version = 3, clusterBits = 16, backing } = options;
  const clusterBytes = 2 ** clusterBits;
  const entryBytes = options.hasSubclusters === true ? 16 : 8;
  const perTable = clusterBytes / entryBytes;
  const clusters = Math.ceil(content.length / clusterBytes);
  const tables = Math.max(1, Math.ceil(clusters / perTable));
  const firstData = 4 + tables;
  const table = Buffer.alloc(tables * clusterBytes);
  const data: Buffer[] = [];
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    const bytes = Buffer.alloc(clusterBytes);
    bytes.set(content.subarray(cluster * clusterBytes, (cluster + 1) * clusterBytes));
    const isEmpty = bytes.every((byte) => byte === 0);
    const stored = isEmpty ? 0n : BigInt((firstData + data.push(bytes) - 1) * clusterBytes) | (1n << 63n);
    table.writeBigUInt64BE(options.entries?.[cluster] ?? stored, cluster * entryBytes);
    if (entryBytes === 16 && stored !== 0n) table.writeBigUInt64BE(0xffffffffn, cluster * 16 + 8);
  }
  const first = Buffer.alloc(clusterBytes);
  for (let index = 0; index < tables; index += 1) first.writeBigUInt64BE(BigInt((4 + index) * clusterBytes) | (1n << 63n), index * 8);
  const extensions = [...(options.extensions ?? []), ...(backing?.format === undefined ? [] : [{ type: BACKING_FORMAT, data: Buffer.from(backing.format) }])];
  const header = buildHeader({ ...options, version, clusterBits }, tables, extensions);
  return Buffer.concat([header, Buffer.alloc(2 * clusterBytes), first, table, ...data, options.tail ?? Buffer.alloc(0)]);
}

/** Where `tail` lies in an image whose content has that many clusters that are not empty. */
export const qcow2TailOffset = (dataClusters: number, clusterBits = 16, tables = 1): number => (4 + tables + dataClusters) * 2 ** clusterBits;

function buildHeader(options: Qcow2Options & { readonly version: 2 | 3; readonly clusterBits: number }, tables: number, extensions: readonly { readonly type: number; readonly data: Uint8Array }[]): Buffer {
  const clusterBytes = 2 ** options.clusterBits;
  const header = Buffer.alloc(clusterBytes);
  header.write("QFI\xfb", 0, "latin1");
  header.writeUInt32BE(options.version, 4);
  header.writeUInt32BE(options.clusterBits, 20);
  header.writeBigUInt64BE(BigInt(options.virtualSizeBytes ?? options.content.length), 24);
  header.writeUInt32BE(options.encryption ?? 0, 32);
  header.writeUInt32BE(tables, 36);
  header.writeBigUInt64BE(BigInt(3 * clusterBytes), 40);
  header.writeBigUInt64BE(BigInt(clusterBytes), 48);
  header.writeUInt32BE(1, 56);
  let place = 72;
  if (options.version === 3) {
    header.writeBigUInt64BE(options.incompatible ?? 0n, 72);
    header.writeUInt32BE(4, 96);
    header.writeUInt32BE(HEADER_3_BYTES, 100);
    header.writeUInt8(options.compressionType ?? 0, 104);
    place = HEADER_3_BYTES;
  }
  for (const { type, data } of extensions) {
    header.writeUInt32BE(type, place);
    header.writeUInt32BE(data.length, place + 4);
    header.set(data, place + 8);
    place += 8 + Math.ceil(data.length / 8) * 8;
  }
  if (options.backing !== undefined) {
    header.writeBigUInt64BE(BigInt(place + 8), 8);
    header.writeUInt32BE(Buffer.byteLength(options.backing.name), 16);
    header.write(options.backing.name, place + 8);
  }
  return header;
}
