import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { type DiskImageCode, DiskImageError, memorySource, openDisk, openFat, readPartitions } from "@signet/disk-image";
import { mixedBytes } from "./recipes/compressed-recipe.ts";
import { buildGptDisk } from "./recipes/disk-recipe.ts";
import { buildFat } from "./recipes/fat-recipe.ts";
import { buildQcow2 } from "./recipes/qcow2-recipe.ts";
import { buildVhdx, crc32c } from "./recipes/vhdx-recipe.ts";
import { buildVmdk } from "./recipes/vmdk-recipe.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const LOG_OFFSET = MIB;
/** Work of this thread, whatever else the machine does. */
const WORK_MS_MAX = 1000;

async function endsSoon(work: () => Promise<unknown>): Promise<void> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  assert.ok((user + system) / 1000 < WORK_MS_MAX, `it took ${(user + system) / 1000} ms of work`);
}
const fails = (code: DiskImageCode, ...words: readonly RegExp[]) => (error: unknown): boolean => {
  assert.ok(error instanceof DiskImageError, String(error));
  assert.equal(error.code, code, error.message);
  for (const word of words) assert.match(error.message, word);
  return true;
};

/** A VHDX whose log is this, as large as it is; all else lies behind it. */
function withLog(log: Buffer): Buffer {
  const file = buildVhdx({ content: mixedBytes(MIB, 1), log: [{ fileOffset: 5 * MIB, data: Buffer.alloc(4096) }] });
  const place = Math.ceil(file.length / MIB) * MIB;
  const grown = Buffer.concat([file, Buffer.alloc(place - file.length), log]);
  for (const at of [64 * KIB, 128 * KIB]) {
    const header = grown.subarray(at, at + 4096);
    header.writeUInt32LE(log.length, 68);
    header.writeBigUInt64LE(BigInt(place), 72);
    header.writeUInt32LE(0, 4);
    header.writeUInt32LE(crc32c(header), 4);
  }
  return grown;
}

/** One entry of a log, with descriptors that zero stretches of the file. */
function logEntry(sequence: bigint, sizeBytes: number, tail: number, zeroed: number, isRight = true): Buffer {
  const entry = Buffer.alloc(sizeBytes);
  entry.write("loge", 0, "latin1");
  entry.writeUInt32LE(sizeBytes, 8);
  entry.writeUInt32LE(tail, 12);
  entry.writeBigUInt64LE(sequence, 16);
  entry.writeUInt32LE(zeroed, 24);
  buildVhdxLogGuid().copy(entry, 32);
  for (let index = 0; index < zeroed; index += 1) {
    const place = 64 + index * 32;
    entry.write("zero", place, "latin1");
    entry.writeBigUInt64LE(BigInt(MIB), place + 8);
    entry.writeBigUInt64LE(BigInt(8 * MIB), place + 16);
    entry.writeBigUInt64LE(sequence, place + 24);
  }
  entry.writeUInt32LE(isRight ? crc32c(entry) : 1, 4);
  return entry;
}

/** The recipe's log identity, read from an image that it makes. */
function buildVhdxLogGuid(): Buffer {
  recipeLogGuid ??= buildVhdx({ content: mixedBytes(MIB, 1), log: [{ fileOffset: 5 * MIB, data: Buffer.alloc(4096) }] }).subarray(LOG_OFFSET + 32, LOG_OFFSET + 48);
  return recipeLogGuid;
}
let recipeLogGuid: Buffer | null = null;

