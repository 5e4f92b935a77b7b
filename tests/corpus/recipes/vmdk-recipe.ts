import { deflateSync } from "node:zlib";

export interface VmdkOptions {
  readonly content: Uint8Array;
  readonly isStream?: boolean;
  readonly version?: number;
  readonly contentId?: string;
  readonly parent?: { readonly contentId: string; readonly name: string };
  /** Lines in place of the one extent that the file itself is. */
  readonly extents?: readonly string[];
  readonly createType?: string;
}

const SECTOR_BYTES = 512;
const GRAIN_SECTORS = 128;
const TABLE_ENTRIES = 512;
const DESCRIPTOR_SECTORS = 20;

export function vmdkDescriptor({ content, isStream = false, contentId = "12345678", parent, extents, createType }: VmdkOptions): string {
  return [
    "# Disk DescriptorFile",
    "version=1",
    `CID=${contentId}`,
    `parentCID=${parent?.contentId ?? "ffffffff"}`,
    `createType="${createType ?? (isStream ? "streamOptimized" : "monolithicSparse")}"`,
    ...(parent === undefined ? [] : [`parentFileNameHint="${parent.name}"`]),
    "",
    "# Extent description",
    ...(extents ?? [`RW ${content.length / SECTOR_BYTES} SPARSE "disk.vmdk"`]),
    "",
    "# The Disk Data Base",
    'ddb.virtualHWVersion = "4"',
    "",
  ].join("\n");
}

/** Writes a sparse VMDK (VMware, Virtual Disk Format 5.0), or a stream with its directory and a footer at the end. Empty grains are left out. */
export function buildVmdk(options: VmdkOptions): Buffer {
  const { content, isStream = false } = options;
  const parts: Buffer[] = [];
  let sector = 0;
  const put = (bytes: Buffer): number => {
    const padded = Buffer.alloc(Math.ceil(bytes.length / SECTOR_BYTES) * SECTOR_BYTES);
    padded.set(bytes);
    parts.push(padded);
    sector += padded.length / SECTOR_BYTES;
    return sector - padded.length / SECTOR_BYTES;
  };
  put(Buffer.alloc(SECTOR_BYTES));
  const descriptor = Buffer.alloc(DESCRIPTOR_SECTORS * SECTOR_BYTES);
  descriptor.write(vmdkDescriptor(options));
  put(descriptor);
  const grains = Math.ceil(content.length / (GRAIN_SECTORS * SECTOR_BYTES));
  const table = Buffer.alloc(Math.ceil(grains / TABLE_ENTRIES) * TABLE_ENTRIES * 4);
  for (let grain = 0; grain < grains; grain += 1) {
    const data = Buffer.alloc(GRAIN_SECTORS * SECTOR_BYTES);
    data.set(content.subarray(grain * data.length, (grain + 1) * data.length));
    if (data.some((byte) => byte !== 0)) table.writeUInt32LE(put(isStream ? streamGrain(data, grain) : data), grain * 4);
  }
  const tableSector = put(table);
  const directory = Buffer.alloc(Math.ceil(grains / TABLE_ENTRIES) * 4);
  for (let index = 0; index * 4 < directory.length; index += 1) directory.writeUInt32LE(tableSector + index * 4, index * 4);
  const directorySector = put(directory);
  const header = buildHeader(options, BigInt(directorySector));
  if (!isStream) return Buffer.concat([header, ...parts.slice(1)]);
  const marker = Buffer.alloc(SECTOR_BYTES);
  marker.writeUInt32LE(3, 12);
  return Buffer.concat([buildHeader(options, 0xffffffffffffffffn), ...parts.slice(1), marker, header, Buffer.alloc(SECTOR_BYTES)]);
}

function streamGrain(data: Buffer, grain: number): Buffer {
  const packed = deflateSync(data);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(grain * GRAIN_SECTORS), 0);
  head.writeUInt32LE(packed.length, 8);
  return Buffer.concat([head, packed]);
}

function buildHeader({ content, isStream = false, version = isStream ? 3 : 1 }: VmdkOptions, directorySector: bigint): Buffer {
  const header = Buffer.alloc(SECTOR_BYTES);
  header.write("KDMV", 0, "latin1");
  header.writeUInt32LE(version, 4);
  header.writeUInt32LE(isStream ? 0x30001 : 1, 8);
  header.writeBigUInt64LE(BigInt(content.length / SECTOR_BYTES), 12);
  header.writeBigUInt64LE(BigInt(GRAIN_SECTORS), 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTORS), 36);
  header.writeUInt32LE(TABLE_ENTRIES, 44);
  header.writeBigUInt64LE(directorySector, 56);
  header.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTORS + 1), 64);
  header.write("\n \r\n", 73, "latin1");
  header.writeUInt16LE(isStream ? 1 : 0, 77);
  return header;
}

/** Writes the extent of an ESX snapshot: tables of 4096 entries, grains of one sector upwards. */
export function buildCowd(content: Uint8Array, grainSectors = 1): Buffer {
  const grainBytes = grainSectors * SECTOR_BYTES;
  const grains = Math.ceil(content.length / grainBytes);
  const tables = Math.ceil(grains / 4096);
  const header = Buffer.alloc(4 * SECTOR_BYTES);
  header.write("COWD", 0, "latin1");
  [1, 3, content.length / SECTOR_BYTES, grainSectors, 4, tables].forEach((value, index) => header.writeUInt32LE(value, 4 + index * 4));
  const directory = Buffer.alloc(Math.ceil((tables * 4) / SECTOR_BYTES) * SECTOR_BYTES);
  const table = Buffer.alloc(tables * 4096 * 4);
  const firstTable = 4 + directory.length / SECTOR_BYTES;
  const firstGrain = firstTable + table.length / SECTOR_BYTES;
  for (let index = 0; index < tables; index += 1) directory.writeUInt32LE(firstTable + index * 32, index * 4);
  const data: Buffer[] = [];
  for (let grain = 0; grain < grains; grain += 1) {
    const bytes = Buffer.alloc(grainBytes);
    bytes.set(content.subarray(grain * grainBytes, (grain + 1) * grainBytes));
    if (bytes.some((byte) => byte !== 0)) table.writeUInt32LE(firstGrain + (data.push(bytes) - 1) * grainSectors, grain * 4);
  }
  return Buffer.concat([header, directory, table, ...data]);
}
