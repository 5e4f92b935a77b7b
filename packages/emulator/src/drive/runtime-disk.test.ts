import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FirmwareMachine } from "../machine/firmware-machine.ts";
import { setChecksum } from "./disk/crc32c.ts";
import { at, diskLab, qemuTool, refusal, signal } from "./test-drive.ts";

const KIB = 1024;
const MIB = 1024 ** 2;

/** A boot sector that writes itself to the disk's second sector through the BIOS, and halts. */
const selfWriting = Buffer.alloc(512);
selfWriting.set([0x31, 0xc0, 0x8e, 0xc0, 0xbb, 0x00, 0x7c, 0xb8, 0x01, 0x03, 0xb9, 0x02, 0x00, 0xb6, 0x00, 0xcd, 0x13, 0xf4, 0xeb, 0xfd]);
selfWriting.writeUInt16LE(0xaa55, 510);

test("a machine boots from a differencing disk, and what it writes is in the disk's own file", async (context) => {
  const { disks, drive, make, raw, local } = await diskLab(context);
  await writeFile(local("boot.raw"), Buffer.concat([selfWriting, Buffer.alloc(8 * MIB - 512)]));
  await qemuTool("qemu-img", "convert", "-f", "raw", "-O", "vhdx", local("boot.raw"), local("base.vhdx"));
  await make("child.vhdx", "differencing", 0, "base.vhdx");
  const disk = await disks.runtimeDisk(at("child.vhdx"));
  context.after(() => disk.release());
  assert.deepEqual([disk.format, (await disks.state(at("child.vhdx"), signal)).inUse, (await disks.state(at("base.vhdx"), signal)).inUse], ["raw", true, true]);
  const machine = new FirmwareMachine("0F0F0F0F-1111-2222-3333-444444444444", join(drive.root, "..", "machine"), { stopped: () => {} }, 0);
  context.after(() => machine.turnOff());
  const sizeBytes = (await stat(local("child.vhdx"))).size;
  await machine.start({ generation: 1, cpuCount: 1, memoryBytes: 64 * MIB, firmware: null, disks: [{ path: disk.path, format: disk.format, media: "disk", bus: "ide", unit: 0 }], nics: [], serialPort: false });
  for (let waited = 0; (await stat(local("child.vhdx"))).size === sizeBytes && waited < 60_000; waited += 100) await sleep(100);
  await machine.turnOff();
  await disk.release();
  assert.deepEqual([(await disks.state(at("child.vhdx"), signal)).inUse, (await disks.state(at("base.vhdx"), signal)).inUse], [false, false]);
  await disks.validate(at("child.vhdx"), signal);
  assert.deepEqual((await readFile(await raw("child.vhdx"))).subarray(0, 1024), Buffer.concat([selfWriting, selfWriting]));
  assert.deepEqual((await readFile(await raw("base.vhdx"))).subarray(512, 1024), Buffer.alloc(512));
});

test("QEMU opens fixed and dynamic disks itself, and DVD images", async (context) => {
  const { disks, make, local } = await diskLab(context);
  await make("a.vhdx", "dynamic", 64 * MIB);
  await make("a.vhd", "fixed", 64 * MIB);
  await writeFile(local("Setup.ISO"), Buffer.alloc(4096));
  const opened = [];
  for (const name of ["a.vhdx", "a.vhd", "setup.iso"]) {
    const { path, format, logicalSectorBytes } = await disks.runtimeDisk(at(name));
    opened.push({ path, format, logicalSectorBytes });
  }
  assert.deepEqual(opened, [
    { path: local("a.vhdx"), format: "vhdx", logicalSectorBytes: 512 },
    { path: local("a.vhd"), format: "vpc", logicalSectorBytes: 512 },
    { path: local("Setup.ISO"), format: "raw", logicalSectorBytes: 2048 },
  ]);
  await disks.close();
  assert.equal((await disks.state(at("a.vhd"), signal)).inUse, false);
});

