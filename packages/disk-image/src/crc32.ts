/** Reflected polynomials: CRC-32 of IEEE 802.3 for GPT, CRC-32C (Castagnoli) for VHDX. */
const POLYNOMIALS = { ieee: 0xedb88320, castagnoli: 0x82f63b78 } as const;

function makeTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value >>> 0;
  });
}

const tables = { ieee: makeTable(POLYNOMIALS.ieee), castagnoli: makeTable(POLYNOMIALS.castagnoli) } as const;

function checksum(table: Uint32Array, bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (table[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

export const crc32 = (bytes: Uint8Array): number => checksum(tables.ieee, bytes);
export const crc32c = (bytes: Uint8Array): number => checksum(tables.castagnoli, bytes);

/** The checksum of a structure over itself with its own field, four bytes at `fieldOffset`, taken as zero. */
export function crcWithoutField(crc: (bytes: Uint8Array) => number, bytes: Uint8Array, fieldOffset: number): number {
  const copy = Uint8Array.from(bytes);
  copy.fill(0, fieldOffset, fieldOffset + 4);
  return crc(copy);
}
