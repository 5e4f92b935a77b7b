import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ByteSource, type DiskImageCode, DiskImageError, memorySource, openDisk } from "@signet/disk-image";
import { buildVhd } from "./recipes/vhd-recipe.ts";
import { buildVhdx, crc32c, vhdxBlockOffset } from "./recipes/vhdx-recipe.ts";

const MIB = 1024 * 1024;
const pattern = (sizeBytes: number, seed = 1): Buffer => Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 7 + (index >> 9) * seed) & 0xff));
const contentOf = async (source: ByteSource): Promise<Buffer> => Buffer.from(await source.read(0, source.sizeBytes));
const failsWith = (code: DiskImageCode) => (error: unknown): boolean => error instanceof DiskImageError && error.code === code;

/** Three blocks of 1 MiB, the middle one empty. */
const threeBlocks = Buffer.concat([pattern(MIB), Buffer.alloc(MIB), pattern(MIB, 3)]);

describe("VHDX", () => {
  test("shows the content of a dynamic disk, absent blocks as zeros", async () => {
    const disk = await openDisk(memorySource(buildVhdx({ content: threeBlocks })));
    assert.deepEqual([disk.format, disk.variant, disk.sectorSizeBytes], ["vhdx", "dynamic", 512]);
    assert.ok((await contentOf(disk.content)).equals(threeBlocks));
    assert.deepEqual(Buffer.from(await disk.content.read(MIB - 3, 6)), threeBlocks.subarray(MIB - 3, MIB + 3));
  });

  test("records sectors of 4096 bytes", async () => {
    const disk = await openDisk(memorySource(buildVhdx({ content: threeBlocks, sectorBytes: 4096 })));
    assert.equal(disk.sectorSizeBytes, 4096);
    assert.ok((await contentOf(disk.content)).equals(threeBlocks));
  });

  test("reads blocks that are marked as zero or unmapped as zeros", async () => {
    const disk = await openDisk(memorySource(buildVhdx({ content: threeBlocks, states: { 0: 2, 2: 3 } })));
    assert.ok((await contentOf(disk.content)).every((byte) => byte === 0));
  });

  test("goes by the second header when the first is blank, and refuses when both are torn", async () => {
    const file = buildVhdx({ content: threeBlocks });
    file.fill(0, 64 * 1024, 68 * 1024);
    assert.ok((await contentOf((await openDisk(memorySource(file))).content)).equals(threeBlocks));
    file.writeUInt8(0xff, 128 * 1024 + 20);
    await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHDX-HEADER"));
  });

  test("goes by the second region table when the first is torn, and refuses when both are", async () => {
    const file = buildVhdx({ content: threeBlocks });
    file.writeUInt8(0xff, 192 * 1024 + 40);
    assert.equal((await openDisk(memorySource(file))).content.sizeBytes, threeBlocks.length);
    file.writeUInt8(0xff, 256 * 1024 + 40);
    await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHDX-REGION"));
  });

  test("refuses a damaged identifier by name", async () => {
    const file = buildVhdx({ content: threeBlocks });
    file.write("damaged!", 0);
    await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHDX-IDENTIFIER"));
  });

  test("shows the disk as it is after its pending log", async () => {
    const repaired = pattern(4096, 9);
    const wanted = Buffer.from(threeBlocks);
    wanted.set(repaired, 8192);
    const file = buildVhdx({ content: threeBlocks, log: [{ fileOffset: vhdxBlockOffset(0) + 8192, data: repaired }] });
    assert.ok((await contentOf((await openDisk(memorySource(file))).content)).equals(wanted));
  });

  test("refuses a pending log whose only entry is torn", async () => {
    const file = buildVhdx({ content: threeBlocks, log: [{ fileOffset: vhdxBlockOffset(0), data: pattern(4096) }] });
    file.writeUInt8(file.readUInt8(MIB + 5000) ^ 1, MIB + 5000);
    await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHDX-LOG"));
  });

  test("refuses a differencing VHDX without its parent, and with another than its own", async () => {
    const child = memorySource(buildVhdx({ content: threeBlocks, parent: { identity: "00000000-1111-2222-3333-444444444444", ownSectors: () => true } }));
    await assert.rejects(openDisk(child), failsWith("DI-PARENT-MISSING"));
    await assert.rejects(openDisk(child, { parents: [memorySource(buildVhdx({ content: threeBlocks }))] }), failsWith("DI-PARENT-OTHER"));
  });

  test("reads a differencing VHDX sector by sector over its parent", async () => {
    const identity = "00000000-1111-2222-3333-444444444444";
    const below = pattern(3 * MIB, 5);
    const parent = memorySource(buildVhdx({ content: below, identity }));
    const ownSectors = (sector: number): boolean => sector < 3000 && sector % 3 === 0;
    const child = memorySource(buildVhdx({ content: threeBlocks, parent: { identity, ownSectors } }));
    const wanted = Buffer.from(below);
    for (let sector = 0; sector * 512 < wanted.length; sector += 1) if (ownSectors(sector)) wanted.set(threeBlocks.subarray(sector * 512, sector * 512 + 512), sector * 512);
    const disk = await openDisk(child, { parents: [parent] });
    assert.equal(disk.variant, "differencing");
    assert.ok((await contentOf(disk.content)).equals(wanted));
    assert.deepEqual(Buffer.from(await disk.content.read(1000, 1500)), wanted.subarray(1000, 2500));
  });

  test("a chain that leads in a circle is named, before its own disk is opened again", async () => {
    const identity = "00000000-1111-2222-3333-444444444444";
    const own = memorySource(buildVhdx({ content: threeBlocks, identity, parent: { identity, ownSectors: () => true } }));
    await assert.rejects(openDisk(own, { parents: [own] }), failsWith("DI-PARENT-CYCLE"));
  });

  test("blocks that lie on headers and tables, and tables that are too short or lie on each other, are refused", async () => {
    const bat = 3 * MIB;
    for (const place of [0, 1, 2, 3]) {
      const file = buildVhdx({ content: threeBlocks, log: [{ fileOffset: vhdxBlockOffset(0), data: pattern(4096) }] });
      file.writeBigUInt64LE((BigInt(place) << 20n) | 6n, bat);
      await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHDX-BLOCK"), `block at ${place} MiB`);
    }
    const region = (change: (table: Buffer) => void): Buffer => {
      const file = buildVhdx({ content: threeBlocks });
      for (const offset of [192 * 1024, 256 * 1024]) {
        const table = file.subarray(offset, offset + 65536);
        change(table);
        table.writeUInt32LE(0, 4);
        table.writeUInt32LE(crc32c(table), 4);
      }
      return file;
    };
    const entry = 16;
    for (const change of [(table: Buffer) => table.writeBigUInt64LE(BigInt(2 * MIB), entry + 16), (table: Buffer) => table.writeUInt32LE(8, entry + 24), (table: Buffer) => table.copy(table, entry + 32, entry, entry + 32), (table: Buffer) => table.writeUInt32LE(3000, 8), (table: Buffer) => table.fill(7, entry, entry + 16), (table: Buffer) => table.writeUInt32LE(1, 8)]) await assert.rejects(openDisk(memorySource(region(change))), failsWith("DI-VHDX-REGION"));
  });

  test("metadata that contradicts itself is refused", async () => {
    const metadata = (change: (file: Buffer, region: number, items: number) => void): Buffer => {
      const file = buildVhdx({ content: threeBlocks });
      change(file, 2 * MIB, 2 * MIB + 65536);
      return file;
    };
    const changes: readonly ((file: Buffer, region: number, items: number) => void)[] = [
      (file, _, items) => file.writeUInt32LE(3 * MIB, items),
      (file, _, items) => file.writeUInt32LE(512 * MIB, items),
      (file, _, items) => file.writeBigUInt64LE(0n, items + 8),
      (file, _, items) => file.writeBigUInt64LE(2n ** 50n, items + 8),
      (file, _, items) => file.writeBigUInt64LE(1000n, items + 8),
      (file, _, items) => file.writeUInt32LE(2048, items + 16),
      (file, region) => file.writeUInt16LE(3000, region + 10),
      (file, region) => file.writeUInt32LE(0xfffffff0, region + 32 + 16),
      (file, region) => file.fill(9, region + 32, region + 48),
      (file, region) => file.write("nothing!", region),
    ];
    for (const change of changes) await assert.rejects(openDisk(memorySource(metadata(change))), failsWith("DI-VHDX-METADATA"), String(change));
    const long = metadata((file, _, items) => file.writeBigUInt64LE(2n ** 45n, items + 8));
    await assert.rejects(openDisk(memorySource(long)), failsWith("DI-VHDX-REGION"));
  });

  test("a file that is cut off is named as such", async () => {
    const file = buildVhdx({ content: threeBlocks });
    await assert.rejects(openDisk(memorySource(file.subarray(0, file.length - MIB))), failsWith("DI-READ-OUTSIDE"));
  });
});

