import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memorySource, openDisk, openFat, type PartitionTable, readPartitions, sliceSource } from "@signet/disk-image";
import { buildFat } from "./recipes/fat-recipe.ts";
import { buildIso, type IsoEntry, type IsoOptions } from "./recipes/iso-recipe.ts";

const KIB = 1024;
const tableOf = async (iso: Uint8Array, sectorSizeBytes: number): Promise<PartitionTable> => readPartitions(await openDisk(memorySource(iso), { sectorSizeBytes }));
const fat = buildFat({ kind: "fat12", files: { "EFI/BOOT/BOOTX64.EFI": Buffer.from("loader") } });
const bios: IsoEntry = { image: Buffer.alloc(2048, 0x90), sectorCount: 4 };
const efi: IsoEntry = { image: fat, sectorCount: 0 };
/** Sizes of the images that firmware offers, in KiB. */
async function sizesOf(options: IsoOptions, sectorSizeBytes = 2048): Promise<readonly number[] | string> {
  const { partitioning, partitions } = await tableOf(buildIso(options), sectorSizeBytes);
  return partitioning === "el-torito" ? partitions.map(({ sizeBytes }) => sizeBytes / KIB) : partitioning;
}

describe("El Torito", () => {
  test("offers the images of all sections, whatever platform they are for", async () => {
    const iso = buildIso({ entries: [bios], sections: [{ platform: 0, entries: [bios] }, { platform: 0xef, entries: [efi, bios] }] });
    const table = await tableOf(iso, 2048);
    assert.deepEqual(table.partitions.map(({ number }) => number), [1, 2, 3, 4]);
    const volume = table.partitions[2];
    assert.ok(volume !== undefined);
    const disk = await openDisk(memorySource(iso), { sectorSizeBytes: 2048 });
    assert.ok((await (await openFat(sliceSource(disk.content, volume.offset, volume.sizeBytes), 2048))?.find("\\EFI\\BOOT\\BOOTX64.EFI")) != null);
  });

  test("passes over entries that do not boot", async () => {
    assert.deepEqual(await sizesOf({ entries: [{ ...bios, indicator: 0 }, bios] }), [2]);
    assert.equal(await sizesOf({ entries: [{ ...bios, indicator: 0 }] }), "none");
  });

  test("looks at no more of the catalogue than one block of the device", async () => {
    const many = { entries: Array.from({ length: 20 }, () => bios) };
    assert.equal((await sizesOf(many, 2048)).length, 20);
    assert.equal((await sizesOf(many, 512)).length, 15);
    assert.equal(await sizesOf(many, 4096), "none");
  });

  test("wants a right checksum", async () => {
    assert.equal(await sizesOf({ entries: [bios], isChecksumRight: false }), "none");
  });

  test("counts sectors of images without emulation in blocks of a CD, of emulated ones in firmware's own way", async () => {
    const room: IsoEntry = { image: Buffer.alloc(16 * 1024 * KIB) };
    const size = async (entry: Partial<IsoEntry>, sectorSizeBytes: number): Promise<unknown> => sizesOf({ entries: [{ ...room, ...entry }] }, sectorSizeBytes);
    assert.deepEqual(await size({ sectorCount: 100 }, 2048), [200]);
    assert.deepEqual(await size({ sectorCount: 100 }, 512), [200]);
    assert.deepEqual(await size({ mediaType: 3 }, 2048), [2880]);
    assert.deepEqual(await size({ mediaType: 3 }, 512), [4 * 2880]);
    assert.deepEqual(await size({ mediaType: 4, sectorCount: 100 }, 2048), [50]);
    assert.deepEqual(await size({ mediaType: 4, sectorCount: 100 }, 512), [200]);
    assert.deepEqual(await size({ mediaType: 0xf4, sectorCount: 100 }, 2048), [50]);
  });

  test("an image of one sector or none, or of a kind that does not exist, reaches to the end of the volume", async () => {
    const entry = { image: Buffer.alloc(64 * KIB) };
    for (const more of [{ sectorCount: 0 }, { sectorCount: 1 }, { sectorCount: 9, mediaType: 7 }]) assert.deepEqual(await sizesOf({ entries: [{ ...entry, ...more }, bios] }), [66, 8].map((size, index) => (index === 0 ? size : 2)));
    assert.deepEqual(await sizesOf({ entries: [entry], volumeBlocks: 24 }), [8]);
    assert.deepEqual(await sizesOf({ entries: [entry], volumeBlocks: 100_000 }), [64]);
    assert.deepEqual(await sizesOf({ entries: [entry], volumeBlocks: 0 }), [64]);
  });
});
