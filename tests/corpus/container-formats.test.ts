import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { type ByteSource, detectFormat, type DiskImageCode, DiskImageError, isReadable, memorySource, openDisk, readPartitions } from "@signet/disk-image";
import { buildGptDisk } from "./recipes/disk-recipe.ts";
import { buildIso } from "./recipes/iso-recipe.ts";
import { buildParallels, buildQcow, buildQed } from "./recipes/older-formats-recipe.ts";
import { buildQcow2, qcow2TailOffset } from "./recipes/qcow2-recipe.ts";
import { buildVdi } from "./recipes/vdi-recipe.ts";
import { buildVhd } from "./recipes/vhd-recipe.ts";
import { buildCowd, buildVmdk, vmdkDescriptor } from "./recipes/vmdk-recipe.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const pattern = (sizeBytes: number, seed = 1): Buffer => Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7 + (index >> 9) * seed) & 0xff));
const contentOf = async (source: ByteSource): Promise<Buffer> => Buffer.from(await source.read(0, source.sizeBytes));
const fails = (code: DiskImageCode, ...words: readonly RegExp[]) => (error: unknown): boolean => {
  assert.ok(error instanceof DiskImageError, String(error));
  assert.equal(error.code, code, error.message);
  for (const word of words) assert.match(error.message, word);
  return true;
};
const open = (bytes: Uint8Array, ...parents: readonly Uint8Array[]): ReturnType<typeof openDisk> => openDisk(memorySource(bytes), { parents: parents.map(memorySource) });

/** Data, a hole, data. */
const content = Buffer.concat([pattern(256 * KIB), Buffer.alloc(MIB - 256 * KIB), pattern(MIB, 3)]);
const COMPRESSED = 1n << 62n;

