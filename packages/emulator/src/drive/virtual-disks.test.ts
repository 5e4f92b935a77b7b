import assert from "node:assert/strict";
import { mkdir, readdir, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { qemuTool, refusal, signal, testDrive } from "./test-drive.ts";
import { VirtualDisks } from "./virtual-disks.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const guid = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;

test("makes disks of every size that QEMU reads as they were asked for, and that take no room", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  for (const format of ["vhd", "vhdx"] as const) {
    for (const type of ["fixed", "dynamic"] as const) {
      for (const sizeBytes of [3 * MIB, 10 * MIB + 512, 5 * GIB, 200 * GIB]) {
        const path = `C:\\disks\\${type}-${sizeBytes}.${format}`;
        await disks.create({ path, format, type, sizeBytes }, signal);
        const local = join(drive.root, "disks", `${type}-${sizeBytes}.${format}`);
        const driver = format === "vhd" ? "vpc" : "vhdx";
        const seen = JSON.parse(await qemuTool("qemu-img", "info", "--output=json", "--image-opts", `driver=${driver},${format === "vhd" ? "force_size_calc=current_size," : ""}file.filename=${local}`)) as { "virtual-size": number };
        assert.equal(seen["virtual-size"], sizeBytes, path);
        const settings = await disks.settings(path, signal);
        assert.match(settings.virtualDiskId, guid);
        assert.deepEqual({ ...settings, virtualDiskId: "" }, {
          path, format, type, parentPath: null, sizeBytes, virtualDiskId: "", logicalSectorBytes: 512, physicalSectorBytes: format === "vhd" ? 512 : 4096,
          blockSizeBytes: type === "fixed" ? 0 : format === "vhd" ? 2 * MIB : 32 * MIB,
        });
        assert.ok((await stat(local)).blocks * 512 < 6 * MIB);
        await disks.validate(path, signal);
      }
    }
  }
});

test("qemu-img finds nothing wrong with a new VHDX of any block size and sector size that it knows", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  for (const blockSizeBytes of [MIB, 2 * MIB, 256 * MIB]) {
    const path = `C:\\disks\\b${blockSizeBytes}.vhdx`;
    await disks.create({ path, format: "vhdx", type: "dynamic", sizeBytes: 40 * GIB, blockSizeBytes, physicalSectorBytes: 512 }, signal);
    assert.match(await qemuTool("qemu-img", "check", "-f", "vhdx", join(drive.root, "disks", `b${blockSizeBytes}.vhdx`)), /No errors/);
    assert.deepEqual([(await disks.settings(path, signal)).blockSizeBytes, (await disks.settings(path, signal)).physicalSectorBytes], [blockSizeBytes, 512]);
  }
});

test("reads the headers of disks that QEMU made", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  const make = (file: string, driver: string, options: string) => qemuTool("qemu-img", "create", "-f", driver, "-o", options, join(drive.root, "disks", file), "6G");
  await make("d.vhdx", "vhdx", "subformat=dynamic");
  await make("f.vhdx", "vhdx", "subformat=fixed");
  await make("d.vhd", "vpc", "subformat=dynamic,force_size=on");
  await make("f.vhd", "vpc", "subformat=fixed,force_size=on");
  const facts = async (file: string) => {
    const { format, type, sizeBytes } = await disks.settings(`C:\\disks\\${file}`, signal);
    await disks.validate(`C:\\disks\\${file}`, signal);
    return [format, type, sizeBytes];
  };
  assert.deepEqual(await facts("d.vhdx"), ["vhdx", "dynamic", 6 * GIB]);
  assert.deepEqual(await facts("f.vhdx"), ["vhdx", "fixed", 6 * GIB]);
  assert.deepEqual(await facts("d.vhd"), ["vhd", "dynamic", 6 * GIB]);
  assert.deepEqual(await facts("f.vhd"), ["vhd", "fixed", 6 * GIB]);
});

test("refuses what Hyper-V refuses to make, and leaves no file behind", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  const vhdx = { path: "C:\\disks\\a.vhdx", format: "vhdx", type: "dynamic", sizeBytes: GIB } as const;
  const cases: [Parameters<VirtualDisks["create"]>[0], RegExp][] = [
    [{ ...vhdx, sizeBytes: 0 }, /3 MiB to 64 TiB/],
    [{ ...vhdx, sizeBytes: Number.NaN }, /3 MiB to 64 TiB/],
    [{ ...vhdx, sizeBytes: -GIB }, /3 MiB to 64 TiB/],
    [{ ...vhdx, sizeBytes: GIB + 1 }, /whole sectors/],
    [{ ...vhdx, sizeBytes: GIB + 512, logicalSectorBytes: 4096 }, /whole sectors/],
    [{ ...vhdx, sizeBytes: 65 * 1024 ** 4 }, /64 TiB/],
    [{ ...vhdx, blockSizeBytes: 3 * MIB }, /power of two/],
    [{ ...vhdx, logicalSectorBytes: 1024 }, /512 or 4096/],
    [{ ...vhdx, logicalSectorBytes: 4096, physicalSectorBytes: 512 }, /physical/],
    [{ ...vhdx, format: "vhd" }, /ending has to be .vhd/],
    [{ ...vhdx, path: "C:\\disks\\a.vhd", format: "vhd", sizeBytes: 2041 * GIB }, /2040 GiB/],
    [{ ...vhdx, path: "C:\\disks\\a.vhd", format: "vhd", logicalSectorBytes: 4096 }, /Use the VHDX format/],
    [{ ...vhdx, path: "C:\\disks\\a.img" }, /end in .vhd or .vhdx/],
    [{ ...vhdx, type: "differencing" }, /needs a parent/],
    [{ ...vhdx, parentPath: "C:\\disks\\p.vhdx" }, /Only a differencing disk/],
  ];
  for (const [settings, message] of cases) await assert.rejects(disks.create(settings, signal), refusal(32773, message), JSON.stringify(settings));
  await assert.rejects(disks.create({ ...vhdx, path: "C:\\nowhere\\a.vhdx" }, signal), refusal(32779, /folder of .* does not exist/));
  assert.deepEqual(await readdir(join(drive.root, "disks")), []);
});

