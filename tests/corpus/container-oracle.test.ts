import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as fc from "fast-check";
import { type DiskVariant, memorySource, openDisk } from "@signet/disk-image";
import { convertImage, createImage, hasQemuImg, type ImageWrite, writeImage } from "./recipes/qemu-recipe.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SEED = Number(process.env["SIGNET_SEED"] ?? 20261125);
const isAll = process.env["SIGNET_TEST_ALL"] === "1";
/** Each case runs three or four processes of some 30 ms. */
const CASES = isAll ? 150 : 4;
/** A sweep outlives what a single test may take. */
const TIMEOUT_MS = 20 * 60 * 1000;
const SIZE_BYTES_MAX = 24 * MIB;
const replay = `Replay with SIGNET_SEED=${SEED} ./signet test container-oracle`;

interface OracleFormat {
  /** As qemu-img calls it. */
  readonly format: string;
  /** Options for qemu-img's -o. */
  readonly options: fc.Arbitrary<Readonly<Record<string, string | number>>>;
  /** Made by converting (possibly compressing) a raw disk, or by writing into an empty image. */
  readonly route: "convert" | "convert compressed" | "write";
  readonly variant: DiskVariant | null;
}

const constant = (value: string | number): fc.Arbitrary<string | number> => fc.constant(value);
const onOff = fc.constantFrom("on", "off");
const clusterSizes = fc.integer({ min: 9, max: 21 }).map((bits) => 2 ** bits);
const qcow2Version3 = fc.record({ compat: constant("1.1"), cluster_size: clusterSizes, lazy_refcounts: onOff, refcount_bits: fc.constantFrom(1, 8, 16, 64), preallocation: fc.constantFrom("off", "off", "metadata") }, { requiredKeys: ["compat", "cluster_size"] });
const subclusterSizes = fc.integer({ min: 14, max: 21 }).map((bits) => 2 ** bits);

const formats: Readonly<Record<string, OracleFormat>> = {
  raw: { format: "raw", options: fc.constant({}), route: "write", variant: null },
  "qcow2 of version 2": { format: "qcow2", options: fc.record({ compat: constant("0.10"), cluster_size: clusterSizes }), route: "write", variant: "dynamic" },
  "qcow2 of version 3": { format: "qcow2", options: qcow2Version3, route: "write", variant: "dynamic" },
  "qcow2 with subclusters": { format: "qcow2", options: fc.record({ extended_l2: constant("on"), cluster_size: subclusterSizes }), route: "write", variant: "dynamic" },
  "qcow2 compressed with zlib": { format: "qcow2", options: fc.record({ compression_type: constant("zlib"), cluster_size: clusterSizes }), route: "convert compressed", variant: "dynamic" },
  "qcow2 compressed with zstd": { format: "qcow2", options: fc.record({ compression_type: constant("zstd"), cluster_size: clusterSizes }), route: "convert compressed", variant: "dynamic" },
  "qcow2 with subclusters, compressed": { format: "qcow2", options: fc.record({ compression_type: fc.constantFrom("zlib", "zstd"), extended_l2: constant("on"), cluster_size: subclusterSizes }), route: "convert compressed", variant: "dynamic" },
  "VMDK monolithicSparse": { format: "vmdk", options: fc.record({ subformat: constant("monolithicSparse"), zeroed_grain: onOff, compat6: onOff }), route: "write", variant: "dynamic" },
  "VMDK streamOptimized": { format: "vmdk", options: fc.record({ subformat: constant("streamOptimized") }), route: "convert", variant: "dynamic" },
  qcow: { format: "qcow", options: fc.constant({}), route: "write", variant: "dynamic" },
  QED: { format: "qed", options: fc.record({ cluster_size: fc.integer({ min: 12, max: 20 }).map((bits) => 2 ** bits), table_size: fc.constantFrom(2, 4, 16) }), route: "write", variant: "dynamic" },
  Parallels: { format: "parallels", options: fc.record({ cluster_size: fc.constantFrom(64 * KIB, MIB) }), route: "write", variant: "dynamic" },
  "VDI dynamic": { format: "vdi", options: fc.record({ static: constant("off") }), route: "write", variant: "dynamic" },
  "VDI fixed": { format: "vdi", options: fc.record({ static: constant("on") }), route: "write", variant: "fixed" },
  "VHD dynamic": { format: "vpc", options: fc.record({ subformat: constant("dynamic"), force_size: onOff }), route: "write", variant: "dynamic" },
  "VHD fixed": { format: "vpc", options: fc.record({ subformat: constant("fixed"), force_size: onOff }), route: "write", variant: "fixed" },
  "VHDX dynamic": { format: "vhdx", options: fc.record({ subformat: constant("dynamic"), block_size: fc.constantFrom(MIB, 2 * MIB, 8 * MIB), log_size: constant(MIB), block_state_zero: onOff }), route: "write", variant: "dynamic" },
  "VHDX fixed": { format: "vhdx", options: fc.record({ subformat: constant("fixed"), block_size: fc.constantFrom(MIB, 2 * MIB), log_size: constant(MIB) }), route: "write", variant: "fixed" },
};