describe("qcow2", () => {
  test("refuses features that are not known, by the name that the image gives them", async () => {
    const name = Buffer.alloc(48);
    name.set([0, 17]);
    name.write("time travel\n\x1b[31m", 2);
    const names = { type: 0x6803f857, data: name };
    await assert.rejects(open(buildQcow2({ content, incompatible: 1n << 17n, extensions: [names] })), fails("DI-QCOW2-FEATURE", /the feature "time travel\\u\{a\}\\u\{1b\}\[31m"/));
    await assert.rejects(open(buildQcow2({ content, incompatible: 1n << 40n })), fails("DI-QCOW2-FEATURE", /bit 40/));
    const later = buildQcow2({ content });
    later.writeUInt32BE(4, 4);
    await assert.rejects(open(later), fails("DI-QCOW2-FEATURE", /version 4/));
    await assert.rejects(open(buildQcow2({ content, compressionType: 7, incompatible: 8n })), fails("DI-QCOW2-FEATURE", /method 7/));
  });

  test("refuses encryption and a data file by name, and never opens the file", async () => {
    await assert.rejects(open(buildQcow2({ content, encryption: 2 })), fails("DI-QCOW2-ENCRYPTED", /LUKS/));
    await assert.rejects(open(buildQcow2({ content, encryption: 1 })), fails("DI-QCOW2-ENCRYPTED", /AES/));
    await assert.rejects(open(buildQcow2({ content, incompatible: 4n, extensions: [{ type: 0x44415441, data: Buffer.from("/etc/shadow") }] })), fails("DI-QCOW2-EXTERNAL-DATA", /"\/etc\/shadow"/));
  });

  test("names a missing backing file, and reads through the one that is handed over", async () => {
    const upper = buildQcow2({ content, backing: { name: "\\\\server\\share\\base.qcow2" } });
    await assert.rejects(open(upper), fails("DI-PARENT-MISSING", /"\\\\\\\\server\\\\share\\\\base.qcow2"/));
    const below = pattern(MIB, 5);
    const wanted = Buffer.from(content);
    wanted.set(below.subarray(256 * KIB), 256 * KIB);
    const disk = await open(upper, buildQcow2({ content: below }));
    assert.equal(disk.variant, "differencing");
    assert.deepEqual(disk.remarks.map(({ code }) => code), ["DI-PARENT-UNVERIFIED"]);
    assert.ok((await contentOf(disk.content)).equals(wanted));
  });

  test("takes a backing file for what the image calls it, and refuses another", async () => {
    const below = buildQcow2({ content: pattern(MIB, 5) });
    const disk = await open(buildQcow2({ content: Buffer.alloc(MIB), backing: { name: "base", format: "raw" } }), below);
    assert.deepEqual(Buffer.from(await disk.content.read(0, 4)), Buffer.from("QFI\xfb", "latin1"));
    await assert.rejects(open(buildQcow2({ content, backing: { name: "base", format: "vmdk" } }), below), fails("DI-PARENT-OTHER", /qcow2/));
  });

  test("a chain that is its own parent ends where the parents do", async () => {
    const own = buildQcow2({ content, backing: { name: "self" } });
    await assert.rejects(open(own, own, own), fails("DI-PARENT-MISSING"));
    await assert.rejects(open(own, ...Array.from({ length: 65 }, () => own)), fails("DI-PARENT-OTHER", /65 parents/));
  });

  test("reads an image that was not closed, and remarks on one that is marked as corrupt", async () => {
    const dirty = await open(buildQcow2({ content, incompatible: 1n }));
    assert.deepEqual([dirty.remarks, (await contentOf(dirty.content)).equals(content)], [[], true]);
    assert.deepEqual((await open(buildQcow2({ content, incompatible: 2n }))).remarks.map(({ code }) => code), ["DI-QCOW2-CORRUPT"]);
  });

  test("refuses headers that contradict themselves", async () => {
    const change = (offset: number, value: number): Buffer => {
      const image = buildQcow2({ content });
      image.writeUInt32BE(value, offset);
      return image;
    };
    for (const [offset, value] of [[20, 8], [20, 22], [36, 0], [36, 0xffffffff], [44, 77], [56, 0], [60, 70000], [96, 7], [100, 50], [100, 0x7fffffff]] as const) await assert.rejects(open(change(offset, value)), fails("DI-QCOW2-HEADER"), `${value} at ${offset}`);
    await assert.rejects(open(buildQcow2({ content, virtualSizeBytes: 2 ** 52 })), fails("DI-QCOW2-HEADER", /too short/));
    await assert.rejects(open(buildQcow2({ content, incompatible: 8n })), fails("DI-QCOW2-HEADER", /compression/));
    await assert.rejects(open(buildQcow2({ content, extensions: [{ type: 5, data: Buffer.alloc(8) }] }).fill(0xff, 116, 120)), fails("DI-QCOW2-HEADER", /extension/));
    await assert.rejects(open(buildQcow2({ content }).subarray(0, 60)), fails("DI-QCOW2-HEADER", /cut off/));
  });

  test("refuses clusters that lead to nothing sensible", async () => {
    const read = async (entries: Readonly<Record<number, bigint>>, more: object = {}): Promise<Buffer> => contentOf((await open(buildQcow2({ content, entries, ...more }))).content);
    await assert.rejects(read({ 0: 0x50200n }), fails("DI-QCOW2-CLUSTER", /no whole cluster/));
    await assert.rejects(read({ 0: 1n }, { version: 2 }), fails("DI-QCOW2-CLUSTER", /version 2/));
    await assert.rejects(read({ 0: COMPRESSED | 0xfffffffffffn }), fails("DI-QCOW2-CLUSTER", /behind the end/));
    await assert.rejects(read({ 0: COMPRESSED | BigInt(qcow2TailOffset(20)) }, { tail: Buffer.alloc(512, 0x5a) }), fails("DI-QCOW2-CLUSTER", /decompressed/));
    await assert.rejects(read({ 0: BigInt(qcow2TailOffset(200)) }), fails("DI-READ-OUTSIDE"));
    assert.ok((await read({ 0: 1n, 1: 1n })).subarray(0, 128 * KIB).every((byte) => byte === 0));
  });
});

