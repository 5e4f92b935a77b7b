import { crc32 } from "node:zlib";
import { type ByteSource, DiskImageError } from "@signet/disk-image";

/** A stretch of a sample that holds structure, which is where changes tell. */
export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** A checksum that a change must not give away. */
export interface Checksum extends Stretch {
  /** Where it is kept; taken as zero where that lies inside the stretch. */
  readonly at: number;
  readonly kind: "crc32" | "crc32c" | "vhd" | "el-torito";
}

export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  readonly stretches: readonly Stretch[];
  readonly checksums?: readonly Checksum[];
  readonly parents?: readonly Buffer[];
}

/** Numbers that look random and are the same for one seed (mulberry32). */
export class SeededNumbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value;
    return (((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * limit | 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("Nothing to pick from.");
    return item;
  }
}

/** No reader has a reason to ask for more at once. */
const READ_BYTES_MAX = 64 * 1024 * 1024;

/** A sample with changes: bytes in other places, and another end. The sample itself is shared and never copied. */
export class MutatedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #bytes: Buffer;
  readonly #patches: { readonly offset: number; readonly bytes: Uint8Array }[] = [];

  constructor(bytes: Buffer, sizeBytes: number) {
    this.#bytes = bytes;
    this.sizeBytes = sizeBytes;
  }

  put(offset: number, bytes: Uint8Array): void {
    this.#patches.push({ offset, bytes });
  }

  isChanged(offset: number, length: number): boolean {
    return this.#patches.some((patch) => patch.offset < offset + length && offset < patch.offset + patch.bytes.length);
  }

  peek(offset: number, length: number): Buffer {
    const result = Buffer.alloc(length);
    result.set(this.#bytes.subarray(offset, offset + length));
    for (const patch of this.#patches) {
      const from = Math.max(offset, patch.offset);
      const to = Math.min(offset + length, patch.offset + patch.bytes.length);
      if (from < to) result.set(patch.bytes.subarray(from - patch.offset, to - patch.offset), from - offset);
    }
    return result;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length > READ_BYTES_MAX) throw new RangeError(`A reader asked for ${length} bytes at once.`);
    if (!(offset >= 0 && length >= 0 && offset + length <= this.sizeBytes)) throw new DiskImageError("DI-READ-OUTSIDE", `${length} bytes at ${offset} leave ${this.sizeBytes}.`);
    const bytes = this.peek(offset, length);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

const CHANGES_MAX = 5;
const EDGES = [0, 1, 2, 3, 7, 8, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xff, 0x100, 0x1ff, 0x200, 0x7fff, 0x8000, 0xffff, 0x10000, 0xfffff, 0x100000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff] as const;

/** Changes a sample in one to five places, most often in its structure, and most often repairs the checksums afterwards. */
export function mutate(sample: Sample, numbers: SeededNumbers): MutatedSource {
  const { bytes } = sample;
  const isCut = numbers.below(12) === 0;
  const source = new MutatedSource(bytes, isCut ? numbers.below(bytes.length + 4096) : bytes.length);
  for (let changes = 1 + numbers.below(CHANGES_MAX); changes > 0; changes -= 1) {
    const stretch = numbers.below(10) === 0 ? { offset: 0, length: bytes.length } : numbers.pick(sample.stretches);
    const offset = stretch.offset + numbers.below(stretch.length);
    source.put(offset, replacement(source, stretch, offset, numbers));
  }
  if (numbers.below(5) > 0) repair(source, sample.checksums ?? []);
  return source;
}

function replacement(source: MutatedSource, stretch: Stretch, offset: number, numbers: SeededNumbers): Uint8Array {
  const bytes = Buffer.alloc(8);
  const edge = numbers.below(3) === 0 ? numbers.below(2 ** 31) : numbers.below(4) === 0 ? source.sizeBytes + numbers.below(3) - 1 : numbers.pick(EDGES);
  switch (numbers.below(9)) {
    case 0:
      return Buffer.of((source.peek(offset, 1)[0] ?? 0) ^ (1 << numbers.below(8)));
    case 1:
      return Buffer.of(numbers.below(256));
    case 2:
      bytes.writeUInt16LE(edge & 0xffff);
      return bytes.subarray(0, 2);
    case 3:
      bytes.writeUInt32LE(edge >>> 0);
      return bytes.subarray(0, 4);
    case 4:
      bytes.writeUInt32BE(edge >>> 0);
      return bytes.subarray(0, 4);
    case 5:
      bytes.writeBigUInt64LE((BigInt(edge) << BigInt(numbers.below(33))) & 0xffffffffffffffffn);
      return bytes;
    case 6:
      bytes.writeBigUInt64BE((BigInt(edge) << BigInt(numbers.below(33))) & 0xffffffffffffffffn);
      return bytes;
    case 7:
      // A piece of the same structure, in the wrong place.
      return source.peek(stretch.offset + numbers.below(stretch.length), 1 + numbers.below(32));
    default:
      return Buffer.alloc(1 + numbers.below(64), numbers.pick([0, 0xff, 0x5a]));
  }
}

const castagnoli = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

function crc32c(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (castagnoli[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** In the order in which they are given: a header's checksum may cover that of a table. */
function repair(source: MutatedSource, checksums: readonly Checksum[]): void {
  for (const { offset, length, at, kind } of checksums) {
    if (!source.isChanged(offset, length) && !source.isChanged(at, 4)) continue;
    const covered = source.peek(offset, length);
    if (at >= offset && at < offset + length) covered.fill(0, at - offset, at - offset + (kind === "el-torito" ? 2 : 4));
    const value = Buffer.alloc(4);
    if (kind === "crc32") value.writeUInt32LE(crc32(covered));
    else if (kind === "crc32c") value.writeUInt32LE(crc32c(covered));
    else if (kind === "vhd") value.writeUInt32BE(~covered.reduce((sum, byte) => sum + byte, 0) >>> 0);
    else value.writeUInt16LE(-Array.from({ length: length / 2 }, (_, index) => covered.readUInt16LE(index * 2)).reduce((sum, word) => sum + word, 0) & 0xffff);
    source.put(at, kind === "el-torito" ? value.subarray(0, 2) : value);
  }
}