/** Sizes in sectors; some end in the middle of a cluster, a grain or a block. */
const diskSizes = fc.oneof(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: SIZE_BYTES_MAX / 512 })).map((sectors) => sectors * 512);
const writesOf = (sizeBytes: number): fc.Arbitrary<readonly ImageWrite[]> => {
  const sectors = sizeBytes / 512;
  const write = fc.record({ kind: fc.constantFrom<ImageWrite["kind"]>("data", "data", "data", "zeros", "discard"), first: fc.integer({ min: 0, max: sectors - 1 }), length: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 2048 })) });
  return fc.array(write, { minLength: 1, maxLength: 12 }).map((list) => list.map(({ kind, first, length }) => ({ kind, offset: first * 512, length: Math.min(length, sectors - first) * 512 })));
};
const layouts = diskSizes.chain((sizeBytes) => fc.record({ sizeBytes: fc.constant(sizeBytes), writes: writesOf(sizeBytes), reads: fc.array(fc.record({ at: fc.nat(), length: fc.integer({ min: 0, max: 300_000 }) }), { minLength: 4, maxLength: 8 }) }));

/** Data of a length that fits no cluster, half of it noise and half of it such that it shrinks. */
function pattern(): Buffer {
  const parts = Array.from({ length: 3001 }, (_, index) => createHash("sha256").update(`${index}`).digest());
  return Buffer.concat(parts.map((part, index) => (index % 64 < 32 ? part : Buffer.from(`${index} of a text that repeats itself`.slice(0, 32)))));
}

let folder = "";
const path = (name: string): string => join(folder, name);

/** Holds what our reader gives, in pieces and as a whole, to the raw image that qemu-img makes. */
async function compare(image: string, raw: Buffer, reads: readonly { readonly at: number; readonly length: number }[], variant: DiskVariant | null, parents: readonly string[] = []): Promise<void> {
  const disk = await openDisk(memorySource(readFileSync(image)), { parents: parents.map((parent) => memorySource(readFileSync(parent))) });
  assert.equal(disk.variant, variant);
  assert.equal(disk.content.sizeBytes, raw.length);
  for (const { at, length } of [...reads, { at: 0, length: raw.length }, { at: raw.length - 1, length: 1 }]) {
    const offset = at % raw.length;
    const part = Math.min(length, raw.length - offset);
    const bytes = await disk.content.read(offset, part);
    assert.ok(raw.subarray(offset, offset + part).equals(bytes), `${part} bytes at ${offset} are different`);
  }
}

const skip = hasQemuImg() ? false : "qemu-img and qemu-io are not installed";

