export interface VhdOptions {
  readonly content: Uint8Array;
  readonly kind: "fixed" | "dynamic" | "differencing";
  /** Sixteen bytes as hex digits. */
  readonly identity?: string;
  /** Of a differencing disk; `ownSectors` says which sectors are the child's. */
  readonly parent?: { readonly identity: string; readonly name: string; readonly ownSectors: (sector: number) => boolean };
}

const SECTOR_BYTES = 512;
const BLOCK_BYTES = 512 * 1024;
const TYPES = { fixed: 2, dynamic: 3, differencing: 4 } as const;

/** Writes a VHD (Virtual Hard Disk Image Format Specification 1.0). A dynamic one leaves out blocks of zeros, a differencing one those without own sectors. */
export function buildVhd(options: VhdOptions): Buffer {
  const { content, kind, parent } = options;
  const footer = buildFooter(options);
  if (kind === "fixed") return Buffer.concat([content, footer]);
  const blocks = Math.ceil(content.length / BLOCK_BYTES);
  const table = Buffer.alloc(Math.ceil((blocks * 4) / SECTOR_BYTES) * SECTOR_BYTES, 0xff);
  const bitmapBytes = Math.ceil(BLOCK_BYTES / SECTOR_BYTES / 8 / SECTOR_BYTES) * SECTOR_BYTES;
  const parts: Buffer[] = [];
  let sector = (SECTOR_BYTES + 1024 + table.length) / SECTOR_BYTES;
  for (let block = 0; block < blocks; block += 1) {
    const data = Buffer.alloc(bitmapBytes + BLOCK_BYTES);
    data.set(content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES), bitmapBytes);
    const own = Array.from({ length: BLOCK_BYTES / SECTOR_BYTES }, (_, index) => parent === undefined || parent.ownSectors((block * BLOCK_BYTES) / SECTOR_BYTES + index));
    if (parent === undefined ? data.every((byte) => byte === 0) : !own.includes(true)) continue;
    own.forEach((isOwn, index) => data.writeUInt8(data.readUInt8(index >> 3) | (isOwn ? 0x80 >> (index & 7) : 0), index >> 3));
    table.writeUInt32BE(sector, block * 4);
    parts.push(data);
    sector += data.length / SECTOR_BYTES;
  }
  return Buffer.concat([footer, buildDynamicHeader(blocks, parent), table, ...parts, footer]);
}

function buildFooter({ content: { length: sizeBytes }, kind, identity = "42".repeat(16) }: VhdOptions): Buffer {
  const footer = Buffer.alloc(512);
  footer.write("conectix", 0, "latin1");
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x00010000, 12);
  footer.writeBigUInt64BE(kind === "fixed" ? 0xffffffffffffffffn : 512n, 16);
  footer.writeBigUInt64BE(BigInt(sizeBytes), 40);
  footer.writeBigUInt64BE(BigInt(sizeBytes), 48);
  footer.writeUInt32BE(TYPES[kind], 60);
  footer.write(identity, 68, "hex");
  footer.writeUInt32BE(complementSum(footer), 64);
  return footer;
}

function buildDynamicHeader(blocks: number, parent: VhdOptions["parent"]): Buffer {
  const header = Buffer.alloc(1024);
  header.write("cxsparse", 0, "latin1");
  header.writeBigUInt64BE(0xffffffffffffffffn, 8);
  header.writeBigUInt64BE(1536n, 16);
  header.writeUInt32BE(0x00010000, 24);
  header.writeUInt32BE(blocks, 28);
  header.writeUInt32BE(BLOCK_BYTES, 32);
  if (parent !== undefined) {
    header.write(parent.identity, 40, "hex");
    header.set(Buffer.from(parent.name, "utf16le").swap16(), 64);
  }
  header.writeUInt32BE(complementSum(header), 36);
  return header;
}

const complementSum = (bytes: Buffer): number => ~bytes.reduce((sum, byte) => sum + byte, 0) >>> 0;
