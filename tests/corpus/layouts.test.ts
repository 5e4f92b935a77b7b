import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DiskImageError, memorySource, openDisk, openFat, type PartitionTable, readPartitions } from "@signet/disk-image";
import { buildGptDisk, buildMbrDisk } from "./recipes/disk-recipe.ts";
import { buildFat } from "./recipes/fat-recipe.ts";

const part = (fill: number, sectors = 8): Buffer => Buffer.alloc(sectors * 512, fill);
const tableOf = async (disk: Buffer, sectorSizeBytes = 512): Promise<PartitionTable> => readPartitions(await openDisk(memorySource(disk), { sectorSizeBytes }));
const numbers = ({ partitions }: PartitionTable): number[] => partitions.map(({ number }) => number);

describe("GPT", () => {
  test("lists partitions by number, with their place", async () => {
    const table = await tableOf(buildGptDisk({ partitions: [{ content: part(1) }, { content: part(2, 16) }] }));
    assert.deepEqual(table, { partitioning: "gpt", partitions: [{ number: 1, offset: 34 * 512, sizeBytes: 4096 }, { number: 2, offset: 42 * 512, sizeBytes: 8192 }] });
  });

  test("goes by the backup in the last block when the primary is torn, and by nothing when both are", async () => {
    const disk = buildGptDisk({ partitions: [{ content: part(1) }] });
    disk.writeUInt8(0xff, 512 + 60);
    assert.deepEqual(numbers(await tableOf(disk)), [1]);
    disk.writeUInt8(0xff, disk.length - 512 + 60);
    assert.equal((await tableOf(disk)).partitioning, "none");
  });

  test("does not look for the backup anywhere but in the last block", async () => {
    const disk = Buffer.concat([buildGptDisk({ partitions: [{ content: part(1) }] }), Buffer.alloc(4096)]);
    assert.deepEqual(numbers(await tableOf(disk)), [1]);
    disk.writeUInt8(0xff, 512 + 60);
    assert.equal((await tableOf(disk)).partitioning, "none");
  });

  test("needs a protective entry that starts at block 1, in any slot, but not the boot signature", async () => {
    const disk = buildGptDisk({ partitions: [{ content: part(1) }] });
    disk.fill(0, 510, 512);
    assert.equal((await tableOf(disk)).partitioning, "gpt");
    disk.writeUInt32LE(2, 446 + 8);
    assert.equal((await tableOf(disk)).partitioning, "none");
  });

  test("drops both of two overlapping entries, those outside the usable range, and those hidden by attribute bit 1", async () => {
    const overlapping = buildGptDisk({ partitions: [{ content: part(1) }, { content: part(2), start: 36 }, { content: part(3), start: 60 }] });
    assert.deepEqual(numbers(await tableOf(overlapping)), [3]);
    const low = buildGptDisk({ partitions: [{ content: part(1), start: 20 }, { content: part(2), start: 60 }] });
    assert.deepEqual(numbers(await tableOf(low)), [2]);
    const hidden = buildGptDisk({ partitions: [{ content: part(1), attributes: 2n }, { content: part(2), attributes: 1n }] });
    assert.deepEqual(numbers(await tableOf(hidden)), [2]);
  });

  test("is only found in blocks of the size it was written for", async () => {
    const disk = buildGptDisk({ partitions: [{ content: Buffer.alloc(8192) }], sectorBytes: 4096 });
    assert.deepEqual(numbers(await tableOf(disk, 4096)), [1]);
    assert.equal((await tableOf(disk, 512)).partitioning, "none");
  });
});

describe("MBR", () => {
  test("lists partitions of any type", async () => {
    const table = await tableOf(buildMbrDisk([{ type: 0xef, content: part(1) }, { type: 0x83, content: part(2) }]));
    assert.deepEqual([table.partitioning, numbers(table)], ["mbr", [1, 2]]);
  });

  test("is invalid as a whole when two entries overlap, when one leaves the disk, or without its signature", async () => {
    assert.equal((await tableOf(buildMbrDisk([{ type: 0xef, content: part(1) }, { type: 0x83, content: part(2), start: 64 }]))).partitioning, "none");
    assert.equal((await tableOf(buildMbrDisk([{ type: 0xef, content: part(1), sectors: 4000 }]))).partitioning, "none");
    const unsigned = buildMbrDisk([{ type: 0xef, content: part(1) }]);
    unsigned.fill(0, 510, 512);
    assert.equal((await tableOf(unsigned)).partitioning, "none");
  });

  test("finds logical partitions in an extended one", async () => {
    const extended = part(0, 32);
    extended.writeUInt8(0x0c, 446 + 4);
    extended.writeUInt32LE(4, 446 + 8);
    extended.writeUInt32LE(8, 446 + 12);
    extended.writeUInt16LE(0xaa55, 510);
    const table = await tableOf(buildMbrDisk([{ type: 0x05, content: extended }]));
    assert.deepEqual(table.partitions.at(-1), { number: 2, offset: (63 + 4) * 512, sizeBytes: 8 * 512 });
  });
});

