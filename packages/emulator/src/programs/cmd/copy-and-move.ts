import { windowsFolderOf, windowsNameOf } from "../../drive/windows-path.ts";
import { pathOf, printLine, type Program, type ProgramContext } from "../program.ts";
import { printProblem } from "./file-errors.ts";
import { hasWildcard, matchFiles } from "./match-files.ts";
import { splitOperands } from "./split-operands.ts";

export const copy: Program = async (context, tail) => {
  const { switches, operands } = splitOperands(tail);
  const [from, to = context.session.folder] = operands;
  if (from === undefined || operands.length > 2) return syntaxError(context);
  if (from.includes("+")) {
    await printLine(context.stderr, "This emulated host does not join files with COPY.");
    return 1;
  }
  const files = (await matchFiles(context, from)).filter(({ kind }) => kind === "file");
  let count = 0;
  for (const file of files) {
    if (hasWildcard(from)) await printLine(context.stdout, file.path);
    const target = await placeIn(context, to, file.path);
    if (!await mayReplace(context, switches, target)) continue;
    try {
      await context.host.files.copy(file.path, target, { replace: true, signal: context.signal });
      count++;
    } catch (error) {
      await printProblem(context, error);
    }
  }
  if (files.length === 0) await printLine(context.stderr, "The system cannot find the file specified.");
  else await printLine(context.stdout, `${String(count).padStart(9)} file(s) copied.`);
  return count > 0 ? 0 : 1;
};

export const move: Program = async (context, tail) => {
  const { switches, operands } = splitOperands(tail);
  const [from, to = context.session.folder] = operands;
  if (from === undefined || operands.length > 2) return syntaxError(context);
  const entries = await matchFiles(context, from);
  if (entries.length === 0) {
    await printLine(context.stderr, "The system cannot find the file specified.");
    return 1;
  }
  let [files, folders] = [0, 0];
  for (const entry of entries) {
    const target = await placeIn(context, to, entry.path);
    if (!await mayReplace(context, switches, target)) continue;
    try {
      await context.host.files.rename(entry.path, target, { replace: true });
      if (entry.kind === "file") files++;
      else folders++;
    } catch (error) {
      await printProblem(context, error);
    }
  }
  if (folders > 0) await printLine(context.stdout, `${String(folders).padStart(9)} dir(s) moved.`);
  if (files > 0 || folders === 0) await printLine(context.stdout, `${String(files).padStart(9)} file(s) moved.`);
  return files + folders === entries.length ? 0 : 1;
};

export const rename: Program = async (context, tail) => {
  const [from, to] = splitOperands(tail).operands;
  if (from === undefined || to === undefined || /[\\/:*?]/.test(to) || hasWildcard(from)) return syntaxError(context);
  const path = pathOf(context, from);
  try {
    await context.host.files.rename(path, `${windowsFolderOf(path).replace(/\\$/, "")}\\${to}`);
    return 0;
  } catch (error) {
    await printProblem(context, error);
    return 1;
  }
};

/** Where something goes: under its own name when the operand is a folder. */
async function placeIn(context: ProgramContext, operand: string, source: string): Promise<string> {
  const path = pathOf(context, operand);
  const isFolder = (await context.host.files.find(path))?.kind === "folder" || /[\\/]$/.test(operand);
  return isFolder ? `${path.replace(/\\$/, "")}\\${windowsNameOf(source)}` : path;
}

/** Asks, as the commands do at a prompt; who has no input has said no. */
async function mayReplace(context: ProgramContext, switches: ReadonlySet<string>, target: string): Promise<boolean> {
  if (switches.has("/y") || (await context.host.files.find(target))?.kind !== "file") return true;
  await context.stdout.write(Buffer.from(`Overwrite ${target}? (Yes/No/All): `));
  const answer = await context.input.readLine(context.signal);
  if (answer === null) await printLine(context.stdout, "");
  return /^\s*[ya]/i.test(answer ?? "");
}

export async function syntaxError(context: ProgramContext): Promise<number> {
  await printLine(context.stderr, "The syntax of the command is incorrect.");
  return 1;
}
