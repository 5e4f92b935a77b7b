import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Trust } from "@signet/secure-boot/trust";
import { enrolledStore } from "@signet/emulator/nvram";

/** A firmware to boot under. `edk2-2026.08` is not in Debian 12: SIGNET_OVMF_2026_08 names the folder with its OVMF_CODE and OVMF_VARS. */
export interface OracleFirmware {
  readonly name: "edk2-2022.11" | "edk2-2026.08";
  readonly folder: string;
}

export function findFirmware(name: OracleFirmware["name"]): OracleFirmware | null {
  const folder = name === "edk2-2022.11" ? "/usr/share/OVMF" : process.env["SIGNET_OVMF_2026_08"];
  return folder !== undefined && existsSync(join(folder, "OVMF_CODE_4M.secboot.fd")) ? { name, folder } : null;
}

/** What firmware did with one disk. */
export interface RealVerdict {
  readonly outcome: "boots" | "refused" | "unbootable";
  /** Firmware's line. */
  readonly line: string;
}

/** OVMF's limit of targets and units on one virtio controller is higher; its boot manager slows down with the square of the options. */
export const disksAtOnceMax = 16;
const UNITS_PER_TARGET = 8;
/** Sixteen disks take ten seconds under an emulated processor on a quiet machine. */
const TIMEOUT_MS = 180_000;
/** A program that was started and has not come back by then went on to something of its own, or is lost in broken code. */
const LOST_AFTER_MS = 4_000;

/**
 * Boots one machine with all the disks and this trust, and reads from its console what became of each: the boot manager tries one after
 * the other, and programs that run give control back. One that never does has started; the machine is then booted again without it.
 */
export async function bootMany(disks: readonly Uint8Array[], trust: Trust, firmware: OracleFirmware): Promise<readonly RealVerdict[]> {
  const verdicts = new Map<number, RealVerdict>();
  while (verdicts.size < disks.length) {
    const left = disks.flatMap((disk, index) => (verdicts.has(index) ? [] : [{ disk, index }])).slice(0, disksAtOnceMax);
    const found = await bootOnce(left.map(({ disk }) => disk), trust, firmware);
    for (const [place, { index }] of left.entries()) {
      const verdict = found[place];
      if (verdict !== undefined && verdict !== null) verdicts.set(index, verdict);
    }
  }
  return disks.map((_, index) => verdicts.get(index) ?? { outcome: "unbootable", line: "" });
}

/** Null for a disk that the boot manager did not come to. */
async function bootOnce(disks: readonly Uint8Array[], trust: Trust, firmware: OracleFirmware): Promise<readonly (RealVerdict | null)[]> {
  const folder = await mkdtemp(join(tmpdir(), "signet-oracle-"));
  try {
    await writeFile(join(folder, "vars.fd"), enrolledStore(await readFile(join(firmware.folder, "OVMF_VARS_4M.fd")), trust.variables, trust.secureBootEnabled));
    await Promise.all(disks.map((disk, index) => writeFile(join(folder, `${index}.raw`), padded(disk))));
    const { text, isWhole } = await run(machineArguments(folder, disks.length, firmware), join(folder, "console.txt"));
    const verdicts = disks.map((_, index) => readVerdict(text, index));
    return isWhole ? verdicts.map((verdict) => verdict ?? { outcome: "unbootable", line: "the disk is not among the boot options" }) : verdicts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function machineArguments(folder: string, count: number, firmware: OracleFirmware): string[] {
  const disks = Array.from({ length: count }, (_, index) => [
    "-drive", `if=none,id=d${index},format=raw,file=${join(folder, `${index}.raw`)}`,
    "-device", `scsi-hd,bus=scsi0.0,scsi-id=${Math.floor(index / UNITS_PER_TARGET)},lun=${index % UNITS_PER_TARGET},drive=d${index}`,
  ]).flat();
  return [
    "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "q35,smm=on", "-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max,la57=off", "-m", "256",
    "-global", "driver=cfi.pflash01,property=secure,value=on",
    "-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${join(firmware.folder, "OVMF_CODE_4M.secboot.fd")}`,
    "-drive", `if=pflash,unit=1,format=raw,file=${join(folder, "vars.fd")}`,
    "-device", "virtio-scsi-pci,id=scsi0", ...disks, "-serial", `file:${join(folder, "console.txt")}`,
  ];
}

/** Runs until the boot manager has given up on the last disk, or until a program does not come back. @throws Error when neither happens in time */
async function run(options: readonly string[], consolePath: string): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  // The kernel ends it with us, however we end.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...options], { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (part: Buffer) => (complaint += part.toString()));
  const ended = new Promise<void>((settle) => child.on("close", () => settle()));
  try {
    const deadline = Date.now() + TIMEOUT_MS;
    let last = { line: "", at: Date.now() };
    while (Date.now() < deadline && child.exitCode === null) {
      const text = await readFile(consolePath, "latin1").catch(() => "");
      if (/No bootable option or device was found|EFI Internal Shell|PlatformRecovery/.test(text)) return { text, isWhole: true };
      const line = text.slice(Math.max(0, text.lastIndexOf("BdsDxe: "))).split(/[\r\n]/)[0] ?? "";
      if (line !== last.line) last = { line, at: Date.now() };
      const isStarted = line.startsWith("BdsDxe: starting ");
      if (isStarted && (text.includes("X64 Exception") || Date.now() - last.at > LOST_AFTER_MS)) return { text, isWhole: false };
      await new Promise((settle) => setTimeout(settle, 100));
    }
    // A guest that resets or halts has taken the machine with it (-no-reboot).
    if (child.exitCode !== null && complaint === "") return { text: await readFile(consolePath, "latin1"), isWhole: false };
    throw new Error(`The machine did not get to the end of its boot options within ${TIMEOUT_MS / 1000} s. ${complaint}`);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function readVerdict(text: string, index: number): RealVerdict | null {
  const place = `Scsi\\(0x${Math.floor(index / UNITS_PER_TARGET).toString(16).toUpperCase()},0x${(index % UNITS_PER_TARGET).toString(16).toUpperCase()}\\)`;
  const line = new RegExp(`BdsDxe: failed to (load|start) Boot[0-9A-F]{4} [^\\r\\n]*${place}: ([^\\r\\n]+)`).exec(text);
  if (line === null) {
    const started = new RegExp(`BdsDxe: starting Boot[0-9A-F]{4} [^\\r\\n]*${place}`).exec(text);
    return started === null ? null : { outcome: "boots", line: `${started[0]}, and it never came back` };
  }
  const [whole, stage, status = ""] = line;
  // Only a program that cannot be started at all is told so by firmware; every other word is the program's own.
  if (stage === "start") return { outcome: status.startsWith("Unsupported") ? "unbootable" : "boots", line: whole };
  return { outcome: /Access Denied|Security Violation/.test(status) ? "refused" : "unbootable", line: whole };
}

/** A disk has whole sectors. */
function padded(disk: Uint8Array): Uint8Array {
  const size = Math.ceil(disk.length / 512) * 512;
  if (size === disk.length) return disk;
  const copy = new Uint8Array(size);
  copy.set(disk);
  return copy;
}