describe("VHD", () => {
  test("shows the content of fixed and dynamic disks", async () => {
    for (const kind of ["fixed", "dynamic"] as const) {
      const disk = await openDisk(memorySource(buildVhd({ content: threeBlocks, kind })));
      assert.deepEqual([disk.format, disk.variant], ["vhd", kind]);
      assert.ok((await contentOf(disk.content)).equals(threeBlocks), kind);
    }
  });

  test("reads a differencing VHD sector by sector over its parent, and refuses others by name", async () => {
    const below = pattern(threeBlocks.length, 5);
    const ownSectors = (sector: number): boolean => sector < 3000 && sector % 3 === 0;
    const parent = { identity: "0a".repeat(16), name: "\\\\server\\share\\parent.vhd", ownSectors };
    const child = memorySource(buildVhd({ content: threeBlocks, kind: "differencing", parent }));
    const wanted = Buffer.from(below);
    for (let sector = 0; sector * 512 < wanted.length; sector += 1) if (ownSectors(sector)) wanted.set(threeBlocks.subarray(sector * 512, sector * 512 + 512), sector * 512);
    const disk = await openDisk(child, { parents: [memorySource(buildVhd({ content: below, kind: "dynamic", identity: parent.identity }))] });
    assert.equal(disk.variant, "differencing");
    assert.ok((await contentOf(disk.content)).equals(wanted));
    assert.deepEqual(Buffer.from(await disk.content.read(1000, 1500)), wanted.subarray(1000, 2500));
    await assert.rejects(openDisk(child), (error: unknown) => failsWith("DI-PARENT-MISSING")(error) && (error as Error).message.includes('"\\\\\\\\server\\\\share\\\\parent.vhd"'));
    await assert.rejects(openDisk(child, { parents: [memorySource(buildVhd({ content: below, kind: "dynamic" }))] }), failsWith("DI-PARENT-OTHER"));
    const own = memorySource(buildVhd({ content: threeBlocks, kind: "differencing", identity: parent.identity, parent }));
    await assert.rejects(openDisk(own, { parents: [own] }), failsWith("DI-PARENT-CYCLE"));
  });

  test("a file that has lost a block, and one whose block lies on its footer, are named", async () => {
    const file = buildVhd({ content: threeBlocks, kind: "dynamic" });
    await assert.rejects(openDisk(memorySource(file.subarray(0, file.length - 1024))), failsWith("DI-READ-OUTSIDE"));
    file.writeUInt32BE(0, 1536);
    const disk = await openDisk(memorySource(file));
    await assert.rejects(disk.content.read(0, 512), failsWith("DI-VHD-BLOCK"));
  });

  test("headers and footers that contradict themselves are named", async () => {
    const damage = (offset: number, checksumOffset: number, length: number, change: (file: Buffer) => void): Buffer => {
      const file = buildVhd({ content: threeBlocks, kind: "dynamic" });
      change(file);
      file.writeUInt32BE(0, offset + checksumOffset);
      file.writeUInt32BE(~file.subarray(offset, offset + length).reduce((sum, byte) => sum + byte, 0) >>> 0, offset + checksumOffset);
      return file.subarray(0, file.length - 512);
    };
    const footer = (change: (file: Buffer) => void): Buffer => damage(0, 64, 512, change);
    const header = (change: (file: Buffer) => void): Buffer => damage(512, 36, 1024, change);
    for (const file of [footer((bytes) => bytes.writeUInt32BE(7, 60)), footer((bytes) => bytes.writeBigUInt64BE(0n, 48)), footer((bytes) => bytes.writeBigUInt64BE(1000n, 48)), footer((bytes) => bytes.writeBigUInt64BE(2n ** 50n, 48))]) await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHD-FOOTER"));
    for (const file of [header((bytes) => bytes.writeUInt32BE(1, 512 + 28)), header((bytes) => bytes.writeUInt32BE(1000, 512 + 32)), footer((bytes) => bytes.writeBigUInt64BE(2n ** 40n, 16)), footer((bytes) => bytes.writeUInt8(1, 600))]) await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHD-HEADER"));
  });

  test("takes the footer's copy at the front when the one at the end is torn", async () => {
    const file = buildVhd({ content: threeBlocks, kind: "dynamic" });
    file.writeUInt8(0xff, file.length - 400);
    assert.ok((await contentOf((await openDisk(memorySource(file))).content)).equals(threeBlocks));
    file.writeUInt8(0xff, 100);
    await assert.rejects(openDisk(memorySource(file)), failsWith("DI-VHD-FOOTER"));
  });
});

