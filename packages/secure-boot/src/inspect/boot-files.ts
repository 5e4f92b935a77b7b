import { DiskImageError, type FatVolume, openProblems } from "@signet/disk-image";
import { type GrubTarget, grubPrefix, simpleGrubTarget } from "../loaders/grub-config.ts";
import { identify, type Identity } from "../loaders/identify.ts";
import { type Program, readProgram } from "../program.ts";
import type { Reason } from "../report.ts";
import { readShim, type ShimProgram } from "../shim/shim-program.ts";
import type { BootVolume } from "./open-volumes.ts";

export interface BootFile {
  readonly path: string;
  readonly program: Program;
  readonly identity: Identity;
}

/** What shim starts after itself. */
export interface SecondStage {
  readonly path: string;
  /** Null when the file is missing. */
  readonly file: BootFile | null;
  readonly kernel: BootFile | null;
}

/** Shim's fallback program, and where it leads. */
export interface FallbackStage {
  readonly file: BootFile;
  /** The loader named by the first BOOTX64.CSV; null without one, when the machine resets for ever. */
  readonly target: (BootFile & { readonly shim: ShimProgram | null; readonly second: SecondStage | null }) | null;
}

/** The programs behind one removable-media path, as far as they can be followed on paper. */
export interface BootCandidate {
  readonly partition: number;
  readonly loader: BootFile;
  readonly shim: ShimProgram | null;
  readonly fallback: FallbackStage | null;
  readonly second: SecondStage | null;
  /** Files beside shim that add trust or revocations at run time. */
  readonly shimExtras: readonly string[];
  readonly warnings: readonly Reason[];
}

export const bootPath = "\\EFI\\BOOT\\BOOTX64.EFI";
/** The largest loaders are unified kernels with an initial RAM disk. */
const PROGRAM_BYTES_MAX = 256 * 1024 * 1024;
const CONFIG_BYTES_MAX = 1024 * 1024;

/** Looks for the removable-media path on one volume. Null when firmware would go on to the next one; `skipped` then says why. */
export async function findCandidate({ number, volume }: BootVolume): Promise<BootCandidate | { readonly skipped: Reason }> {
  let loader: BootFile | null;
  try {
    loader = await readBootFile(volume, bootPath);
  } catch (error) {
    if (!(error instanceof DiskImageError) || openProblems.has(error.code)) throw error;
    return { skipped: { code: error.code, text: `Partition ${number}: ${bootPath} cannot be read. ${error.message}` } };
  }
  if (loader === null) return { skipped: { code: "BP-NO-LOADER", text: `Partition ${number} has a file system, but no ${bootPath} in it.` } };
  if (loader.program.bootHeaderProblem !== null) return { skipped: { code: "BP-NOT-AN-APPLICATION", text: `Partition ${number}: ${bootPath} ${loader.program.bootHeaderProblem}.` } };
  return followLoader(number, loader, volume);
}

/** A lone EFI program, without a disk around it. */
export async function loneCandidate(file: BootFile): Promise<BootCandidate> {
  return { partition: 0, loader: file, shim: null, fallback: null, second: null, shimExtras: [], warnings: [] };
}

export function describeFile(path: string, bytes: Uint8Array): BootFile {
  const program = readProgram(bytes);
  return { path, program, identity: identify(program) };
}

async function followLoader(partition: number, loader: BootFile, volume: FatVolume): Promise<BootCandidate> {
  const shim = readShim(loader.program);
  const warnings: Reason[] = [];
  const own = { partition, loader, shim, warnings };
  if (shim === null) return { ...own, fallback: null, second: null, shimExtras: [] };
  const directory = (await volume.find("\\EFI\\BOOT")) ?? null;
  const names = (await volume.list(directory)).map(({ name }) => name);
  const shimExtras = names.filter((name) => /^(shim_certificate.*|revocations.*)\.efi$/i.test(name));
  const fallbackFile = await readBootFile(volume, "\\EFI\\BOOT\\fbx64.efi");
  if (fallbackFile !== null) return { ...own, fallback: await followFallback(volume, fallbackFile, warnings), second: null, shimExtras };
  return { ...own, fallback: null, second: await followShim(volume, "\\EFI\\BOOT", warnings), shimExtras };
}

async function followShim(volume: FatVolume, folder: string, warnings: Reason[]): Promise<SecondStage> {
  const path = `${folder}\\grubx64.efi`;
  const file = await readBootFile(volume, path);
  const kernel = file?.identity.kind === "grub" ? await findKernel(volume, file, warnings) : null;
  return { path, file, kernel };
}

async function findKernel(volume: FatVolume, grub: BootFile, warnings: Reason[]): Promise<BootFile | null> {
  const prefix = grubPrefix(grub.program);
  const configPath = `${prefix ?? "/EFI/BOOT"}/grub.cfg`;
  const entry = await volume.find(configPath);
  if (entry === null || entry.isDirectory) return null;
  const target = simpleGrubTarget(new TextDecoder().decode(await volume.readFile(entry, CONFIG_BYTES_MAX)));
  if (target === null) {
    warnings.push({ code: "BP-KERNEL-NOT-READ", text: `What GRUB starts is decided in ${windowsPath(configPath)} at run time, so the kernel was not judged.` });
    return null;
  }
  return readTarget(volume, target, warnings);
}

async function readTarget(volume: FatVolume, target: GrubTarget, warnings: Reason[]): Promise<BootFile | null> {
  const file = await readBootFile(volume, target.path);
  if (file === null) warnings.push({ code: "BP-KERNEL-NOT-READ", text: `${target.path}, which GRUB starts, is not on the partition of the loader, so it was not judged.` });
  return file;
}

/** fallback.c: the first folder of \EFI with a BOOTX64.CSV or BOOT.CSV names the loader to start. */
async function followFallback(volume: FatVolume, file: BootFile, warnings: Reason[]): Promise<FallbackStage> {
  const root = await volume.find("\\EFI");
  for (const entry of await volume.list(root)) {
    if (!entry.isDirectory || entry.name.startsWith(".") || entry.name.toUpperCase() === "BOOT") continue;
    const folder = `\\EFI\\${entry.name}`;
    const csv = (await volume.find(`${folder}\\BOOTX64.CSV`)) ?? (await volume.find(`${folder}\\BOOT.CSV`));
    if (csv === null || csv.isDirectory) continue;
    const name = firstLoader(await volume.readFile(csv, CONFIG_BYTES_MAX));
    const target = name === null ? null : await readBootFile(volume, `${folder}\\${name}`);
    if (target === null) continue;
    const shim = readShim(target.program);
    return { file, target: { ...target, shim, second: shim === null ? null : await followShim(volume, folder, warnings) } };
  }
  return { file, target: null };
}

/** The first field of the first line; the file is UTF-16 with or without a mark. */
function firstLoader(bytes: Uint8Array): string | null {
  const text = new TextDecoder("utf-16le").decode(bytes).replace(/^\ufeff/, "");
  const name = text.split(/\r?\n/)[0]?.split(",")[0]?.trim() ?? "";
  return name === "" || /[\\/]/.test(name) ? null : name;
}

async function readBootFile(volume: FatVolume, path: string): Promise<BootFile | null> {
  const entry = await volume.find(path);
  if (entry === null || entry.isDirectory || entry.sizeBytes === 0) return null;
  return describeFile(windowsPath(path), await volume.readFile(entry, PROGRAM_BYTES_MAX));
}

const windowsPath = (path: string): string => path.replaceAll("/", "\\");