describe("images made to keep their reader busy", () => {
  test("a VHDX log in which every sector claims to begin an entry as long as the log", async () => {
    const head = logEntry(7n, 4096, 0, 0, false);
    head.writeUInt32LE(16 * MIB, 8);
    const log = Buffer.concat(Array.from({ length: 4096 }, () => head));
    const file = withLog(log);
    await endsSoon(async () => assert.rejects(openDisk(memorySource(file)), fails("DI-VHDX-LOG", /overlap/)));
  });

  test("a VHDX log of a thousand entries that follow each other", async () => {
    const entries = 1024;
    const log = Buffer.concat(Array.from({ length: entries }, (_, index) => logEntry(BigInt(index + 1), 4096, 0, 0)));
    const file = withLog(log);
    await endsSoon(() => openDisk(memorySource(file)));
  });

  test("a VHDX log that zeroes more stretches than any real one", async () => {
    const file = withLog(Buffer.concat([logEntry(1n, 256 * KIB, 0, 8000), Buffer.alloc(768 * KIB)]));
    await endsSoon(async () => assert.rejects(openDisk(memorySource(file)), fails("DI-VHDX-LOG", /zeroes more than/)));
  });

  test("a VHDX log for a file that is far longer", async () => {
    const entry = logEntry(1n, 4096, 0, 0);
    entry.writeBigUInt64LE(2n ** 50n, 56);
    entry.writeUInt32LE(0, 4);
    entry.writeUInt32LE(crc32c(entry), 4);
    await assert.rejects(openDisk(memorySource(withLog(Buffer.concat([entry, Buffer.alloc(MIB - 4096)])))), fails("DI-VHDX-LOG", /cut off/));
  });

  test("a GPT of eight thousand partitions that overlap in pairs", async () => {
    const disk = buildGptDisk({ partitions: [{ content: Buffer.alloc(2 * MIB) }] });
    const count = 8192;
    const entries = Buffer.alloc(count * 128);
    for (let index = 0; index < count; index += 1) {
      entries.fill(1, index * 128, index * 128 + 16);
      entries.writeBigUInt64LE(BigInt(2100 + (index >> 1)), index * 128 + 32);
      entries.writeBigUInt64LE(BigInt(2100 + (index >> 1)), index * 128 + 40);
    }
    disk.set(entries, 2 * 512);
    const header = disk.subarray(512, 604);
    header.writeUInt32LE(count, 80);
    header.writeUInt32LE(crc32(entries), 88);
    header.writeUInt32LE(0, 16);
    header.writeUInt32LE(crc32(header), 16);
    await endsSoon(async () => {
      const { partitioning, partitions } = await readPartitions(await openDisk(memorySource(disk)));
      assert.deepEqual([partitioning, partitions.length], ["gpt", 0]);
    });
  });

  test("a FAT whose directory and file lead in circles", async () => {
    const image = buildFat({ kind: "fat16", files: { "EFI/BOOT/BOOTX64.EFI": Buffer.alloc(4 * MIB, 7) }, clusters: 20_000, sectorsPerCluster: 1 });
    const table = image.readUInt16LE(14) * 512;
    for (let cluster = 2; cluster < 20_000; cluster += 1) image.writeUInt16LE(2 + ((cluster * 7919) % 19_000), table + cluster * 2);
    await endsSoon(async () => {
      const volume = (await openFat(memorySource(image), 512)) ?? assert.fail("no volume");
      await volume.find("\\EFI\\BOOT\\BOOTX64.EFI").catch((error: unknown) => assert.ok(error instanceof DiskImageError));
    });
  });

  test("compressed clusters that are read again and again are decompressed once", async () => {
    const disk = await openDisk(memorySource(buildVmdk({ content: mixedBytes(4 * MIB, 5), isStream: true })));
    await endsSoon(async () => {
      for (let round = 0; round < 20_000; round += 1) await disk.content.read((round * 512) % (256 * KIB), 512);
    });
  });

  test("a great disk of which nothing is stored", async () => {
    const disk = await openDisk(memorySource(buildQcow2({ content: Buffer.alloc(0), virtualSizeBytes: 512 * MIB })));
    await endsSoon(async () => assert.ok((await disk.content.read(0, 64 * MIB)).every((byte) => byte === 0)));
  });

  test("a bomb inside a disk that says what it is", async () => {
    const bomb = gzipSync(Buffer.alloc(8 * MIB));
    const many = Buffer.concat(Array.from({ length: 400 }, () => bomb));
    await assert.rejects(openDisk(memorySource(many), { decodedBytesMax: 64 * MIB }), fails("DI-COMPRESSED-BUDGET"));
    const frames = Buffer.concat(Array.from({ length: 2000 }, () => zstdCompressSync(Buffer.alloc(MIB), { pledgedSrcSize: MIB })));
    await endsSoon(async () => {
      const { content } = await openDisk(memorySource(frames));
      assert.equal(content.sizeBytes, 2000 * MIB);
    });
  });
});

test("names out of an image are shown without what a terminal would obey or hide", async () => {
  const name = `evil\u001b]0;title\u0007\u202egnp.exe\u0000"\\${"x".repeat(200)}`;
  await assert.rejects(openDisk(memorySource(buildQcow2({ content: Buffer.alloc(512), backing: { name } }))), fails("DI-PARENT-MISSING", /evil\\u\{1b\}\]0;title\\u\{7\}\\u\{202e\}gnp\.exe\\u\{0\}\\"\\\\x+…"/));
});
