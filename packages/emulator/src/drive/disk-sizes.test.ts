import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { stat, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { areIdentical, at, diskLab, qemuTool, refusal, signal } from "./test-drive.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** A raw disk with one partition that ends before the sector given. */
async function writeMbrDisk(path: string, sizeBytes: number, endSector: number): Promise<void> {
  const first = Buffer.alloc(512);
  first[450] = 0x0c;
  first.writeUInt32LE(2048, 454);
  first.writeUInt32LE(endSector - 2048, 458);
  first.writeUInt16LE(0xaa55, 510);
  await writeFile(path, first);
  await truncate(path, sizeBytes);
}

test("grows every kind of disk, over a table that is too small and back into use, without losing a byte", async (context) => {
  const { disks, write, make } = await diskLab(context);
  await disks.create({ path: at("small-blocks.vhdx"), format: "vhdx", type: "dynamic", sizeBytes: 64 * MIB, blockSizeBytes: MIB }, signal);
  await make("dynamic.vhd", "dynamic", 64 * MIB);
  await make("fixed.vhd", "fixed", 64 * MIB);
  await make("fixed.vhdx", "fixed", 64 * MIB);
  for (const name of ["small-blocks.vhdx", "dynamic.vhd", "fixed.vhd", "fixed.vhdx"]) {
    await write(name, "write -P 0x51 0 1M", "write -P 0x52 63M 1M");
    await disks.resize(at(name), 300 * GIB, signal);
    assert.equal((await disks.settings(at(name), signal)).sizeBytes, 300 * GIB);
    await write(name, "read -P 0x51 0 1M", "read -P 0x52 63M 1M", "read -P 0 64M 4M", "read -P 0 299G 4M", "write -P 0x53 299G 1M");
    await write(name, "read -P 0x53 299G 1M", "read -P 0x52 63M 1M");
    await disks.validate(at(name), signal);
  }
});

test("a differencing disk grows beyond its parent, and reads zeros there", async (context) => {
  const { disks, write, make } = await diskLab(context);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await write("base.vhdx", "write -P 3 62M 2M");
  await make("child.vhdx", "differencing", 0, "base.vhdx");
  await disks.resize(at("child.vhdx"), 20 * GIB, signal);
  await write("child.vhdx", "read -P 3 62M 2M", "read -P 0 64M 1M", "write -P 4 19G 512", "read -P 4 19G 512");
  await disks.merge(at("child.vhdx"), at("base.vhdx"), signal);
  await write("base.vhdx", "read -P 3 62M 2M", "read -P 0 64M 1M", "read -P 4 19G 512");
});

test("shrinks a VHDX to where its last partition ends, and no further", async (context) => {
  const { disks, write, local } = await diskLab(context);
  await writeMbrDisk(local("mbr.raw"), 200 * MIB, 65_536);
  for (const subformat of ["dynamic", "fixed"]) {
    const name = `${subformat}.vhdx`;
    await qemuTool("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o", `subformat=${subformat}`, local("mbr.raw"), local(name));
    await write(name, "write -P 0x66 60M 100M");
    assert.equal((await disks.state(at(name), signal)).minInternalSizeBytes, 32 * MIB);
    await assert.rejects(disks.resize(at(name), 32 * MIB - 512, signal), refusal(32773, /smaller than 33554432 bytes/));
    const sizeBytes = (await stat(local(name))).size;
    await disks.resize(at(name), 70 * MIB, signal);
    assert.ok((await stat(local(name))).size < sizeBytes);
    await write(name, "read -P 0x66 60M 10M");
    await disks.resize(at(name), 200 * MIB, signal);
    await write(name, "read -P 0x66 60M 10M", "read -P 0 70M 130M");
    await disks.validate(at(name), signal);
  }
});

test("refuses to shrink what could lose something", async (context) => {
  const { disks, make } = await diskLab(context);
  await make("blank.vhdx", "dynamic", 200 * MIB);
  await make("old.vhd", "dynamic", 200 * MIB);
  await make("child.vhdx", "differencing", 0, "blank.vhdx");
  await assert.rejects(disks.resize(at("blank.vhdx"), 100 * MIB, signal), refusal(32773, /no partition table/));
  await assert.rejects(disks.resize(at("old.vhd"), 100 * MIB, signal), refusal(32770, /can only grow: it is a VHD/));
  await assert.rejects(disks.resize(at("child.vhdx"), 100 * MIB, signal), refusal(32770, /can only grow: it is a differencing disk/));
  for (const size of [0, -1, 1.5, 100 * MIB + 1, Number.NaN]) await assert.rejects(disks.resize(at("blank.vhdx"), size, signal), refusal(32773, /not a size/));
});

test("the smallest size of a disk with a GPT leaves room for the table's second copy", async (context) => {
  const { disks, local } = await diskLab(context);
  await writeFile(local("gpt.raw"), "");
  await truncate(local("gpt.raw"), 100 * MIB);
  await promisify(execFile)("sgdisk", ["-n", "1:2048:65535", "-n", "5:70000:99999", local("gpt.raw")]);
  await qemuTool("qemu-img", "convert", "-f", "raw", "-O", "vhdx", local("gpt.raw"), local("gpt.vhdx"));
  assert.deepEqual(await disks.state(at("gpt.vhdx"), signal), { fileSizeBytes: (await stat(local("gpt.vhdx"))).size, inUse: false, minInternalSizeBytes: (100_000 + 33) * 512 });
});

test("compacting drops blocks of zeros and keeps content, identity and children", async (context) => {
  const { disks, write, raw, make, local } = await diskLab(context);
  for (const extension of ["vhd", "vhdx"]) {
    const [base, child] = [`base.${extension}`, `child.${extension}`];
    await make(base, "dynamic", 300 * MIB);
    await write(base, "write -P 0x71 0 80M", "write -P 0x72 280M 1M", "write -z 32M 48M");
    await make(child, "differencing", 0, base);
    await write(child, "write -P 0x73 0 1M", "write -z 4M 1M");
    const [wanted, settings, sizeBytes] = [await raw(child), await disks.settings(at(base), signal), (await stat(local(base))).size];
    await disks.compact(at(base), 0, signal);
    await disks.compact(at(child), 0, signal);
    assert.ok((await stat(local(base))).size < sizeBytes - 30 * MIB);
    assert.deepEqual(await disks.settings(at(base), signal), settings);
    await disks.validate(at(child), signal);
    assert.ok(await areIdentical(wanted, await raw(child)));
  }
  await make("fixed.vhdx", "fixed", 64 * MIB);
  await assert.rejects(disks.compact(at("fixed.vhdx"), 0, signal), refusal(32770, /fixed disk/));
  await assert.rejects(disks.compact(at("base.vhdx"), 9, signal), refusal(32773, /mode 9/));
});