describe("FAT", () => {
  const files = { "EFI/BOOT/BOOTX64.EFI": Buffer.alloc(70_000, 7), "EFI/debian/grub-configuration.cfg": Buffer.from("set timeout=0\n"), "EMPTY.TXT": Buffer.alloc(0) };

  test("reads files of all three kinds by long and short names, whatever the case", async () => {
    for (const kind of ["fat12", "fat16", "fat32"] as const) {
      const volume = (await openFat(memorySource(buildFat({ kind, files, hasLongNames: true })), 512)) ?? assert.fail(kind);
      assert.equal(volume.kind, kind);
      const loader = (await volume.find("\\efi\\boot\\bootx64.efi")) ?? assert.fail(kind);
      assert.ok(Buffer.from(await volume.readFile(loader, 100_000)).equals(files["EFI/BOOT/BOOTX64.EFI"]), kind);
      const config = (await volume.find("/EFI/DEBIAN/GRUB-CONFIGURATION.CFG")) ?? assert.fail(kind);
      assert.equal(Buffer.from(await volume.readFile(config, 100)).toString(), "set timeout=0\n");
      assert.equal((await volume.find("\\EFI\\debian\\GRUBCO~1.CFG"))?.name, "grub-configuration.cfg");
      assert.equal(await volume.find("\\EFI\\BOOT\\BOOTIA32.EFI"), null);
      assert.equal(await volume.find("\\EMPTY.TXT\\below"), null);
    }
  });

  test("goes by the number of clusters alone: 4084 are FAT12, 4085 FAT16, and FAT32 needs 65525", async () => {
    const kindOf = async (kind: "fat12" | "fat16" | "fat32", clusters: number): Promise<string | undefined> => (await openFat(memorySource(buildFat({ kind, files: {}, clusters })), 512))?.kind;
    assert.equal(await kindOf("fat12", 4084), "fat12");
    assert.equal(await kindOf("fat16", 4085), "fat16");
    assert.equal(await kindOf("fat16", 4084), "fat12");
    assert.equal(await kindOf("fat16", 65_524), "fat16");
    assert.equal(await kindOf("fat16", 65_525), undefined);
    assert.equal(await kindOf("fat32", 65_524), undefined);
    assert.equal(await kindOf("fat32", 65_525), "fat32");
  });

  test("asks only for what firmware's driver asks for", async () => {
    const opens = async (change: (image: Buffer) => void): Promise<boolean> => {
      const image = buildFat({ kind: "fat16", files });
      change(image);
      return (await openFat(memorySource(image), 512)) !== null;
    };
    assert.equal(await opens((image) => image.fill(0, 0, 11).fill(0, 510, 512)), true, "jump, name and signature");
    assert.equal(await opens((image) => image.writeUInt8(0, 16)), false, "no tables");
    assert.equal(await opens((image) => image.writeUInt8(0x42, 21)), false, "media byte");
    assert.equal(await opens((image) => image.writeUInt8(3, 13)), false, "sectors of a cluster");
    assert.equal(await opens((image) => image.writeUInt16LE(0, 14)), false, "reserved sectors");
  });

  test("names a chain of clusters that ends before its file does", async () => {
    const image = buildFat({ kind: "fat16", files: { "A.BIN": Buffer.alloc(5000, 1) } });
    // Clusters 2 and on; the second table stays whole and is not asked.
    image.writeUInt16LE(0xffff, 512 + 3 * 2);
    const volume = (await openFat(memorySource(image), 512)) ?? assert.fail();
    const entry = (await volume.find("A.BIN")) ?? assert.fail();
    await assert.rejects(volume.readFile(entry, 10_000), (error: unknown) => error instanceof DiskImageError && error.code === "DI-FAT-CHAIN");
    await assert.rejects(volume.readFile(entry, 100), (error: unknown) => error instanceof DiskImageError && error.code === "DI-FAT-TOO-LARGE");
  });
});
