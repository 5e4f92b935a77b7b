import { execFile } from "node:child_process";
import { copyFile, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findGuestPrograms } from "./guest-packages.ts";
import { buildInitramfs } from "./initramfs.ts";

const run = promisify(execFile);

const SECTOR_BYTES = 512;
const ESP_FIRST_SECTOR = 2048;
/** FAT32 needs at least 65,525 clusters, so an ESP of one-sector clusters starts at about 33 MiB; shim, GRUB, kernel and initramfs take 20 MiB. */
const ESP_SECTORS = 96 * 2048;
const ESP_TYPE = "ef00";

export type DiskFormat = "vhdx" | "vhd" | "raw" | "qcow2";

export interface GuestImageOptions {
  readonly path: string;
  readonly format: DiskFormat;
  /** Size that the disk shows; everything behind the EFI system partition stays unwritten. Default 256 MiB. */
  readonly virtualSizeBytes?: number;
  /** Changes the boot loader on its way into the image: how a tampered copy is made. */
  readonly changeLoader?: (loader: Buffer) => Buffer;
  /** Another boot loader than the distribution's shim. */
  readonly loader?: Buffer;
}

/**
 * Builds a bootable Linux image from the distribution's own signed shim, GRUB and kernel: GPT, one FAT32 EFI system partition,
 * the removable-media path that firmware looks for on a fresh machine (UEFI 2.10, 3.5.1.1). Everything that GRUB loads lies on
 * that partition, so the guest needs no disk driver.
 */
export async function buildGuestImage(options: GuestImageOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "signet-image-"));
  try {
    const rawPath = join(folder, "disk.raw");
    await writePartitionTable(rawPath, options.virtualSizeBytes ?? 256 * 1024 ** 2);
    await fillSystemPartition(rawPath, folder, options);
    await convert(rawPath, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Flips one bit in the middle of the loader's code: what tampering on the way looks like. */
export function tamper(loader: Buffer): Buffer {
  const changed = Buffer.from(loader);
  const middle = Math.floor(changed.length / 2);
  changed.writeUInt8(changed.readUInt8(middle) ^ 1, middle);
  return changed;
}

async function writePartitionTable(rawPath: string, sizeBytes: number): Promise<void> {
  const file = await open(rawPath, "w");
  await file.truncate(sizeBytes);
  await file.close();
  const last = ESP_FIRST_SECTOR + ESP_SECTORS - 1;
  await run("sgdisk", ["--clear", `--new=1:${ESP_FIRST_SECTOR}:${last}`, `--typecode=1:${ESP_TYPE}`, "--change-name=1:EFI system partition", rawPath]);
}

async function fillSystemPartition(rawPath: string, folder: string, options: GuestImageOptions): Promise<void> {
  const programs = await findGuestPrograms();
  const partition = `${rawPath}@@${ESP_FIRST_SECTOR * SECTOR_BYTES}`;
  const loaderPath = join(folder, "bootx64.efi");
  await writeLoader(loaderPath, programs.shimPath, options);
  const initramfsPath = join(folder, "initramfs.img");
  await writeFile(initramfsPath, await buildInitramfs(programs.busyboxPath));
  const grubConfigPath = join(folder, "grub.cfg");
  await writeFile(grubConfigPath, GRUB_CONFIG);

  await run("mformat", ["-i", partition, "-F", "-c", "1", "-T", String(ESP_SECTORS), "-h", "64", "-s", "32", "-v", "ESP"]);
  await run("mmd", ["-i", partition, "::/EFI", "::/EFI/BOOT", "::/EFI/debian"]);
  for (const [source, target] of [
    [loaderPath, "::/EFI/BOOT/BOOTX64.EFI"],
    [programs.grubPath, "::/EFI/BOOT/grubx64.efi"],
    [grubConfigPath, "::/EFI/debian/grub.cfg"],
    [programs.kernelPath, "::/vmlinuz"],
    [initramfsPath, "::/initrd.img"],
  ] as const) await run("mcopy", ["-i", partition, source, target]);
}

async function writeLoader(path: string, shimPath: string, options: GuestImageOptions): Promise<void> {
  if (options.loader === undefined) await copyFile(shimPath, path);
  else await writeFile(path, options.loader);
  if (options.changeLoader === undefined) return;
  const file = await open(path, "r+");
  try {
    const changed = options.changeLoader(await file.readFile());
    await file.truncate(0);
    await file.write(changed, 0, changed.length, 0);
  } finally {
    await file.close();
  }
}

const GRUB_CONFIG = `set timeout=0
serial --unit=0 --speed=115200
terminal_output console
search --no-floppy --set=root --file /vmlinuz
linux /vmlinuz console=tty0 console=ttyS0,115200 panic=0
initrd /initrd.img
boot
`;

/** Formats as qemu-img names them. */
const QEMU_FORMATS = { vhdx: "vhdx", vhd: "vpc", raw: "raw", qcow2: "qcow2" } as const;

async function convert(rawPath: string, options: GuestImageOptions): Promise<void> {
  const format = QEMU_FORMATS[options.format];
  const details = options.format === "vhd" ? ["-o", "subformat=dynamic,force_size=on"] : [];
  await run("qemu-img", ["convert", "-f", "raw", "-O", format, ...details, rawPath, options.path]);
}
