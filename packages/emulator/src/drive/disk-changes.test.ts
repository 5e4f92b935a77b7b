import assert from "node:assert/strict";
import { readdir, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { areIdentical, at, diskLab, refusal, signal } from "./test-drive.ts";
import type { DiskFormat } from "./virtual-disks.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

for (const from of ["fixed.vhd", "dynamic.vhd", "fixed.vhdx", "dynamic.vhdx"]) {
  test(`converts a disk of kind ${from} to every other kind, with its content and a new identity`, async (context) => {
    const { disks, write, raw, make } = await diskLab(context);
    const size = 70 * MIB + 512;
    await make(from, from.startsWith("fixed") ? "fixed" : "dynamic", size);
    await write(from, "write -P 0x11 0 512", "write -P 0x22 2096640 2M", `write -P 0x33 ${size - 512} 512`);
    const before = await raw(from);
    for (const format of ["vhd", "vhdx"] as DiskFormat[]) {
      for (const type of ["fixed", "dynamic"] as const) {
        const name = `to-${type}.${format}`;
        await disks.convert(at(from), { path: at(name), format, type, sizeBytes: 99 * GIB }, signal);
        assert.ok(await areIdentical(before, await raw(name)));
        assert.notEqual((await disks.settings(at(name), signal)).virtualDiskId, (await disks.settings(at(from), signal)).virtualDiskId);
        await disks.validate(at(name), signal);
      }
    }
  });
}

test("a large disk with little in it is converted without taking room", async (context) => {
  const { disks, write, local, make } = await diskLab(context);
  await make("a.vhdx", "fixed", 200 * GIB);
  await write("a.vhdx", "write -P 0x44 190G 1M", "write -P 0x45 4608 512");
  await disks.convert(at("a.vhdx"), { path: at("b.vhdx"), format: "vhdx", type: "fixed", sizeBytes: 0 }, signal);
  assert.equal((await stat(local("b.vhdx"))).size, (await stat(local("a.vhdx"))).size);
  assert.ok((await stat(local("b.vhdx"))).blocks * 512 < 8 * MIB);
  await write("b.vhdx", "read -P 0x44 190G 1M", "read -P 0x45 4608 512", "read -P 0 5G 1M");
});

test("a conversion that is ended leaves nothing", async (context) => {
  const { disks, write, make, drive } = await diskLab(context);
  await make("a.vhdx", "dynamic", GIB);
  await write("a.vhdx", "write -P 0x44 0 200M");
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(disks.convert(at("a.vhdx"), { path: at("b.vhdx"), format: "vhdx", type: "dynamic", sizeBytes: 0 }, controller.signal), { name: "AbortError" });
  assert.deepEqual(await readdir(join(drive.root, "disks")), ["a.vhdx"]);
  assert.equal((await disks.state(at("a.vhdx"), signal)).inUse, false);
});

for (const extension of ["vhd", "vhdx"]) {
  test(`a differencing ${extension} takes a guest's writes into its own file and leaves its parent alone`, async (context) => {
    const { disks, write, raw, make, local } = await diskLab(context);
    const [base, child, grandchild] = [`base.${extension}`, `child.${extension}`, `grand.${extension}`];
    await make(base, "dynamic", 64 * MIB);
    await write(base, "write -P 0x11 0 8M", "write -P 0x12 40M 1M");
    await make(child, "differencing", 0, base);
    const parentBefore = await readFile(local(base));
    assert.ok(await areIdentical(await raw(base), await raw(child)));
    await write(child, "write -P 0x21 512 512", "write -P 0x22 1M 3M", "write -P 0x23 63M 1M", "write -z 40M 512k");
    await write(child, "read -P 0x11 0 512", "read -P 0x21 512 512", "read -P 0x11 1k 1023k", "read -P 0x22 1M 3M", "read -P 0 40M 512k", "read -P 0x12 41472k 512k", "read -P 0x23 63M 1M");
    await make(grandchild, "differencing", 0, child);
    await write(grandchild, "write -P 0x31 1536 512", "read -P 0x21 512 512", "read -P 0x31 1536 512", "read -P 0x11 2k 512", "read -P 0 50M 1M");
    await disks.validate(at(grandchild), signal);
    assert.deepEqual(await readFile(local(base)), parentBefore);
    const { type, parentPath, sizeBytes, blockSizeBytes } = await disks.settings(at(grandchild), signal);
    assert.deepEqual({ type, parentPath, sizeBytes, blockSizeBytes }, { type: "differencing", parentPath: at(child), sizeBytes: 64 * MIB, blockSizeBytes: 2 * MIB });
  });

  test(`a chain of ${extension} disks is converted to one, and merged into any of its ancestors`, async (context) => {
    const { disks, write, raw, make } = await diskLab(context);
    const names = ["base", "one", "two", "three"].map((name) => `${name}.${extension}`);
    const [base = "", one = "", two = "", three = ""] = names;
    await make(base, "dynamic", 64 * MIB);
    await write(base, "write -P 1 0 16M");
    for (const [index, name] of [one, two, three].entries()) {
      await make(name, "differencing", 0, names[index]);
      await write(name, `write -P ${index + 2} ${index + 1}M ${6 - index}M`, `write -P ${index + 2} ${30 + index}M 512`);
    }
    const wanted = await raw(three);
    await disks.convert(at(three), { path: at(`flat.${extension}`), format: extension as DiskFormat, type: "fixed", sizeBytes: 0 }, signal);
    assert.ok(await areIdentical(wanted, await raw(`flat.${extension}`)));
    await disks.merge(at(three), at(one), signal);
    assert.ok(await areIdentical(wanted, await raw(one)));
    assert.ok(await areIdentical(wanted, await raw(three)));
    await disks.merge(at(one), at(base), signal);
    assert.ok(await areIdentical(wanted, await raw(base)));
    await disks.validate(at(base), signal);
    await assert.rejects(disks.merge(at(base), at(three), signal), refusal(32773, /not an ancestor/));
  });
}

test("after a merge other children of the parent are cut off, as their ground has moved", async (context) => {
  const { disks, write, make } = await diskLab(context);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await make("a.vhdx", "differencing", 0, "base.vhdx");
  await make("b.vhdx", "differencing", 0, "base.vhdx");
  await write("a.vhdx", "write -P 7 0 1M");
  await disks.merge(at("a.vhdx"), at("base.vhdx"), signal);
  await assert.rejects(disks.validate(at("b.vhdx"), signal), refusal(32768, /chain .* is broken: "C:\\disks\\base.vhdx" has been changed/));
  await disks.validate(at("a.vhdx"), signal);
});

test("a child of a parent that was written to is refused until it is told to accept it", async (context) => {
  const { disks, write, make } = await diskLab(context);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await make("child.vhdx", "differencing", 0, "base.vhdx");
  await write("base.vhdx", "write -P 9 0 512");
  await assert.rejects(disks.runtimeDisk(at("child.vhdx")), refusal(32768, /chain .* is broken/));
  await assert.rejects(disks.setParent(at("child.vhdx"), at("base.vhdx"), signal), refusal(32768, /has changed since/));
  await disks.setParent(at("child.vhdx"), at("base.vhdx"), signal, { ignoreIdMismatch: true });
  await write("child.vhdx", "read -P 9 0 512");
});

test("a parent that was moved is found again once the child is told where it is", async (context) => {
  const { disks, drive, write, make, local } = await diskLab(context);
  for (const extension of ["vhd", "vhdx"]) {
    await make(`base.${extension}`, "dynamic", 64 * MIB);
    await write(`base.${extension}`, "write -P 5 0 512");
    await make(`child.${extension}`, "differencing", 0, `base.${extension}`);
    await drive.makeFolder("C:\\base disks");
    await rename(local(`base.${extension}`), join(drive.root, "base disks", `moved.${extension}`));
    await assert.rejects(disks.validate(at(`child.${extension}`), signal), refusal(32779, /The parent of .* is missing. It was at C:\\disks\\base/));
    await disks.setParent(at(`child.${extension}`), `C:\\base disks\\moved.${extension}`, signal);
    assert.equal((await disks.settings(at(`child.${extension}`), signal)).parentPath, `C:\\base disks\\moved.${extension}`);
    await write(`child.${extension}`, "read -P 5 0 512");
  }
});

test("refuses parents of another format, size, sector size, and chains that bite their tail", async (context) => {
  const { disks, make } = await diskLab(context);
  await make("base.vhd", "dynamic", 64 * MIB);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await disks.create({ path: at("big.vhdx"), format: "vhdx", type: "dynamic", sizeBytes: 64 * MIB, logicalSectorBytes: 4096 }, signal);
  await make("child.vhdx", "differencing", 0, "base.vhdx");
  const child = { path: at("x.vhdx"), format: "vhdx", type: "differencing", sizeBytes: 0 } as const;
  await assert.rejects(disks.create({ ...child, parentPath: at("base.vhd") }, signal), refusal(32773, /has the format of its parent/));
  await assert.rejects(disks.create({ ...child, parentPath: at("base.vhdx"), sizeBytes: 32 * MIB }, signal), refusal(32773, /cannot be smaller/));
  await assert.rejects(disks.create({ ...child, parentPath: at("base.vhdx"), logicalSectorBytes: 4096 }, signal), refusal(32773, /sectors of 512/));
  await assert.rejects(disks.create({ ...child, parentPath: at("missing.vhdx") }, signal), refusal(32779, /missing.vhdx" does not exist/));
  await assert.rejects(disks.setParent(at("child.vhdx"), at("big.vhdx"), signal, { ignoreIdMismatch: true }), refusal(32773, /another format, size or sector size/));
  await assert.rejects(disks.setParent(at("child.vhdx"), at("child.vhdx"), signal, { ignoreIdMismatch: true }), refusal(32774, /in use/));
  await make("grand.vhdx", "differencing", 0, "child.vhdx");
  await assert.rejects(disks.setParent(at("child.vhdx"), at("grand.vhdx"), signal, { ignoreIdMismatch: true }), refusal(32774, /in use/));
});
