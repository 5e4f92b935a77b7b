import { printLine, type Program, type ProgramContext } from "../program.ts";
import { notRecognisedExitCode } from "../run-program.ts";
import { runLine } from "./run-line.ts";

/** cmd.exe: `/c` runs a line, `/k` runs it and goes on with the input, and alone it runs the input's lines. */
export const commandShell: Program = async (context, tail) => {
  // A cmd.exe inside another has a folder and an environment of its own.
  const inner: ProgramContext = { ...context, session: { ...context.session, environment: new Map(context.session.environment), errorLevel: 0 } };
  const match = /^(?:\s*\/[^\s/]*)*?\s*\/([ckr])(.*)$/is.exec(tail);
  const mode = match?.[1]?.toLowerCase();
  const ranCode = mode === undefined ? 0 : await runCommandLine(inner, lineOf(match?.[2] ?? "", /\s\/s\b/i.test(tail.slice(0, tail.length - (match?.[2]?.length ?? 0)))));
  return mode === undefined || mode === "k" ? interact(inner, mode === undefined) : ranCode;
};

/** The exit code that a caller of `cmd /c` sees: it never is the shell's own number for an unknown command. */
export async function runCommandLine(context: ProgramContext, line: string): Promise<number> {
  const exitCode = await runLine(context, line);
  return exitCode === notRecognisedExitCode ? 1 : exitCode;
}

/** The line behind `/c`. Quotes around all of it are taken off, unless they only quote a program's name (`cmd /?`). */
function lineOf(text: string, always: boolean): string {
  const line = text.trim();
  if (!line.startsWith('"')) return line;
  const isName = !always && /^"[^"&<>()@^|]*\s[^"&<>()@^|]*"$/.test(line);
  if (isName) return line;
  const end = line.lastIndexOf('"');
  return end === 0 ? line.slice(1) : line.slice(1, end) + line.slice(end + 1);
}

async function interact(context: ProgramContext, greets: boolean): Promise<number> {
  if (greets) {
    await printLine(context.stdout, `Microsoft Windows [Version ${context.host.release.version}]`);
    await printLine(context.stdout, "(c) Microsoft Corporation. All rights reserved.");
  }
  for (;;) {
    await context.stdout.write(Buffer.from(`\r\n${context.session.folder}>`));
    const line = await context.input.readLine(context.signal);
    if (line === null) return context.session.errorLevel;
    if (/^\s*exit\b/i.test(line)) return runCommandLine(context, line);
    await runCommandLine(context, line);
  }
}