describe("other inputs", () => {
  test("an empty file, and one of a format that is not read, are named", async () => {
    await assert.rejects(openDisk(memorySource(new Uint8Array(0))), failsWith("DI-EMPTY"));
    const encrypted = Buffer.alloc(4096);
    encrypted.write("LUKS\xba\xbe", 0, "latin1");
    await assert.rejects(openDisk(memorySource(encrypted)), (error: unknown) => failsWith("DI-FORMAT-UNREADABLE")(error) && /luks/.test((error as Error).message));
  });

  test("refuses a sector size that no disk has", async () => {
    await assert.rejects(openDisk(memorySource(Buffer.alloc(4096)), { sectorSizeBytes: 1000 }), failsWith("DI-SECTOR-SIZE"));
  });

  test("never crashes on a container with flipped bytes", async () => {
    const original = buildVhdx({ content: threeBlocks.subarray(0, MIB), log: [{ fileOffset: vhdxBlockOffset(0), data: pattern(4096) }] });
    let state = 20260101;
    const random = (limit: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % limit;
    for (let round = 0; round < 200; round += 1) {
      const place = [random(4096), 65536 + random(8192), 131072 + random(4096), MIB + random(8192), 2 * MIB + random(70_000), 3 * MIB + random(64)][random(6)] ?? 0;
      const before = original.readUInt8(place);
      original.writeUInt8(random(256), place);
      try {
        const disk = await openDisk(memorySource(original));
        await disk.content.read(0, Math.min(disk.content.sizeBytes, 4096));
      } catch (error) {
        assert.ok(error instanceof DiskImageError, `seed 20260101, round ${round}: ${String(error)}`);
      }
      original.writeUInt8(before, place);
    }
  });
});