describe("VMDK", () => {
  test("reads sparse files, streams and an ESX snapshot's extent", async () => {
    for (const image of [buildVmdk({ content }), buildVmdk({ content, isStream: true }), buildCowd(content), buildCowd(content, 128)]) {
      const disk = await open(image);
      assert.deepEqual([disk.format, disk.variant], ["vmdk", "dynamic"]);
      assert.ok((await contentOf(disk.content)).equals(content));
    }
  });

  test("names extents in other files, and never opens them", async () => {
    const flat = { content, createType: "monolithicFlat", extents: ['RW 4096 FLAT "/dev/sda" 0'] };
    await assert.rejects(open(Buffer.from(vmdkDescriptor(flat))), fails("DI-VMDK-EXTENTS", /monolithicFlat/, /"\/dev\/sda"/));
    await assert.rejects(open(buildVmdk(flat)), fails("DI-VMDK-EXTENTS", /"\/dev\/sda"/));
    const split = { content, createType: "twoGbMaxExtentSparse", extents: Array.from({ length: 6 }, (_, index) => `RW 4096 SPARSE "disk-s00${index}.vmdk"`) };
    await assert.rejects(open(Buffer.from(vmdkDescriptor(split))), fails("DI-VMDK-EXTENTS", /and 2 more/));
  });

  test("reads over the parent with the right content id, and refuses others", async () => {
    const below = pattern(content.length, 5);
    const child = buildVmdk({ content, parent: { contentId: "cafe0001", name: "../base.vmdk" } });
    await assert.rejects(open(child), fails("DI-PARENT-MISSING", /cafe0001/, /"\.\.\/base\.vmdk"/));
    await assert.rejects(open(child, buildVmdk({ content: below })), fails("DI-PARENT-OTHER", /12345678/));
    const wanted = Buffer.from(content);
    wanted.set(below.subarray(256 * KIB, MIB), 256 * KIB);
    assert.ok((await contentOf((await open(child, buildVmdk({ content: below, contentId: "cafe0001" }))).content)).equals(wanted));
  });

  test("refuses headers that contradict themselves, and streams that are cut off", async () => {
    const change = (offset: number, value: number): Buffer => {
      const image = buildVmdk({ content });
      image.writeUInt32LE(value, offset);
      return image;
    };
    for (const [offset, value] of [[4, 0], [4, 4], [12, 0], [20, 0], [20, 0x300000], [44, 0], [44, 513], [64, 0xffffff], [77, 2]] as const) await assert.rejects(open(change(offset, value)), fails("DI-VMDK-HEADER"), `${value} at ${offset}`);
    const stream = buildVmdk({ content, isStream: true });
    await assert.rejects(open(stream.subarray(0, stream.length - 512)), fails("DI-VMDK-HEADER", /cut off/));
    await assert.rejects(open(buildCowd(content).fill(0, 24, 28)), fails("DI-VMDK-HEADER", /directory/));
  });

  test("refuses a grain that cannot be decompressed", async () => {
    const stream = buildVmdk({ content, isStream: true });
    stream.fill(0xff, 21 * 512 + 12, 21 * 512 + 20);
    const disk = await open(stream);
    await assert.rejects(disk.content.read(0, 512), fails("DI-VMDK-GRAIN", /decompressed/));
    stream.writeUInt32LE(0xffffff, 21 * 512 + 8);
    await assert.rejects((await open(stream)).content.read(0, 512), fails("DI-VMDK-GRAIN", /claims/));
  });
});

