export interface VdiOptions {
  readonly content: Uint8Array;
  readonly kind: "dynamic" | "fixed" | "differencing";
  /** GUIDs as 32 hex digits, in the order of the file's bytes. */
  readonly identity?: string;
  readonly state?: string;
  readonly parent?: { readonly identity: string; readonly state: string };
}

const SECTOR_BYTES = 512;
const BLOCK_BYTES = 1024 * 1024;
const KINDS = { dynamic: 1, fixed: 2, differencing: 4 } as const;
const FREE = 0xffffffff;
const NO_GUID = "0".repeat(32);

/** Writes a VDI of version 1.1 with blocks of 1 MiB, stored from the last to the first. Blocks of zeros are left out unless it is fixed. */
export function buildVdi({ content, kind, identity = "11".repeat(16), state = "22".repeat(16), parent }: VdiOptions): Buffer {
  const blocks = Math.ceil(content.length / BLOCK_BYTES);
  const map = Buffer.alloc(Math.ceil((blocks * 4) / SECTOR_BYTES) * SECTOR_BYTES);
  const data: Buffer[] = [];
  for (let block = blocks - 1; block >= 0; block -= 1) {
    const bytes = Buffer.alloc(BLOCK_BYTES);
    bytes.set(content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
    const isStored = kind === "fixed" || bytes.some((byte) => byte !== 0);
    map.writeUInt32LE(isStored ? data.push(bytes) - 1 : FREE, block * 4);
  }
  const header = Buffer.alloc(SECTOR_BYTES);
  header.write("<<< Oracle VM VirtualBox Disk Image >>>\n", 0, "latin1");
  const fields: readonly [number, number][] = [[0x40, 0xbeda107f], [0x44, 0x00010001], [0x48, 0x190], [0x4c, KINDS[kind]], [0x154, SECTOR_BYTES], [0x158, SECTOR_BYTES + map.length], [0x168, SECTOR_BYTES], [0x178, BLOCK_BYTES], [0x180, blocks], [0x184, data.length]];
  for (const [offset, value] of fields) header.writeUInt32LE(value, offset);
  header.writeBigUInt64LE(BigInt(content.length), 0x170);
  [identity, state, parent?.identity ?? NO_GUID, parent?.state ?? NO_GUID].forEach((guid, index) => header.write(guid, 0x188 + index * 16, "hex"));
  return Buffer.concat([header, map, ...data]);
}