test("a disk has one machine; a parent or a DVD image may have many readers and no writer", async (context) => {
  const { disks, make, local } = await diskLab(context);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await make("a.vhdx", "differencing", 0, "base.vhdx");
  await make("b.vhdx", "differencing", 0, "base.vhdx");
  await writeFile(local("dvd.iso"), "");
  const first = await disks.runtimeDisk(at("a.vhdx"));
  const second = await disks.runtimeDisk(at("b.vhdx"));
  const dvds = [await disks.runtimeDisk(at("dvd.iso")), await disks.runtimeDisk(at("dvd.iso"))];
  const inUse = refusal(32774, /is in use/);
  await assert.rejects(disks.runtimeDisk(at("A.VHDX")), inUse);
  await assert.rejects(disks.runtimeDisk(at("base.vhdx")), inUse);
  await assert.rejects(disks.resize(at("a.vhdx"), 128 * MIB, signal), inUse);
  await assert.rejects(disks.convert(at("a.vhdx"), { path: at("c.vhdx"), format: "vhdx", type: "fixed", sizeBytes: 0 }, signal), inUse);
  await assert.rejects(disks.merge(at("a.vhdx"), at("base.vhdx"), signal), inUse);
  await disks.convert(at("base.vhdx"), { path: at("c.vhdx"), format: "vhdx", type: "fixed", sizeBytes: 0 }, signal);
  assert.equal((await disks.settings(at("a.vhdx"), signal)).type, "differencing");
  for (const disk of [first, second, ...dvds, first]) await disk.release();
  await disks.resize(at("base.vhdx"), 128 * MIB, signal);
  await assert.rejects(disks.runtimeDisk(at("missing.iso")), refusal(32779, /missing.iso" does not exist/));
});

test("a disk with sectors of 4096 bytes is served in whole sectors", async (context) => {
  const { disks, write } = await diskLab(context);
  await disks.create({ path: at("a.vhdx"), format: "vhdx", type: "dynamic", sizeBytes: 64 * MIB, logicalSectorBytes: 4096 }, signal);
  await write("a.vhdx", "write -P 1 0 4096", "write -P 2 5000 100", "read -P 1 0 4096", "read -P 0 4096 904", "read -P 2 5000 100");
  await disks.create({ path: at("b.vhdx"), format: "vhdx", type: "differencing", sizeBytes: 0, parentPath: at("a.vhdx") }, signal);
  assert.deepEqual([(await disks.settings(at("b.vhdx"), signal)).logicalSectorBytes, (await disks.settings(at("b.vhdx"), signal)).physicalSectorBytes], [4096, 4096]);
  await write("b.vhdx", "write -P 3 4096 4096", "read -P 1 0 4096", "read -P 3 4096 4096", "read -P 0 8192 4096");
});

test("a log that a killed writer left is done before anything else reads the disk", async (context) => {
  const { disks, write, local } = await diskLab(context);
  await qemuTool("qemu-img", "create", "-f", "vhdx", local("a.vhdx"), "400M");
  await qemuTool("qemu-io", "-f", "vhdx", "-c", "write -P 0x61 0 1M", "-c", "write -P 0x62 100M 1M", "-c", "write -P 0x63 300M 1M", local("a.vhdx"));
  // As a kill between log and table leaves it: the table lacks what only the log says, and both headers name the log.
  const bytes = await readFile(local("a.vhdx"));
  const tableOffset = [192 * KIB + 16, 192 * KIB + 48].find((entry) => bytes.readUInt32LE(entry) === 0x2dc27766);
  assert.ok(tableOffset !== undefined);
  bytes.fill(0, Number(bytes.readBigUInt64LE(tableOffset + 16)), Number(bytes.readBigUInt64LE(tableOffset + 16)) + 4 * KIB);
  const entry = bytes.lastIndexOf("loge", 2 * MIB - 1, "latin1");
  assert.ok(entry >= MIB);
  for (const header of [64 * KIB, 128 * KIB]) {
    bytes.copy(bytes, header + 48, entry + 32, entry + 48);
    setChecksum(bytes.subarray(header, header + 4 * KIB), 4);
  }
  await writeFile(local("a.vhdx"), bytes);
  await writeFile(local("by-qemu.vhdx"), bytes);
  assert.equal((await disks.settings(at("a.vhdx"), signal)).sizeBytes, 400 * MIB);
  assert.deepEqual(await readFile(local("a.vhdx")), bytes);
  await disks.convert(at("a.vhdx"), { path: at("b.vhdx"), format: "vhdx", type: "dynamic", sizeBytes: 0 }, signal);
  const patterns = ["read -P 0x61 0 1M", "read -P 0x62 100M 1M", "read -P 0x63 300M 1M", "read -P 0 1M 1M"];
  await qemuTool("qemu-io", "-f", "vhdx", ...patterns.flatMap((pattern) => ["-c", pattern]), local("by-qemu.vhdx"));
  await write("b.vhdx", ...patterns);
  await write("a.vhdx", ...patterns);
  await disks.validate(at("a.vhdx"), signal);
});

test("a log that is torn is no reason to guess", async (context) => {
  const { disks, make, local } = await diskLab(context);
  await make("a.vhdx", "dynamic", 64 * MIB);
  const bytes = await readFile(local("a.vhdx"));
  for (const header of [64 * KIB, 128 * KIB]) {
    bytes.fill(0x77, header + 48, header + 64);
    setChecksum(bytes.subarray(header, header + 4 * KIB), 4);
  }
  await writeFile(local("a.vhdx"), bytes);
  await assert.rejects(disks.runtimeDisk(at("a.vhdx")), refusal(32768, /log is marked as pending but holds no complete sequence/));
});

test("the server of disks survives clients that speak nonsense", async (context) => {
  const { disks, make } = await diskLab(context);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await make("a.vhdx", "differencing", 0, "base.vhdx");
  const disk = await disks.runtimeDisk(at("a.vhdx"));
  const socketPath = disk.path.replace(/.*socket=/, "");
  const hello = Buffer.from([0, 0, 0, 3]);
  const exportName = Buffer.concat([Buffer.from("IHAVEOPT"), Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])]);
  const request = (kind: number, offset: bigint, length: number) => {
    const bytes = Buffer.alloc(28);
    bytes.writeUInt32BE(0x2560_9513, 0);
    bytes.writeUInt16BE(kind, 6);
    bytes.writeBigUInt64BE(offset, 16);
    bytes.writeUInt32BE(length, 24);
    return bytes;
  };
  /** Sends all parts; the answer is what came until the server hung up, or so many bytes of it. */
  const talk = (parts: readonly Buffer[], enoughBytes = Infinity) => new Promise<Buffer>((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = connect(socketPath).on("close", () => resolve(answer)).on("error", () => {});
    socket.on("data", (data: Buffer) => {
      answer = Buffer.concat([answer, data]);
      if (answer.length >= enoughBytes) socket.destroy();
    });
    for (const part of parts) socket.write(part);
  });
  await talk([Buffer.from("GET / HTTP/1.1\r\nHost: disk\r\n\r\n")]);
  await talk([hello, Buffer.from("IHAVEOPT"), Buffer.alloc(8, 0xff)]);
  await talk([hello, exportName, Buffer.alloc(28, 0xff)]);
  await talk([hello, exportName, request(1, 0n, 0xffff_ffff)]);
  const errorOf = async (part: Buffer) => (await talk([hello, exportName, part], 18 + 10 + 16)).readUInt32BE(18 + 10 + 4);
  assert.equal(await errorOf(request(0, BigInt(64 * MIB - 512), 1024)), 22);
  assert.equal(await errorOf(request(0, 0xffff_ffff_ffff_fe00n, 512)), 22);
  assert.equal(await errorOf(request(0, 1n, 512)), 22);
  assert.equal(await errorOf(request(9, 0n, 512)), 22);
  assert.equal(await errorOf(request(0, 0n, 512)), 0);
  await disk.release();
});