describe("VDI", () => {
  test("reads dynamic and fixed disks", async () => {
    for (const kind of ["dynamic", "fixed"] as const) {
      const disk = await open(buildVdi({ content, kind }));
      assert.deepEqual([disk.format, disk.variant], ["vdi", kind]);
      assert.ok((await contentOf(disk.content)).equals(content));
    }
  });

  test("reads over its parent unchanged, and refuses others and chains in circles", async () => {
    const below = pattern(2 * MIB, 5);
    const upper = Buffer.concat([Buffer.alloc(MIB), pattern(MIB, 3)]);
    const parent = { identity: "33".repeat(16), state: "44".repeat(16) };
    const child = buildVdi({ content: upper, kind: "differencing", parent });
    await assert.rejects(open(child), fails("DI-PARENT-MISSING", /33333333-3333/));
    await assert.rejects(open(child, buildVdi({ content: below, kind: "dynamic" })), fails("DI-PARENT-OTHER", /11111111-1111/));
    await assert.rejects(open(child, buildVdi({ content: below, kind: "dynamic", identity: parent.identity })), fails("DI-PARENT-OTHER", /changed/));
    assert.ok((await contentOf((await open(child, buildVdi({ content: below, kind: "dynamic", ...parent }))).content)).equals(Buffer.concat([below.subarray(0, MIB), upper.subarray(MIB)])));
    const own = buildVdi({ content: upper, kind: "differencing", parent: { identity: "11".repeat(16), state: "22".repeat(16) } });
    await assert.rejects(open(own, own), fails("DI-PARENT-CYCLE", /11111111/));
  });

  test("refuses headers and blocks that lead outside", async () => {
    const change = (offset: number, value: number): Buffer => {
      const image = buildVdi({ content, kind: "dynamic" });
      image.writeUInt32LE(value, offset);
      return image;
    };
    for (const [offset, value] of [[0x44, 0x10000], [0x4c, 3], [0x154, 100], [0x154, 0], [0x158, 513], [0x168, 4096], [0x178, 1000], [0x178, 0x40000000], [0x180, 1], [0x180, 0x7fffffff]] as const) await assert.rejects(open(change(offset, value)), fails("DI-VDI-HEADER"), `${value} at ${offset}`);
    const lost = await open(change(512, 500));
    await assert.rejects(lost.content.read(0, 512), fails("DI-VDI-BLOCK", /cut off/));
  });
});

describe("older formats", () => {
  test("reads qcow, its compressed clusters and what lies below, QED and both kinds of Parallels images", async () => {
    for (const [image, format] of [[buildQcow(content), "qcow"], [buildQcow(content, { isCompressed: true }), "qcow"], [buildQed(content), "qed"], [buildParallels(content), "parallels"], [buildParallels(content, false), "parallels"]] as const) {
      const disk = await open(image);
      assert.deepEqual([disk.format, disk.variant], [format, "dynamic"]);
      assert.ok((await contentOf(disk.content)).equals(content), format);
    }
    const upper = buildQcow(content, { backing: "base" });
    await assert.rejects(open(upper), fails("DI-PARENT-MISSING", /"base"/));
    const below = pattern(content.length, 5);
    assert.ok((await contentOf((await open(upper, below)).content)).subarray(256 * KIB, MIB).equals(below.subarray(256 * KIB, MIB)));
  });

  test("refuses headers that contradict themselves", async () => {
    const change = (image: Buffer, offset: number, value: number): Buffer => {
      image.writeUInt32BE(value, offset);
      return image;
    };
    for (const [offset, value] of [[32, 0x08090000], [32, 0x0c050000], [24, 0x7fffffff], [28, 1], [16, 5000]] as const) await assert.rejects(open(change(buildQcow(content, { backing: "base" }), offset, value)), fails("DI-QCOW-HEADER"), `${value} at ${offset}`);
    await assert.rejects(open(change(buildQcow(content), 36, 1)), fails("DI-QCOW-ENCRYPTED"));
    for (const [offset, value] of [[4, 0], [8, 0x03000000], [8, 0x20000000], [16, 0x08000000], [48, 0x01010101], [52, 0xffffffff]] as const) await assert.rejects(open(change(buildQed(content), offset, value)), fails("DI-QED-HEADER"), `${value} at ${offset}`);
    for (const [offset, value] of [[16, 0], [28, 0], [28, 0xffffffff], [40, 0xffffffff]] as const) await assert.rejects(open(change(buildParallels(content), offset, value)), fails("DI-PARALLELS-HEADER"), `${value} at ${offset}`);
  });

  test("refuses a cluster of a qcow image that cannot be decompressed", async () => {
    const image = buildQcow(content, { isCompressed: true });
    image.fill(0xff, image.readUInt32BE(4096 + 4), image.readUInt32BE(4096 + 4) + 8);
    await assert.rejects((await open(image)).content.read(0, 512), fails("DI-QCOW-CLUSTER", /decompressed/));
  });
});

