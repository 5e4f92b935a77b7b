import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type ByteSource, type DiskImageCode, DiskImageError, memorySource, openDisk, readPartitions } from "@signet/disk-image";
import { compressWith, mixedBytes } from "./recipes/compressed-recipe.ts";
import { buildGptDisk } from "./recipes/disk-recipe.ts";
import { buildQcow2 } from "./recipes/qcow2-recipe.ts";
import { buildVhd } from "./recipes/vhd-recipe.ts";
import { buildVhdx } from "./recipes/vhdx-recipe.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SEED = Number(process.env["SIGNET_SEED"] ?? 20261125);
const ROUNDS = process.env["SIGNET_TEST_ALL"] === "1" ? 400 : 12;
const fails = (code: DiskImageCode, ...words: readonly RegExp[]) => (error: unknown): boolean => {
  assert.ok(error instanceof DiskImageError, String(error));
  assert.equal(error.code, code, error.message);
  for (const word of words) assert.match(error.message, word);
  return true;
};
const open = (bytes: Uint8Array, decodedBytesMax?: number): ReturnType<typeof openDisk> => openDisk(memorySource(bytes), decodedBytesMax === undefined ? {} : { decodedBytesMax });
const readAll = async (bytes: Uint8Array, decodedBytesMax?: number): Promise<Buffer> => {
  const { content } = await open(bytes, decodedBytesMax);
  return Buffer.from(await content.read(0, content.sizeBytes));
};
const present = (bytes: Buffer | null): Buffer => {
  if (bytes === null) throw new Error("The compressor is not installed.");
  return bytes;
};
const hasPrograms = compressWith("xz", [], Buffer.alloc(1)) !== null && compressWith("zstd", ["-q"], Buffer.alloc(1)) !== null;
const programs = { skip: hasPrograms ? false : "xz and zstd are not installed" };

/** Counts what is read of a file. */
function countingSource(bytes: Uint8Array): ByteSource & { readonly bytesRead: () => number } {
  const source = memorySource(bytes);
  let total = 0;
  return { sizeBytes: source.sizeBytes, bytesRead: () => total, read: (offset, length) => ((total += length), source.read(offset, length)) };
}

describe("what compressors write", programs, () => {
  const variants: readonly (readonly [string, (bytes: Buffer, round: number) => Buffer])[] = [
    ["gzip of any level", (bytes, round) => gzipSync(bytes, { level: round % 10 })],
    ["gzip in several members, with padding behind", (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, bytes.length >> 1)), gzipSync(bytes.subarray(bytes.length >> 1)), Buffer.alloc(700)])],
    ["gzip with codes that are fixed, or matches only near", (bytes, round) => gzipSync(bytes, { strategy: (round % 4) + 1, windowBits: 9 + (round % 7) })],
    ["zstd of any level", (bytes, round) => present(compressWith("zstd", ["-q", `-${1 + (round % 19)}`], bytes))],
    ["zstd without the size of its content", (bytes) => present(compressWith("zstd", ["-q", "--no-check"], bytes))],
    ["zstd with the size of its content", (bytes) => zstdCompressSync(bytes, { pledgedSrcSize: bytes.length })],
    ["zstd in several frames, with one to pass over", (bytes) => Buffer.concat([zstdCompressSync(bytes.subarray(0, bytes.length >> 1)), Buffer.from("5a2a4d18040000000badcafe", "hex"), zstdCompressSync(bytes.subarray(bytes.length >> 1))])],
    ["xz of any level", (bytes, round) => present(compressWith("xz", [`-${round % 10}`], bytes))],
    ["xz in blocks, checked by SHA-256", (bytes) => present(compressWith("xz", ["-T2", "--block-size=100000", "--check=sha256"], bytes))],
    ["xz with other ways to count literals", (bytes, round) => present(compressWith("xz", [`--lzma2=preset=1,lc=${round % 3},lp=${2 - (round % 3)},pb=${round % 5}`], bytes))],
    ["xz in several streams, with padding between", (bytes) => Buffer.concat([present(compressWith("xz", [], bytes.subarray(0, bytes.length >> 1))), Buffer.alloc(8), present(compressWith("xz", ["-0"], bytes.subarray(bytes.length >> 1))), Buffer.alloc(4)])],
  ];
  for (const [name, compress] of variants) {
    test(`reads ${name}, from front to end and at any place`, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const bytes = mixedBytes(1000 + ((round * 7919 + 13) % 400) * 997, SEED + round);
        const { content, compression } = await open(compress(bytes, round));
        const where = `seed ${SEED}, round ${round}`;
        assert.notEqual(compression, null, where);
        assert.equal(content.sizeBytes, bytes.length, where);
        for (let read = 0; read < 6; read += 1) {
          const offset = (read * 104_729 * (round + 1)) % bytes.length;
          const length = Math.min(bytes.length - offset, 1 + ((read * 49_999) % 90_000));
          assert.ok(bytes.subarray(offset, offset + length).equals(await content.read(offset, length)), `${where}: ${length} bytes at ${offset}`);
        }
        assert.ok(bytes.equals(await content.read(0, bytes.length)), where);
      }
    });
  }
});

