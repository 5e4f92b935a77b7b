import { networkInterfaces } from "node:os";
import { printLine, type Program } from "./program.ts";
import { findProgram } from "./run-program.ts";
import { splitArguments } from "./windows-arguments.ts";

export const hostname: Program = async (context) => {
  await printLine(context.stdout, context.host.computerName);
  return 0;
};

/** The shell does not tell us who opened it; its environment says whose it is. */
export const whoami: Program = async (context) => {
  await printLine(context.stdout, `${context.host.computerName}\\${context.session.environment.get("USERNAME") ?? ""}`.toLowerCase());
  return 0;
};

/** The emulating computer's own IPv4 addresses. */
export const ipconfig: Program = async (context) => {
  const lines = ["", "Windows IP Configuration", ""];
  const outside = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).filter(({ family, internal }) => family === "IPv4" && !internal);
  for (const [index, { address, netmask }] of outside.entries()) {
    lines.push("", `Ethernet adapter Ethernet${index === 0 ? "" : ` ${index + 1}`}:`, "", "   Connection-specific DNS Suffix  . :", `   IPv4 Address. . . . . . . . . . . : ${address}`, `   Subnet Mask . . . . . . . . . . . : ${netmask}`, "   Default Gateway . . . . . . . . . :");
  }
  if (outside.length === 0) lines.push("", "Ethernet adapter Ethernet:", "", "   Media State . . . . . . . . . . . : Media disconnected");
  for (const line of lines) await printLine(context.stdout, line);
  return 0;
};

/** The emulated host logs no events: every query finds none. */
export const wevtutil: Program = async () => 0;

export const where: Program = async (context, tail) => {
  const names = splitArguments(tail);
  let exitCode = names.length === 0 ? 2 : 0;
  for (const name of names) {
    const base = name.toLowerCase().replace(/\.exe$/, "");
    if (findProgram(context, base)) await printLine(context.stdout, `C:\\Windows\\System32\\${base}.exe`);
    else {
      await printLine(context.stderr, "INFO: Could not find files for the given pattern(s).");
      exitCode = 1;
    }
  }
  return exitCode;
};

/** `find "text"`: the lines of the input that hold it; `/v` those that do not, `/i` whatever the case, `/c` only how many. */
export const find: Program = async (context, tail) => {
  const words = splitArguments(tail);
  const switches = new Set(words.filter((word) => /^\/[vcni]$/i.test(word)).map((word) => word.toLowerCase()));
  const [text] = words.filter((word) => !word.startsWith("/"));
  if (text === undefined || !tail.includes('"')) {
    await printLine(context.stderr, "FIND: Parameter format not correct");
    return 2;
  }
  const fold = (line: string): string => (switches.has("/i") ? line.toLowerCase() : line);
  let [count, number] = [0, 0];
  for (let line = await context.input.readLine(context.signal); line !== null; line = await context.input.readLine(context.signal)) {
    number++;
    if (fold(line).includes(fold(text)) === switches.has("/v")) continue;
    count++;
    if (!switches.has("/c")) await printLine(context.stdout, switches.has("/n") ? `[${number}]${line}` : line);
  }
  if (switches.has("/c")) await printLine(context.stdout, String(count));
  return count > 0 ? 0 : 1;
};

/** Without a screen it has pages without end. */
export const more: Program = async (context) => {
  for (let chunk = await context.input.read(context.signal); chunk !== null; chunk = await context.input.read(context.signal)) await context.stdout.write(chunk);
  return 0;
};

