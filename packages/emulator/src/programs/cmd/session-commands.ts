import { pathOf, printLine, type Program } from "../program.ts";

/** Thrown by EXIT through all that runs in the same cmd.exe. */
export class ShellExit extends Error {
  override readonly name = "ShellExit";
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`The shell ends with ${exitCode}.`);
    this.exitCode = exitCode;
  }
}

export const echo: Program = async (context, tail) => {
  const text = /^[\s.:,;=/+([\]\\]?(.*)$/s.exec(tail)?.[1] ?? "";
  if (tail.trim() === "") await printLine(context.stdout, "ECHO is on.");
  else if (!/^(on|off)$/i.test(tail.trim())) await printLine(context.stdout, text);
  return 0;
};

export const ver: Program = async (context) => {
  await printLine(context.stdout, `\r\nMicrosoft Windows [Version ${context.host.release.version}]`);
  return 0;
};

export const changeFolder: Program = async (context, tail) => {
  const operand = tail.replace(/^\s*\/d\b/i, "").replaceAll('"', "").trim();
  if (operand === "") {
    await printLine(context.stdout, context.session.folder);
    return 0;
  }
  const found = await context.host.files.find(pathOf(context, operand));
  if (found?.kind === "folder") {
    context.session.folder = found.path;
    return 0;
  }
  await printLine(context.stderr, found ? "The directory name is invalid." : "The system cannot find the path specified.");
  return 1;
};

export const set: Program = async (context, tail) => {
  const text = tail.trim().replace(/^"(.*)"$/, "$1");
  const { environment } = context.session;
  const equals = text.indexOf("=");
  if (equals > 0) {
    const value = text.slice(equals + 1);
    if (value === "") environment.delete(text.slice(0, equals).toUpperCase());
    else environment.set(text.slice(0, equals).toUpperCase(), value);
    return 0;
  }
  const shown = [...environment].filter(([name]) => name.startsWith(text.toUpperCase()));
  if (shown.length === 0) await printLine(context.stderr, `Environment variable ${text} not defined`);
  for (const [name, value] of shown) await printLine(context.stdout, `${name}=${value}`);
  return shown.length === 0 ? 1 : 0;
};

export const exit: Program = async (context, tail) => {
  const number = Number.parseInt(tail.replace(/^\s*\/b\b/i, ""), 10);
  throw new ShellExit(Number.isNaN(number) ? context.session.errorLevel : number);
};

export const nothing: Program = async () => 0;