describe("files that are two disks", () => {
  const disk = buildGptDisk({ partitions: [{ content: pattern(64 * KIB) }] });

  test("a container with a partition table, an ISO image or a footer of its own is refused", async () => {
    const withTable = buildQcow2({ content });
    withTable.set(disk.subarray(446, 1024), 446);
    await assert.rejects(open(withTable), fails("DI-TWO-FORMATS", /qcow2/, /partition table/));
    const withIso = buildVmdk({ content });
    withIso.set(buildIso({ entries: [{ image: Buffer.alloc(2048) }] }).subarray(0x8000, 0x8800), 0x8000);
    await assert.rejects(open(withIso), fails("DI-TWO-FORMATS", /vmdk/, /ISO/));
    const fixed = buildVhd({ content: Buffer.concat([buildVdi({ content, kind: "dynamic" })]), kind: "fixed" });
    await assert.rejects(open(fixed), fails("DI-TWO-FORMATS", /vdi/, /fixed VHD/));
  });

  test("a VHD whose two footers disagree is refused", async () => {
    const dynamic = buildVhd({ content, kind: "dynamic" });
    const footer = buildVhd({ content: disk, kind: "fixed" }).subarray(-512);
    dynamic.set(footer, dynamic.length - 512);
    await assert.rejects(open(dynamic), fails("DI-TWO-FORMATS", /type 2/, /type 3/));
  });

  test("a disk image inside a fixed VHD, and an ISO image with a partition table, are one disk", async () => {
    assert.equal((await open(buildVhd({ content: disk, kind: "fixed" }))).format, "vhd");
    const hybrid = Buffer.concat([buildIso({ entries: [{ image: Buffer.alloc(2048) }] }), Buffer.alloc(MIB)]);
    hybrid.set(disk.subarray(0, 1024), 0);
    assert.equal((await open(hybrid)).format, "iso");
  });
});

test("what is detected and can be opened agree for every format", async () => {
  const samples: Readonly<Record<string, Buffer>> = { qcow2: buildQcow2({ content }), vmdk: buildVmdk({ content }), vdi: buildVdi({ content, kind: "dynamic" }), vhd: buildVhd({ content, kind: "dynamic" }), raw: content, iso: buildIso({ entries: [{ image: Buffer.alloc(2048) }] }), qcow: buildQcow(content), qed: buildQed(content), parallels: buildParallels(content) };
  for (const [format, image] of Object.entries(samples)) {
    assert.equal(await detectFormat(memorySource(image)), format);
    assert.deepEqual([isReadable(await detectFormat(memorySource(image))), (await open(image)).format], [true, format]);
  }
  for (const [beginning, format] of [["LUKS\xba\xbe", "luks"], ["BZh9", "bzip2"], ["PK\x03\x04", "zip"]] as const) {
    const image = Buffer.alloc(4096);
    image.write(beginning, 0, "latin1");
    assert.deepEqual([await detectFormat(memorySource(image)), isReadable(format)], [format, false]);
    await assert.rejects(open(image), fails("DI-FORMAT-UNREADABLE", new RegExp(format)));
  }
});

test("a partition table that claims more entries than anybody writes is refused", async () => {
  const disk = buildGptDisk({ partitions: [{ content: pattern(64 * KIB) }] });
  const header = disk.subarray(512, 512 + 92);
  header.writeUInt32LE(1_000_000, 80);
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header), 16);
  const opened = await open(disk);
  await assert.rejects(readPartitions(opened), fails("DI-GPT-TOO-LARGE", /128000000/));
});

test("every code of the reader is given somewhere and held by a test", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const textsOf = (folder: string, isWanted: (path: string) => boolean): readonly string[] => readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).filter(isWanted).map((path) => readFileSync(`${root}${folder}/${path}`, "utf8"));
  const codes = [...readFileSync(`${root}packages/disk-image/src/disk-image-error.ts`, "utf8").matchAll(/\| "(DI-[A-Z0-9-]+)"/g)].map(([, code]) => code ?? "");
  assert.ok(codes.length > 30);
  const sources = textsOf("packages/disk-image/src", (path) => path.endsWith(".ts") && path !== "disk-image-error.ts").concat(textsOf("packages/secure-boot/src", (path) => path === "inspect.ts"));
  const tests = textsOf("tests/corpus", (path) => path.endsWith(".test.ts"));
  for (const [what, texts] of [["given nowhere", sources], ["held by no test", tests]] as const) assert.deepEqual(codes.filter((code) => !texts.some((text) => text.includes(`"${code}"`))), [], what);
});