describe("disks inside compressed files", () => {
  const content = Buffer.concat([buildGptDisk({ partitions: [{ content: mixedBytes(64 * KIB, 1) }], sizeBytes: 2 * MIB })]);

  test("finds the container inside, whatever it is", async () => {
    for (const [image, format] of [[content, "raw"], [buildVhdx({ content }), "vhdx"], [buildVhd({ content, kind: "dynamic" }), "vhd"], [buildVhd({ content, kind: "fixed" }), "vhd"], [buildQcow2({ content }), "qcow2"]] as const) {
      for (const [packed, compression] of [[gzipSync(image), "gzip"], [zstdCompressSync(image), "zstd"]] as const) {
        const disk = await open(packed);
        assert.deepEqual([disk.format, disk.compression], [format, compression]);
        assert.ok(content.equals(await disk.content.read(0, content.length)));
        assert.equal((await readPartitions(disk)).partitioning, "gpt");
      }
    }
  });

  test("reads the two ends of an .xz file of blocks without what lies between", programs, async () => {
    const bytes = mixedBytes(8 * MIB, 3);
    bytes.set(content.subarray(0, 64 * KIB), 0);
    const packed = countingSource(present(compressWith("xz", ["-T2", "--block-size=524288"], bytes)));
    const disk = await openDisk(packed);
    assert.ok(bytes.subarray(-512).equals(await disk.content.read(bytes.length - 512, 512)));
    assert.ok(packed.bytesRead() < packed.sizeBytes / 4, `${packed.bytesRead()} of ${packed.sizeBytes} bytes were read`);
  });

  test("gives each of several readers its own bytes at the same time", programs, async () => {
    const bytes = mixedBytes(3 * MIB, 7);
    for (const packed of [gzipSync(bytes), zstdCompressSync(bytes, { pledgedSrcSize: bytes.length }), present(compressWith("xz", ["-1"], bytes))]) {
      const { content } = await open(packed);
      const offsets = Array.from({ length: 40 }, (_, index) => (index * 1_234_567) % (bytes.length - 70_000));
      const parts = await Promise.all(offsets.map((offset) => content.read(offset, 70_000)));
      offsets.forEach((offset, index) => assert.ok(bytes.subarray(offset, offset + 70_000).equals(parts[index] ?? new Uint8Array(0)), `${offset}`));
    }
  });

  test("takes the size of a stream that does not tell it from the partition table, and says so", programs, async () => {
    const diskOf = (sizeBytes: number): Buffer => buildGptDisk({ partitions: [{ content: mixedBytes(64 * KIB, 1) }], sizeBytes });
    const bytes = diskOf(48 * MIB);
    for (const [packed, remarks] of [[present(compressWith("zstd", ["-q"], bytes)), ["DI-COMPRESSED-SIZE"]], [gzipSync(bytes), ["DI-COMPRESSED-SIZE"]], [zstdCompressSync(bytes, { pledgedSrcSize: bytes.length }), []], [gzipSync(Buffer.concat([bytes, Buffer.alloc(512)])), []]] as const) {
      const disk = await open(packed, 50 * MIB);
      assert.deepEqual([disk.remarks.map(({ code }) => code), disk.content.sizeBytes - bytes.length], [remarks, remarks.length === 0 && disk.compression === "gzip" ? 512 : 0]);
      assert.ok(bytes.subarray(20 * KIB, 90 * KIB).equals(await disk.content.read(20 * KIB, 70 * KIB)));
    }
    const early = await open(present(compressWith("zstd", ["-q"], diskOf(96 * MIB))), MIB);
    assert.equal((await readPartitions(early)).partitioning, "gpt");
    const cut = await open(present(compressWith("zstd", ["-q"], diskOf(96 * MIB).subarray(0, MIB))));
    await assert.rejects(cut.content.read(2 * MIB, 512), fails("DI-COMPRESSED-DATA"));
  });

  test("finds the footer of a fixed VHD at the far end of a stream", programs, async () => {
    const bytes = buildVhd({ content: buildGptDisk({ partitions: [{ content: mixedBytes(64 * KIB, 1) }], sizeBytes: 96 * MIB }), kind: "fixed" });
    for (const packed of [present(compressWith("xz", ["-0", "-T1"], bytes)), gzipSync(bytes)]) {
      const disk = await open(packed);
      assert.deepEqual([disk.format, disk.variant, disk.content.sizeBytes], ["vhd", "fixed", 96 * MIB]);
    }
  });

  test("does not run to the far end of a long stream to look for a footer", programs, async () => {
    const bytes = Buffer.alloc(96 * MIB);
    bytes.set(content.subarray(0, 64 * KIB), 0);
    const packed = present(compressWith("xz", ["-0", "-T1"], bytes));
    const disk = await openDisk(memorySource(packed), { decodedBytesMax: 8 * MIB });
    assert.deepEqual([disk.format, disk.content.sizeBytes, (await readPartitions(disk)).partitioning], ["raw", bytes.length, "gpt"]);
    await assert.rejects(disk.content.read(bytes.length - 512, 512), fails("DI-COMPRESSED-BUDGET"));
  });
});