describe("container readers against qemu-img convert", { skip }, () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "signet-oracle-"));
    writeFileSync(path("data"), pattern());
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [name, { format, options, route, variant }] of Object.entries(formats)) {
    test(`reads every layout of ${name} byte for byte`, { timeout: TIMEOUT_MS }, async () => {
      const property = fc.asyncProperty(options, layouts, async (chosen, { sizeBytes, writes, reads }) => {
        const image = path("image");
        if (route === "write") {
          createImage(image, { format, sizeBytes, options: chosen });
          writeImage(image, format, writes, path("data"));
        } else {
          createImage(path("source"), { format: "raw", sizeBytes });
          writeImage(path("source"), "raw", writes, path("data"));
          convertImage(path("source"), "raw", image, { format, options: chosen, isCompressed: route === "convert compressed" });
        }
        convertImage(image, format, path("raw"), { format: "raw" });
        await compare(image, readFileSync(path("raw")), reads, variant);
      });
      await fc.assert(property, { seed: SEED, numRuns: CASES }).catch((error: unknown) => {
        throw new Error(replay, { cause: error });
      });
    });
  }

  for (const [above, below] of [["qcow2", "raw"], ["qcow2", "qcow2"], ["qcow2", "vmdk"], ["qcow2", "vdi"], ["qcow2", "vpc"], ["qcow2", "vhdx"], ["qcow2", "qed"], ["qcow", "qcow2"], ["qed", "vdi"], ["qed", "raw"]] as const) {
    test(`reads a ${above} image over a backing file of ${below}, of whatever size`, { timeout: TIMEOUT_MS }, async () => {
      const property = fc.asyncProperty(layouts, layouts, fc.record({ cluster_size: subclusterSizes, extended_l2: onOff }), async (lower, upper, chosen) => {
        createImage(path("lower"), { format: below, sizeBytes: lower.sizeBytes, options: below === "vpc" ? { force_size: "on" } : {} });
        writeImage(path("lower"), below, lower.writes, path("data"));
        createImage(path("upper"), { format: above, sizeBytes: upper.sizeBytes, options: above === "qcow2" ? chosen : {}, backing: { path: path("lower"), format: below } });
        writeImage(path("upper"), above, upper.writes, path("data"));
        convertImage(path("upper"), above, path("raw"), { format: "raw" });
        await compare(path("upper"), readFileSync(path("raw")), upper.reads, "differencing", [path("lower")]);
      });
      await fc.assert(property, { seed: SEED, numRuns: isAll ? 100 : 2 }).catch((error: unknown) => {
        throw new Error(replay, { cause: error });
      });
    });
  }

  test("reads a VMDK over its parent, and a chain of three qcow2 images", { timeout: TIMEOUT_MS }, async () => {
    const property = fc.asyncProperty(layouts, layouts, async (lower, upper) => {
      createImage(path("lower"), { format: "vmdk", sizeBytes: lower.sizeBytes });
      writeImage(path("lower"), "vmdk", lower.writes, path("data"));
      createImage(path("upper"), { format: "vmdk", sizeBytes: null, backing: { path: path("lower"), format: "vmdk" } });
      writeImage(path("upper"), "vmdk", upper.writes.filter(({ offset, length }) => offset + length <= lower.sizeBytes), path("data"));
      convertImage(path("upper"), "vmdk", path("raw"), { format: "raw" });
      await compare(path("upper"), readFileSync(path("raw")), upper.reads, "differencing", [path("lower")]);
      for (const [name, parent] of [["one", null], ["two", "one"], ["three", "two"]] as const) {
        createImage(path(name), { format: "qcow2", sizeBytes: upper.sizeBytes, ...(parent === null ? {} : { backing: { path: path(parent), format: "qcow2" } }) });
        writeImage(path(name), "qcow2", upper.writes.slice(name.length - 3), path("data"));
      }
      convertImage(path("three"), "qcow2", path("raw"), { format: "raw" });
      await compare(path("three"), readFileSync(path("raw")), upper.reads, "differencing", [path("two"), path("one")]);
    });
    await fc.assert(property, { seed: SEED, numRuns: isAll ? 100 : 3 }).catch((error: unknown) => {
      throw new Error(replay, { cause: error });
    });
  });
});
