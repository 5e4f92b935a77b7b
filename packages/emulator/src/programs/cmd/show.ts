import { createReadStream } from "node:fs";
import { statfs } from "node:fs/promises";
import type { DriveEntry } from "../../drive/drive-files.ts";
import { windowsFolderOf, windowsNameOf } from "../../drive/windows-path.ts";
import { pathOf, printLine, type Program, type ProgramContext } from "../program.ts";
import { syntaxError } from "./copy-and-move.ts";
import { printProblem } from "./file-errors.ts";
import { hasWildcard, matchFiles } from "./match-files.ts";
import { splitOperands } from "./split-operands.ts";

export const type: Program = async (context, tail) => {
  const { operands } = splitOperands(tail);
  if (operands.length === 0) return syntaxError(context);
  let exitCode = 0;
  for (const operand of operands) {
    const files = (await matchFiles(context, operand)).filter(({ kind }) => kind === "file");
    if (files.length === 0) {
      await printLine(context.stderr, "The system cannot find the file specified.");
      exitCode = 1;
    }
    for (const file of files) {
      if (operands.length > 1 || files.length > 1) await context.stderr.write(Buffer.from(`\r\n${file.path}\r\n\r\n\r\n`));
      await printFile(context, file.path);
    }
  }
  return exitCode;
};

async function printFile(context: ProgramContext, path: string): Promise<void> {
  for await (const chunk of createReadStream(await context.host.drive.resolve(path), { signal: context.signal })) await context.stdout.write(chunk as Buffer);
}

/** `dir`: with `/b` names only, with `/s` of everything below, `/ad` and `/a-d` folders or files only. */
export const dir: Program = async (context, tail) => {
  const { switches, operands } = splitOperands(tail);
  let exitCode = 0;
  try {
    for (const operand of operands.length === 0 ? ["."] : operands) {
      if (!await listOperand(context, operand, switches)) {
        await printLine(context.stderr, "File Not Found");
        exitCode = 1;
      }
    }
  } catch (error) {
    await printProblem(context, error);
    exitCode = 1;
  }
  return exitCode;
};

/** False when there is nothing of that name. */
async function listOperand(context: ProgramContext, operand: string, switches: ReadonlySet<string>): Promise<boolean> {
  const path = pathOf(context, operand);
  const entry = hasWildcard(operand) ? null : await context.host.files.find(path);
  const folder = entry?.kind === "folder" ? entry.path : windowsFolderOf(path);
  const entries = entry?.kind === "folder" ? await context.host.files.list(folder) : await matchFiles(context, operand);
  const shown = (switches.has("/s") ? await withAllBelow(context, entries) : entries).filter(({ kind }) => !(switches.has("/ad") && kind === "file") && !(switches.has("/a-d") && kind === "folder"));
  if (shown.length === 0 && entry?.kind !== "folder") return false;
  if (switches.has("/b")) {
    for (const one of shown) await printLine(context.stdout, switches.has("/s") ? one.path : windowsNameOf(one.path));
    return shown.length > 0;
  }
  await printTable(context, folder, shown);
  return true;
}

async function withAllBelow(context: ProgramContext, entries: readonly DriveEntry[]): Promise<readonly DriveEntry[]> {
  const all: DriveEntry[] = [];
  for (const entry of entries) {
    context.signal.throwIfAborted();
    all.push(entry);
    if (entry.kind === "folder") all.push(...await withAllBelow(context, await context.host.files.list(entry.path)));
  }
  return all;
}

async function printTable(context: ProgramContext, folder: string, entries: readonly DriveEntry[]): Promise<void> {
  const grouped = (value: number): string => value.toLocaleString("en-US");
  const files = entries.filter(({ kind }) => kind === "file");
  const lines = [" Volume in drive C has no label.", "", ` Directory of ${folder}`, ""];
  for (const { path, kind, sizeBytes, modifiedMs } of entries) lines.push(`${dateText(modifiedMs)}    ${kind === "folder" ? "<DIR>         " : grouped(sizeBytes).padStart(14)} ${windowsNameOf(path)}`);
  const { bavail, bsize } = await statfs(context.host.drive.root);
  lines.push(`${String(files.length).padStart(16)} File(s) ${grouped(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).padStart(14)} bytes`);
  lines.push(`${String(entries.length - files.length).padStart(16)} Dir(s)  ${grouped(bavail * bsize).padStart(14)} bytes free`);
  for (const line of lines) await printLine(context.stdout, line);
}

function dateText(timeMs: number): string {
  const [date = "", time = ""] = new Date(timeMs).toLocaleString("en-US", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", timeZone: "UTC" }).split(", ");
  return `${date}  ${time.replaceAll("\u202f", " ")}`;
}