describe("compressed files that are refused", () => {
  test("a bomb ends at its budget, with what to do", async () => {
    await assert.rejects(open(gzipSync(Buffer.alloc(32 * MIB)), 4 * MIB), fails("DI-COMPRESSED-BUDGET", /4194304/, /gunzip FILE/));
    await assert.rejects(open(zstdCompressSync(Buffer.alloc(32 * MIB)), 4 * MIB), fails("DI-COMPRESSED-BUDGET", /zstd -d FILE/));
  });

  test("a file that is compressed twice", async () => {
    await assert.rejects(open(gzipSync(gzipSync(mixedBytes(5000, 2)))), fails("DI-COMPRESSED-NESTED", /gzip file holds a gzip file/));
    await assert.rejects(open(zstdCompressSync(gzipSync(mixedBytes(5000, 2)))), fails("DI-COMPRESSED-NESTED", /zstd file holds a gzip file/));
  });

  test("a file that holds nothing", async () => {
    await assert.rejects(open(gzipSync(Buffer.alloc(0))), fails("DI-EMPTY", /gzip/));
  });

  test("windows and methods beyond what is read", programs, async () => {
    const bytes = mixedBytes(100_000, 4);
    const frame = present(compressWith("zstd", ["-q"], bytes));
    const wide = Buffer.from(frame);
    wide.writeUInt8(0xff, 5);
    await assert.rejects(open(wide), fails("DI-COMPRESSED-WINDOW", /zstd -d/));
    const withDictionary = Buffer.concat([frame.subarray(0, 4), Buffer.of((frame[4] ?? 0) | 1, frame[5] ?? 0, 77), frame.subarray(6)]);
    await assert.rejects(open(withDictionary), fails("DI-COMPRESSED-METHOD", /dictionary/));
    const packed = memorySource(present(compressWith("xz", ["--x86", "--lzma2"], bytes)));
    await assert.rejects(openDisk(packed), fails("DI-COMPRESSED-METHOD", /x86/));
  });

  test("data that is cut off or damaged", programs, async () => {
    const bytes = mixedBytes(300_000, 5);
    const packed = [gzipSync(bytes), present(compressWith("zstd", ["-q"], bytes)), present(compressWith("xz", [], bytes))];
    for (const file of packed) {
      for (const length of [7, 20, 1000, file.length - 1]) await assert.rejects(readAll(file.subarray(0, length)), fails("DI-COMPRESSED-DATA"), `${length} bytes`);
    }
    const [gzip = Buffer.alloc(0), zstd = Buffer.alloc(0), xz = Buffer.alloc(0)] = packed;
    gzip.fill(0xff, 40, 60);
    await assert.rejects(readAll(gzip), fails("DI-COMPRESSED-DATA"));
    zstd.writeUInt8((zstd[6] ?? 0) | 6, 6);
    await assert.rejects(readAll(zstd), fails("DI-COMPRESSED-DATA"));
    xz.writeUInt8(3, 12 + ((xz[12] ?? 0) + 1) * 4);
    await assert.rejects(readAll(xz), fails("DI-COMPRESSED-DATA"));
  });

  test("a gzip member whose length disagrees with its end", async () => {
    const file = gzipSync(mixedBytes(5000, 6));
    file.writeUInt32LE(4999, file.length - 4);
    await assert.rejects(readAll(file), fails("DI-COMPRESSED-DATA", /4999/));
  });

  test("a code for a block that stands for nothing", async () => {
    const head = gzipSync(Buffer.alloc(0)).subarray(0, 10);
    for (const data of ["07", "05e001", "fdff", "000100feff", "0400", "63646400"]) await assert.rejects(readAll(Buffer.concat([head, Buffer.from(data, "hex")])), fails("DI-COMPRESSED-DATA"), data);
    const zeros = deflateRawSync(Buffer.alloc(100));
    await assert.rejects(readAll(Buffer.concat([head, zeros.subarray(0, -1)])), fails("DI-COMPRESSED-DATA"));
  });
});