test("does not write over a file that exists", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  await writeFile(join(drive.root, "disks", "Taken.vhdx"), "precious");
  await assert.rejects(disks.create({ path: "c:\\DISKS\\taken.VHDX", format: "vhdx", type: "dynamic", sizeBytes: GIB }, signal), refusal(32768, /exists already/));
  assert.equal((await stat(join(drive.root, "disks", "Taken.vhdx"))).size, 8);
});

test("keeps every path inside the drive", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  await mkdir(join(drive.root, "..", "outside"));
  await symlink(join(drive.root, "..", "outside"), join(drive.root, "link"));
  const hostile = ["C:\\..\\outside\\a.vhdx", "C:\\disks\\..\\..\\a.vhdx", "\\\\server\\share\\a.vhdx", "D:\\a.vhdx", "a.vhdx", "C:\\link\\a.vhdx", "C:\\disks\\nul.vhdx", "C:\\disks\\a.vhdx:b.vhdx", "C:\\a\0.vhdx", `C:\\${"x\\".repeat(5000)}a.vhdx`, "\\\\.\\pipe\\a.vhdx", "/etc/a.vhdx"];
  for (const path of hostile) await assert.rejects(disks.create({ path, format: "vhdx", type: "dynamic", sizeBytes: GIB }, signal), refusal(32773, /./), path);
  assert.deepEqual(await readdir(join(drive.root, "..", "outside")), []);
  assert.deepEqual(await readdir(join(drive.root, "..")), ["c", "outside"]);
});

test("says of nonsense what it is not", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  const local = (name: string) => join(drive.root, "disks", name);
  await writeFile(local("text.vhdx"), "this is text\n".repeat(200_000));
  await writeFile(local("empty.vhd"), "");
  await writeFile(local("text.vhd"), "x".repeat(4096));
  await mkdir(local("folder.vhdx"));
  await disks.create({ path: "C:\\disks\\good.vhdx", format: "vhdx", type: "fixed", sizeBytes: 40 * MIB }, signal);
  await disks.create({ path: "C:\\disks\\good.vhd", format: "vhd", type: "fixed", sizeBytes: 40 * MIB }, signal);
  await truncate(local("good.vhdx"), 20 * MIB);
  await truncate(local("good.vhd"), 20 * MIB);
  for (const name of ["text.vhdx", "empty.vhd", "text.vhd", "good.vhd"]) {
    const path = `C:\\disks\\${name}`;
    for (const work of [() => disks.settings(path, signal), () => disks.state(path, signal), () => disks.validate(path, signal), () => disks.runtimeDisk(path)]) {
      await assert.rejects(work, refusal(32768, /is not a VHDX? virtual hard disk/), name);
    }
  }
  await assert.rejects(disks.settings("C:\\disks\\folder.vhdx", signal), refusal(32768, /cannot be opened|is not a VHDX/));
  await assert.rejects(disks.validate("C:\\disks\\good.vhdx", signal), refusal(32768, /said to lie at byte/));
  await assert.rejects(disks.settings("C:\\disks\\missing.vhdx", signal), refusal(32779, /"C:\\disks\\missing.vhdx" does not exist/));
});

test("a disk that is named for the other format is not taken for what its name says", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  await qemuTool("qemu-img", "create", "-f", "vhdx", join(drive.root, "disks", "a.vhd"), "64M");
  await assert.rejects(disks.settings("C:\\disks\\a.vhd", signal), refusal(32768, /is not a VHD virtual hard disk/));
});

test("damaged tables are told by their checksums, and one good copy is enough", async (context) => {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  const path = "C:\\disks\\a.vhdx";
  const local = join(drive.root, "disks", "a.vhdx");
  await disks.create({ path, format: "vhdx", type: "dynamic", sizeBytes: GIB }, signal);
  const spoil = (offset: number) => qemuTool("qemu-io", "-f", "raw", "-c", `write -P 0xff ${offset} 512`, local);
  await spoil(128 * 1024);
  await spoil(192 * 1024);
  assert.equal((await disks.settings(path, signal)).sizeBytes, GIB);
  await spoil(64 * 1024);
  await assert.rejects(disks.settings(path, signal), refusal(32768, /headers has a right checksum/));
});

test("an ended signal ends the work before it begins", async (context) => {
  const disks = new VirtualDisks(await testDrive(context));
  await assert.rejects(disks.create({ path: "C:\\disks\\a.vhdx", format: "vhdx", type: "dynamic", sizeBytes: GIB }, AbortSignal.abort()), { name: "AbortError" });
});
