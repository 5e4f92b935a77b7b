/**
 * MD4 (RFC 1320). OpenSSL 3 keeps it in a provider that is off by default, and Windows still derives its password hashes with it.
 * Broken as a hash; here it is only what the protocol names.
 */
export function md4(data: Uint8Array): Buffer {
  const words = pad(data);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let offset = 0; offset < words.length; offset += blockWords) addBlock(state, words.subarray(offset, offset + blockWords));
  const digest = Buffer.alloc(16);
  state.forEach((word, index) => digest.writeUInt32LE(word, index * 4));
  return digest;
}

const blockWords = 16;
const blockBytes = blockWords * 4;

interface Round {
  readonly mix: (x: number, y: number, z: number) => number;
  readonly constant: number;
  /** Which word of the block each of the 16 steps takes. */
  readonly order: readonly number[];
  readonly shifts: readonly [number, number, number, number];
}

/** RFC 1320, 3.4. */
const rounds: readonly Round[] = [
  { mix: (x, y, z) => (x & y) | (~x & z), constant: 0, order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], shifts: [3, 7, 11, 19] },
  { mix: (x, y, z) => (x & y) | (x & z) | (y & z), constant: 0x5a827999, order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], shifts: [3, 5, 9, 13] },
  { mix: (x, y, z) => x ^ y ^ z, constant: 0x6ed9eba1, order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], shifts: [3, 9, 11, 15] },
];

function addBlock(state: Uint32Array, block: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  for (const { mix, constant, order, shifts } of rounds) {
    for (const [step, word] of order.entries()) {
      const sum = (a + mix(b, c, d) + (block[word] ?? 0) + constant) >>> 0;
      const shift = shifts[step % 4] ?? 0;
      [a, d, c, b] = [d, c, b, ((sum << shift) | (sum >>> (32 - shift))) >>> 0];
    }
  }
  for (const [index, word] of [a, b, c, d].entries()) state[index] = (state[index] ?? 0) + word;
}

/** The message with its one bit, its zeros and its length in bits, as little-endian words (RFC 1320, 3.1 and 3.2). */
function pad(data: Uint8Array): Uint32Array {
  const bytes = Buffer.alloc(Math.ceil((data.length + 9) / blockBytes) * blockBytes);
  bytes.set(data);
  bytes[data.length] = 0x80;
  bytes.writeBigUInt64LE(BigInt(data.length) * 8n, bytes.length - 8);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4));
}
