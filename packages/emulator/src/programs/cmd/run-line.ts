import { DrivePathError } from "../../drive/host-drive.ts";
import { pathOf, printLine, type ProgramContext } from "../program.ts";
import { ProgramInput } from "../program-input.ts";
import { runProgram } from "../run-program.ts";
import { findBuiltIn } from "./built-in-commands.ts";
import { type Command, CommandSyntaxError, type Condition } from "./command-tree.ts";
import { expandVariables } from "./expand-variables.ts";
import { hasWildcard, matchFiles } from "./match-files.ts";
import { parseLine, unquoted } from "./parse-line.ts";
import { withRedirections } from "./redirect.ts";
import { ShellExit } from "./session-commands.ts";

// What one program may hand to the next through a pipe; all of it is kept until the first has ended.
const pipedBytesMax = 16 * 1024 * 1024;

/** Runs a line as cmd.exe does. The answer is its exit code: that of the last command. */
export async function runLine(context: ProgramContext, line: string): Promise<number> {
  try {
    const command = parseLine(expandVariables(line, context.session));
    return command ? await run(context, command) : 0;
  } catch (error) {
    if (error instanceof ShellExit) return error.exitCode;
    if (!(error instanceof CommandSyntaxError)) throw error;
    await printLine(context.stderr, error.message);
    return 1;
  }
}

async function run(context: ProgramContext, command: Command): Promise<number> {
  context.signal.throwIfAborted();
  switch (command.kind) {
    case "run": return runSimple(context, command);
    case "group": return redirected(context, command, (inner) => run(inner, command.body));
    case "if": return runIf(context, command);
    case "join": return runJoined(context, command);
  }
}

async function runJoined(context: ProgramContext, { operator, left, right }: Extract<Command, { kind: "join" }>): Promise<number> {
  if (operator === "|") return runPiped(context, left, right);
  const exitCode = await run(context, left);
  if ((operator === "&&" && exitCode !== 0) || (operator === "||" && exitCode === 0)) return exitCode;
  return run(context, right);
}

async function runPiped(context: ProgramContext, left: Command, right: Command): Promise<number> {
  const input = new ProgramInput();
  let bytes = 0;
  await run({ ...context, session: forked(context), stdout: { write: async (data) => {
    bytes += data.length;
    if (bytes <= pipedBytesMax) input.write(data);
  } } }, left);
  input.end();
  return run({ ...context, session: forked(context), input }, right);
}

/** Both sides of a pipe run in a cmd.exe of their own. */
function forked({ session }: ProgramContext): ProgramContext["session"] {
  return { ...session, environment: new Map(session.environment) };
}

async function runIf(context: ProgramContext, { condition, whenTrue, whenFalse }: Extract<Command, { kind: "if" }>): Promise<number> {
  if (await holds(context, condition) !== condition.negated) return run(context, whenTrue);
  return whenFalse ? run(context, whenFalse) : 0;
}

async function holds(context: ProgramContext, { test, ignoreCase }: Condition): Promise<boolean> {
  switch (test.kind) {
    case "exist": {
      const path = test.path.replace(/(?<=.)[\\/]$/, "").replace(/^([A-Za-z]:)$/, "$1\\");
      return hasWildcard(path) ? (await matchFiles(context, path)).length > 0 : (await context.host.files.find(pathOf(context, path))) !== null;
    }
    case "errorlevel": return context.session.errorLevel >= test.least;
    case "defined": return context.session.environment.has(test.name.toUpperCase());
    case "compare": return compare(test.operator, ignoreCase ? test.left.toLowerCase() : test.left, ignoreCase ? test.right.toLowerCase() : test.right);
  }
}

/** Numbers are compared as such, everything else by its letters. */
function compare(operator: string, left: string, right: string): boolean {
  const numeric = operator !== "==" && /^-?\d+$/.test(left) && /^-?\d+$/.test(right);
  const order = numeric ? Number(left) - Number(right) : left === right ? 0 : left < right ? -1 : 1;
  switch (operator) {
    case "neq": return order !== 0;
    case "lss": return order < 0;
    case "leq": return order <= 0;
    case "gtr": return order > 0;
    case "geq": return order >= 0;
    default: return order === 0;
  }
}

function runSimple(context: ProgramContext, command: Extract<Command, { kind: "run" }>): Promise<number> {
  return redirected(context, command, async (inner) => {
    const text = command.text.replace(/^[\s,;=@]+/, "");
    if (text.trim() === "") return 0;
    const builtIn = findBuiltIn(text);
    const exitCode = builtIn ? await builtIn.program(inner, builtIn.tail) : await runProgram(inner, ...nameAndTail(text));
    context.session.errorLevel = exitCode;
    return exitCode;
  });
}

/** The program's name, which may be quoted in part, and the rest as it is. */
function nameAndTail(text: string): [string, string] {
  const name = /^(?:"[^"]*"?|[^\s,;="])+/.exec(text)?.[0] ?? "";
  return [unquoted(name), text.slice(name.length)];
}

const openProblems: Readonly<Record<string, string>> = {
  ENOENT: "The system cannot find the path specified.", ENOTDIR: "The system cannot find the path specified.", EISDIR: "Access is denied.", EACCES: "Access is denied.",
  EBUSY: "The process cannot access the file because it is being used by another process.",
};

async function redirected(context: ProgramContext, { redirections }: { redirections: Parameters<typeof withRedirections>[1] }, work: (context: ProgramContext) => Promise<number>): Promise<number> {
  if (redirections.length === 0) return work(context);
  let ready = false;
  try {
    return await withRedirections(context, redirections, (inner) => {
      ready = true;
      return work(inner);
    });
  } catch (error) {
    if (ready) throw error;
    const text = error instanceof DrivePathError ? "The filename, directory name, or volume label syntax is incorrect." : openProblems[(error as NodeJS.ErrnoException).code ?? ""];
    if (text === undefined) throw error;
    await printLine(context.stderr, text);
    context.session.errorLevel = 1;
    return 1;
  }
}
