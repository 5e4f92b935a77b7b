import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { memorySource } from "@signet/disk-image";
import { type ImageReport, inspectImage } from "@signet/secure-boot";
import { makeAuthority } from "./recipes/authority-recipe.ts";
import { buildBootDisk, buildTrust } from "./recipes/boot-disk-recipe.ts";
import { buildIso } from "./recipes/iso-recipe.ts";
import { buildParallels, buildQcow, buildQed } from "./recipes/older-formats-recipe.ts";
import { buildProgram, signProgram } from "./recipes/program-recipe.ts";
import { buildQcow2 } from "./recipes/qcow2-recipe.ts";
import { buildVdi } from "./recipes/vdi-recipe.ts";
import { buildVhd } from "./recipes/vhd-recipe.ts";
import { buildVhdx } from "./recipes/vhdx-recipe.ts";
import { buildVmdk } from "./recipes/vmdk-recipe.ts";

const MIB = 1024 * 1024;
const root = makeAuthority({ name: "Container Root", isCa: true });
const signed = buildBootDisk(signProgram(buildProgram(), { signer: root }));
/** Whole blocks of every format. */
const disk = Buffer.concat([signed, Buffer.alloc(Math.ceil(signed.length / MIB) * MIB - signed.length)]);
const inspect = (bytes: Uint8Array, options: object = {}): Promise<ImageReport> => inspectImage(memorySource(bytes), { file: "disk", trusts: [buildTrust({ db: [root] })], firmware: "edk2-2026.08", ...options });

describe("one bootable disk in every container", () => {
  const images: Readonly<Record<string, Buffer>> = {
    raw: disk,
    vhdx: buildVhdx({ content: disk }),
    vhd: buildVhd({ content: disk, kind: "dynamic" }),
    qcow2: buildQcow2({ content: disk }),
    vmdk: buildVmdk({ content: disk, isStream: true }),
    vdi: buildVdi({ content: disk, kind: "dynamic" }),
    qcow: buildQcow(disk, { isCompressed: true }),
    qed: buildQed(disk),
    parallels: buildParallels(disk),
    gzip: gzipSync(disk),
    zstd: zstdCompressSync(buildVhdx({ content: disk })),
  };
  for (const [format, image] of Object.entries(images)) {
    test(`boots from ${format}, with nothing left open`, async () => {
      const report = await inspect(image);
      assert.deepEqual([report.format.detected, report.format.virtualSizeBytes, report.verdicts.map(({ outcome }) => outcome)], [format, disk.length, ["boots"]]);
    });
  }

  test("boots from the image of a boot catalogue", async () => {
    const volume = disk.subarray(34 * 512, disk.length);
    const report = await inspect(buildIso({ entries: [{ image: volume }] }), { sectorSizeBytes: 2048 });
    assert.deepEqual([report.format.detected, report.layout.partitioning, report.verdicts[0]?.outcome], ["iso", "el-torito", "boots"]);
  });
});

describe("what leaves the verdict open", () => {
  const codeOf = async (image: Uint8Array, options: object = {}): Promise<string | undefined> => {
    const [verdict] = (await inspect(image, options)).verdicts;
    assert.equal(verdict?.outcome, "unknown");
    return verdict.because[0]?.code;
  };

  test("is named, and not taken for a broken disk", async () => {
    assert.equal(await codeOf(buildQcow2({ content: disk, backing: { name: "base.qcow2" } })), "DI-PARENT-MISSING");
    assert.equal(await codeOf(buildQcow2({ content: disk, incompatible: 1n << 9n })), "DI-QCOW2-FEATURE");
    assert.equal(await codeOf(buildQcow2({ content: disk, incompatible: 4n })), "DI-QCOW2-EXTERNAL-DATA");
    assert.equal(await codeOf(buildVmdk({ content: disk, extents: ['RW 1 FLAT "x" 0'] })), "DI-VMDK-EXTENTS");
    assert.equal(await codeOf(gzipSync(gzipSync(disk))), "DI-COMPRESSED-NESTED");
    const two = buildQcow2({ content: disk });
    two.set(disk.subarray(446, 1024), 446);
    assert.equal(await codeOf(two), "DI-TWO-FORMATS");
  });

  test("holds as well for what is met only when the loader is read", async () => {
    assert.equal(await codeOf(zstdCompressSync(disk), { bytesReadMax: 3000 }), "DI-READ-BUDGET");
  });

  test("does not keep remarks of the container from the report", async () => {
    const report = await inspect(buildQcow2({ content: Buffer.alloc(disk.length), backing: { name: "base", format: "raw" }, incompatible: 2n }), { parents: [memorySource(disk)] });
    assert.deepEqual([report.verdicts[0]?.outcome, report.warnings.map(({ code }) => code)], ["boots", ["DI-QCOW2-CORRUPT", "DI-PARENT-UNVERIFIED"]]);
  });
});
