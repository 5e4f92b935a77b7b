import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setChecksum } from "./disk/crc32c.ts";
import { at, diskLab, signal } from "./test-drive.ts";
import { VirtualDiskError } from "./virtual-disks.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const interesting = [0, 1, 2, 7, 0x7f, 0x80, 0xff];

/** Structures of a VHDX with a parent: offset, size, and whether a CRC-32C at 4 must stay right to be read at all. */
const vhdxStructures = [[64 * KIB, 4 * KIB, true], [128 * KIB, 4 * KIB, true], [192 * KIB, 256, false], [2 * MIB, 256, false], [2 * MIB + 64 * KIB, 400, false], [3 * MIB, 128, false]] as const;

test("a VHDX with any byte of its structures changed is read, or refused in a sentence", async (context) => {
  const { disks, make, write, local } = await diskLab(context);
  await make("base.vhdx", "dynamic", 64 * MIB);
  await make("good.vhdx", "differencing", 0, "base.vhdx");
  await write("good.vhdx", "write -P 1 1M 64k");
  const good = await readFile(local("good.vhdx"));
  for (let round = 0; round < 60; round++) {
    const random = randomFrom(round);
    const bytes = Buffer.from(good);
    for (let count = 0; count <= random(3); count++) {
      const [offset, size, hasSum] = vhdxStructures[random(vhdxStructures.length)] ?? vhdxStructures[0];
      const place = hasSum ? offset + 8 + random(72) : offset + random(size);
      bytes[place] = interesting[random(interesting.length)] ?? random(256);
      if (hasSum) setChecksum(bytes.subarray(offset, offset + size), 4);
      if (offset === 192 * KIB) {
        setChecksum(bytes.subarray(192 * KIB, 256 * KIB), 4);
        bytes.copy(bytes, 256 * KIB, 192 * KIB, 256 * KIB);
      }
    }
    await writeFile(local("bad.vhdx"), bytes);
    await use("bad.vhdx", `seed ${round}`);
  }

  async function use(name: string, seed: string): Promise<void> {
    for (const work of [() => disks.settings(at(name), signal), () => disks.state(at(name), signal), () => disks.validate(at(name), signal), () => disks.convert(at(name), { path: at("out.vhdx"), format: "vhdx", type: "dynamic", sizeBytes: 0 }, AbortSignal.timeout(100)), async () => (await disks.runtimeDisk(at(name))).release()]) {
      try {
        await work();
      } catch (error) {
        assert.ok(error instanceof VirtualDiskError || (error as Error).name === "TimeoutError", `${seed}: ${String((error as Error).stack)}`);
        assert.doesNotMatch((error as Error).message, /undefined|NaN|\/tmp/, seed);
      }
      await disksGone();
    }
  }

  async function disksGone(): Promise<void> {
    await rm(local("out.vhdx"), { force: true });
    assert.equal((await disks.state(at("base.vhdx"), signal)).inUse, false);
  }
});

test("a VHD with any byte of its structures changed is read, or refused in a sentence", async (context) => {
  const { disks, make, write, local } = await diskLab(context);
  await make("base.vhd", "dynamic", 64 * MIB);
  await make("good.vhd", "differencing", 0, "base.vhd");
  await write("good.vhd", "write -P 1 1M 64k");
  const good = await readFile(local("good.vhd"));
  const sum = (bytes: Buffer, at: number) => {
    bytes.writeUInt32BE(0, at);
    bytes.writeUInt32BE(~bytes.reduce((total, byte) => total + byte, 0) >>> 0, at);
  };
  for (let round = 0; round < 150; round++) {
    const random = randomFrom(round);
    const bytes = Buffer.from(good);
    for (let count = 0; count <= random(3); count++) {
      const offset = [0, 512, 1536, good.length - 512][random(4)] ?? 0;
      bytes[offset + random(offset === 512 ? 700 : 100)] = interesting[random(interesting.length)] ?? 0;
    }
    // Right checksums, so that what is behind them is reached.
    for (const offset of [0, good.length - 512]) sum(bytes.subarray(offset, offset + 512), 64);
    sum(bytes.subarray(512, 1536), 36);
    await writeFile(local("bad.vhd"), bytes);
    for (const work of [() => disks.settings(at("bad.vhd"), signal), () => disks.state(at("bad.vhd"), signal), () => disks.validate(at("bad.vhd"), signal), async () => (await disks.runtimeDisk(at("bad.vhd"))).release()]) {
      await work().catch((error: unknown) => assert.ok(error instanceof VirtualDiskError, `seed ${round}: ${String((error as Error).stack)}`));
    }
  }
});
