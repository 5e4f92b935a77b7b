import { windowsFolderOf, windowsNameOf } from "../drive/windows-path.ts";
import { pathOf, printLine, type Program, type ProgramContext } from "./program.ts";

/** What cmd.exe keeps for a command that it does not know. */
export const notRecognisedExitCode = 9009;

/** Folders of Windows that programs are found in, also without their full path. */
const systemFolder = /^(?:C:)?\\Windows\\(?:System32|SysWOW64|Sysnative)(?:\\WindowsPowerShell\\v1\.0|\\wbem)?$/i;

/** Runs a program of the system. @returns its exit code, or `notRecognisedExitCode` */
export async function runProgram(context: ProgramContext, name: string, tail: string): Promise<number> {
  const program = findProgram(context, name);
  if (program) return program(context, tail);
  const folder = /[\\/]/.test(name) ? windowsFolderOf(pathOf(context, name)) : null;
  if (folder === null || (await context.host.files.find(folder))?.kind === "folder") return notRecognised(context, name);
  await printLine(context.stderr, "The system cannot find the path specified.");
  return 1;
}

export function findProgram(context: ProgramContext, name: string): Program | null {
  const path = name.replaceAll("/", "\\");
  const inFolder = path.includes("\\");
  if (inFolder && !systemFolder.test(path.slice(0, path.lastIndexOf("\\")))) return null;
  const base = windowsNameOf(path).toLowerCase().replace(/\.exe$/, "");
  return context.host.programs.get(base) ?? null;
}

export async function notRecognised(context: ProgramContext, name: string): Promise<number> {
  await printLine(context.stderr, `'${name}' is not recognized as an internal or external command,`);
  await printLine(context.stderr, "operable program or batch file.");
  return notRecognisedExitCode;
}
