import { createHash } from "node:crypto";
import { buildProgram, tableEntry, withTable } from "../../corpus/recipes/program-recipe.ts";
import type { Cast } from "./cast.ts";
import { generateSignature } from "./generate-signature.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface GeneratedProgram {
  readonly bytes: Buffer;
  /** What was done, for people. */
  readonly told: readonly string[];
  /** Digests by firmware's rule, for lists that trust or revoke the program; null where firmware computes none. */
  digest(algorithm: string): Buffer | null;
}

/** mov rax, EFI_ABORTED; ret: the program tells that it ran by the way in which it fails, and the boot manager goes on. */
const CODE = Buffer.from("48b81500000000000080c3", "hex");
const PE = 0x40;
const OPTIONAL = PE + 24;
const DIRECTORY = OPTIONAL + 112 + 4 * 8;
const SECTIONS = OPTIONAL + 240;

/** Changes of a program's headers and content. Each is one idea; most programs have none. */
const changes: Readonly<Record<string, (file: Buffer, random: SeededRandom) => Buffer>> = {
  machine: (file, random) => write16(file, PE + 4, random.pick([0x14c, 0xaa64, 0x1c2, 0x200, 0])),
  subsystem: (file, random) => write16(file, OPTIONAL + 68, random.pick([11, 12, 3, 0])),
  checksum: (file, random) => write32(file, OPTIONAL + 64, random.between(1, 0xffffffff)),
  overlay: (file, random) => Buffer.concat([file, random.bytes(random.between(1, 40))]),
  directories: (file, random) => write32(file, OPTIONAL + 108, random.pick([0, 4, 5, 15, 17, 0x7fffffff])),
  "optional size": (file, random) => write16(file, PE + 20, random.pick([112, 152, 232, 239, 241, 248])),
  "size of headers": (file, random) => write32(file, OPTIONAL + 60, random.pick([0, 0x180, 0x200, 0x3ff, 0x401, 0x600, 0x100000])),
  "size of image": (file, random) => write32(file, OPTIONAL + 56, random.pick([0, 0x400, 0x1000, 0x1001, 0x100000])),
  "section alignment": (file, random) => write32(file, OPTIONAL + 32, random.pick([0x10, 0x200, 0x2000])),
  "section beyond": (file, random) => write32(file, SECTIONS + 20, file.length + random.between(0, 64)),
  "section size": (file, random) => write32(file, SECTIONS + 16, random.pick([0, 1, 0x10, 0x1000, 0x7fffffff])),
  "section count": (file, random) => write16(file, PE + 6, random.pick([0, 2, 3, 96, 0xffff])),
  "gap before sections": (file) => write32(file, OPTIONAL + 60, 0x380),
  "wrong magic": (file, random) => write16(file, OPTIONAL, random.pick([0x10b, 0x107, 0])),
  "header offset": (file, random) => write32(file, 0x3c, random.pick([0, 0x3c, 0x48, file.length - 100, 0xffffffff])),
  "no mz": (file) => write16(file, 0, 0x4d5b),
  truncated: (file, random) => file.subarray(0, random.between(1, file.length - 1)),
  "debug directory": (file, random) => write32(write32(file, OPTIONAL + 112 + 6 * 8, random.pick([0x1000, 0x7fff0000])), OPTIONAL + 112 + 6 * 8 + 4, random.pick([28, 56, 1])),
};

/** Changes of the finished file, after its signatures were made. */
const tableChanges: Readonly<Record<string, (file: Buffer, random: SeededRandom) => Buffer>> = {
  "size of table": (file, random) => write32(file, DIRECTORY + 4, file.readUInt32LE(DIRECTORY + 4) + random.pick([-8, -4, 4, 8, 16, 0x1000])),
  "place of table": (file, random) => write32(file, DIRECTORY, file.readUInt32LE(DIRECTORY) + random.pick([-8, 4, 8])),
  "bytes behind table": (file, random) => Buffer.concat([file, random.bytes(random.between(1, 24))]),
  "entry length": (file, random) => addTo32(file, tableOf(file), random.pick([-1, 1, 7, 8, 9, 0x10000])),
  "entry type": (file, random) => write16(file, tableOf(file) + 6, random.pick([1, 3, 0x0ef0])),
  "entry revision": (file) => write16(file, tableOf(file) + 4, 0x0100),
  "one byte of code": (file) => write8(file, 0x420, file.readUInt8(0x420) ^ 0x01),
  "one byte of table": (file, random) => {
    const at = Math.min(file.length - 1, tableOf(file) + random.between(8, 120));
    return write8(file, at, file.readUInt8(at) ^ (1 << random.between(0, 7)));
  },
};

