export interface VhdOptions {
  readonly content: Uint8Array;
  readonly kind: "fixed" | "dynamic";
}

const SECTOR_BYTES = 512;
const BLOCK_BYTES = 512 * 1024;

/** Writes a VHD (Virtual Hard Disk Image Format Specification 1.0). A dynamic one leaves out blocks of zeros. */
export function buildVhd({ content, kind }: VhdOptions): Buffer {
  const footer = buildFooter(content.length, kind);
  if (kind === "fixed") return Buffer.concat([content, footer]);
  const blocks = Math.ceil(content.length / BLOCK_BYTES);
  const table = Buffer.alloc(Math.ceil((blocks * 4) / SECTOR_BYTES) * SECTOR_BYTES, 0xff);
  const bitmapBytes = Math.ceil(BLOCK_BYTES / SECTOR_BYTES / 8 / SECTOR_BYTES) * SECTOR_BYTES;
  const parts: Buffer[] = [];
  let sector = (SECTOR_BYTES + 1024 + table.length) / SECTOR_BYTES;
  for (let block = 0; block < blocks; block += 1) {
    const data = Buffer.alloc(bitmapBytes + BLOCK_BYTES);
    data.set(content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES), bitmapBytes);
    if (data.every((byte) => byte === 0)) continue;
    data.fill(0xff, 0, bitmapBytes);
    table.writeUInt32BE(sector, block * 4);
    parts.push(data);
    sector += data.length / SECTOR_BYTES;
  }
  return Buffer.concat([footer, buildDynamicHeader(blocks), table, ...parts, footer]);
}

function buildFooter(sizeBytes: number, kind: "fixed" | "dynamic"): Buffer {
  const footer = Buffer.alloc(512);
  footer.write("conectix", 0, "latin1");
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x00010000, 12);
  footer.writeBigUInt64BE(kind === "fixed" ? 0xffffffffffffffffn : 512n, 16);
  footer.writeBigUInt64BE(BigInt(sizeBytes), 40);
  footer.writeBigUInt64BE(BigInt(sizeBytes), 48);
  footer.writeUInt32BE(kind === "fixed" ? 2 : 3, 60);
  footer.fill(0x42, 68, 84);
  footer.writeUInt32BE(complementSum(footer), 64);
  return footer;
}

function buildDynamicHeader(blocks: number): Buffer {
  const header = Buffer.alloc(1024);
  header.write("cxsparse", 0, "latin1");
  header.writeBigUInt64BE(0xffffffffffffffffn, 8);
  header.writeBigUInt64BE(1536n, 16);
  header.writeUInt32BE(0x00010000, 24);
  header.writeUInt32BE(blocks, 28);
  header.writeUInt32BE(BLOCK_BYTES, 32);
  header.writeUInt32BE(complementSum(header), 36);
  return header;
}

const complementSum = (bytes: Buffer): number => ~bytes.reduce((sum, byte) => sum + byte, 0) >>> 0;
