const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

/** CRC-32C (Castagnoli), as VHDX uses it. */
export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (table[(value ^ byte) & 0xff] ?? 0);
  return (value ^ 0xffffffff) >>> 0;
}

/** Whether a structure's own checksum at `offset` is right; it is computed with that field zero. */
export function hasRightChecksum(structure: Buffer, offset: number): boolean {
  return structure.readUInt32LE(offset) === crc32c(withoutField(structure, offset));
}

export function setChecksum(structure: Buffer, offset: number): Buffer {
  structure.writeUInt32LE(crc32c(withoutField(structure, offset)), offset);
  return structure;
}

function withoutField(structure: Buffer, offset: number): Buffer {
  return Buffer.from(structure).fill(0, offset, offset + 4);
}