export function generateProgram(random: SeededRandom, cast: Cast): GeneratedProgram {
  const told: string[] = [];
  const code = Buffer.concat([CODE, random.bytes(53)]);
  const extra = random.chance(0.3) ? { ".data": random.bytes(random.between(1, 1200)), ...(random.chance(0.3) ? { ".more": random.bytes(16) } : {}) } : {};
  let file = buildProgram({ code, sections: extra });
  if (random.chance(0.35)) {
    const name = random.pick(Object.keys(changes));
    told.push(name);
    file = changes[name]?.(file, random) ?? file;
  }
  const plain = file;
  const digestOf = (algorithm: string): Buffer => firmwareDigest(plain, algorithm) ?? createHash(algorithm).update(plain).digest();
  const count = random.pick([0, 1, 1, 1, 1, 1, 2, 2, 3]);
  const signatures = Array.from({ length: count }, () => generateSignature(random, cast, digestOf));
  told.push(...(count === 0 ? ["unsigned"] : signatures.map((signature) => `signed by ${signature.told}`)));
  if (count > 0 && file.length > DIRECTORY + 8) {
    file = withTable(file, Buffer.concat(signatures.map(({ blob }) => entryOf(random, blob))));
    if (random.chance(0.2)) {
      const name = random.pick(Object.keys(tableChanges));
      told.push(name);
      file = tableChanges[name]?.(file, random) ?? file;
    }
  }
  return { bytes: file, told, digest: (algorithm) => firmwareDigest(file, algorithm) };
}

/** Most entries are of type 2; some of type 0x0EF1, which carries a GUID in front of the blob. */
function entryOf(random: SeededRandom, blob: Buffer): Buffer {
  if (!random.chance(0.06)) return tableEntry(blob);
  const guid = Buffer.from("9dd2af4adf68ee498aa9347d375665a7", "hex");
  if (random.chance(0.2)) guid.writeUInt8(0, 0);
  return tableEntry(Buffer.concat([guid, blob]), 0x0ef1);
}

/**
 * DxeImageVerificationLib's HashPeImage, written down once more for programs whose headers may lie: null where it would give up. What a
 * generator gets wrong here makes duller cases, never wrong verdicts: those are firmware's.
 */
function firmwareDigest(file: Buffer, algorithm: string): Buffer | null {
  if (file.length < SECTIONS || file.readUInt16LE(OPTIONAL) !== 0x20b || file.readUInt32LE(0x3c) !== PE) return null;
  const [headers, directories, count] = [file.readUInt32LE(OPTIONAL + 60), file.readUInt32LE(OPTIONAL + 108), file.readUInt16LE(PE + 6)];
  const tableBytes = directories > 4 ? file.readUInt32LE(DIRECTORY + 4) : 0;
  const hash = createHash(algorithm).update(file.subarray(0, OPTIONAL + 64));
  if (directories > 4) hash.update(file.subarray(OPTIONAL + 68, DIRECTORY)).update(file.subarray(DIRECTORY + 8, headers));
  else hash.update(file.subarray(OPTIONAL + 68, headers));
  let sum = headers;
  const sections = Array.from({ length: Math.min(count, 96) }, (_, index) => SECTIONS + index * 40).filter((at) => at + 40 <= file.length).map((at) => ({ size: file.readUInt32LE(at + 16), place: file.readUInt32LE(at + 20) }));
  for (const { size, place } of sections.toSorted((one, other) => one.place - other.place)) {
    hash.update(file.subarray(place, place + size));
    sum += size;
  }
  if (file.length < sum + tableBytes) return file.length > sum ? null : hash.digest();
  return hash.update(file.subarray(sum, file.length - tableBytes)).digest();
}

const tableOf = (file: Buffer): number => Math.min(file.readUInt32LE(DIRECTORY), file.length - 16);
const write8 = (file: Buffer, at: number, value: number): Buffer => edit(file, at, 1, (copy) => copy.writeUInt8(value & 0xff, at));
const write16 = (file: Buffer, at: number, value: number): Buffer => edit(file, at, 2, (copy) => copy.writeUInt16LE(value, at));
const write32 = (file: Buffer, at: number, value: number): Buffer => edit(file, at, 4, (copy) => copy.writeUInt32LE(value >>> 0, at));
const addTo32 = (file: Buffer, at: number, value: number): Buffer => write32(file, at, file.readUInt32LE(at) + value);

function edit(file: Buffer, at: number, bytes: number, change: (copy: Buffer) => void): Buffer {
  if (at < 0 || at + bytes > file.length) return file;
  const copy = Buffer.from(file);
  change(copy);
  return copy;
}
