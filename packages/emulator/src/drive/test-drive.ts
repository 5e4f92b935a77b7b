import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { HostDrive } from "./host-drive.ts";
import { VirtualDiskError, VirtualDisks, type DiskType } from "./virtual-disks.ts";

const run = promisify(execFile);

export const signal: AbortSignal = AbortSignal.any([]);

/** An empty drive that is gone after the test. */
export async function testDrive(context: TestContext): Promise<HostDrive> {
  const folder = await mkdtemp(join(tmpdir(), "signet-drive-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "c", "disks"), { recursive: true });
  return new HostDrive(join(folder, "c"));
}

/** Runs one of QEMU's tools, the independent reader and writer of disks. @throws Error with its words */
export async function qemuTool(tool: "qemu-img" | "qemu-io", ...toolArguments: string[]): Promise<string> {
  const { stdout, stderr } = await run(tool, toolArguments, { maxBuffer: 64 * 1024 ** 2 });
  // qemu-io says on standard output that a read pattern was not met, and exits with 0.
  if (tool === "qemu-io" && /failed|error/i.test(stdout + stderr)) throw new Error(stdout + stderr);
  return stdout;
}

/** The Windows path of a disk in the drive's folder for disks. */
export const at = (name: string): string => `C:\\disks\\${name}`;

export const refusal = (code: number, message: RegExp) => (error: unknown): boolean => error instanceof VirtualDiskError && error.code === code && message.test(error.message);

/** Whether two raw files hold the same. */
export async function areIdentical(one: string, other: string): Promise<boolean> {
  return (await qemuTool("qemu-img", "compare", "-f", "raw", "-F", "raw", one, other)).includes("identical");
}

export interface DiskLab {
  readonly drive: HostDrive;
  readonly disks: VirtualDisks;
  local(name: string): string;
  /** Writes patterns into a disk as QEMU would for a guest: `write -P 0x11 0 512`. */
  write(name: string, ...commands: string[]): Promise<void>;
  /** What a guest sees of a disk, by QEMU, as a raw file's path. */
  raw(name: string): Promise<string>;
  make(name: string, type: DiskType, sizeBytes: number, parent?: string): Promise<void>;
}

export async function diskLab(context: TestContext): Promise<DiskLab> {
  const drive = await testDrive(context);
  const disks = new VirtualDisks(drive);
  const local = (name: string) => join(drive.root, "disks", name);
  const withDisk = async (name: string, use: (imageOptions: string) => Promise<unknown>) => {
    const disk = await disks.runtimeDisk(at(name));
    const file = disk.path.startsWith("nbd") ? `file.driver=nbd,file.server.type=unix,file.server.path=${disk.path.replace(/.*socket=/, "")}` : `file.filename=${disk.path}`;
    try {
      await use(`driver=${disk.format},${disk.format === "vpc" ? "force_size_calc=current_size," : ""}${file}`);
    } finally {
      await disk.release();
    }
  };
  return {
    drive, disks, local,
    write: (name, ...commands) => withDisk(name, (options) => qemuTool("qemu-io", "--image-opts", ...commands.flatMap((command) => ["-c", command]), options)),
    raw: async (name) => {
      await withDisk(name, (options) => qemuTool("qemu-img", "convert", "--image-opts", "-O", "raw", options, local(`${name}.raw`)));
      return local(`${name}.raw`);
    },
    make: (name, type, sizeBytes, parent) => disks.create({ path: at(name), format: name.endsWith("x") ? "vhdx" : "vhd", type, sizeBytes, ...(parent === undefined ? {} : { parentPath: at(parent) }) }, signal),
  };
}

