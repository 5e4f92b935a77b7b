import type { ShellSession } from "../program.ts";

/** Replaces `%NAME%` as cmd.exe does with a line that is not from a batch file: what is not defined stays as it is written. */
export function expandVariables(line: string, session: ShellSession): string {
  let expanded = "";
  for (let at = 0; at < line.length; ) {
    const end = line[at] === "%" ? line.indexOf("%", at + 1) : -1;
    const value = end > at + 1 ? valueOf(line.slice(at + 1, end), session) : undefined;
    if (value === undefined) {
      expanded += line[at];
      at++;
    } else {
      expanded += value;
      at = end + 1;
    }
  }
  return expanded;
}

function valueOf(name: string, session: ShellSession): string | undefined {
  const upper = name.toUpperCase();
  if (session.environment.has(upper)) return session.environment.get(upper);
  if (upper === "CD") return session.folder;
  if (upper === "ERRORLEVEL") return String(session.errorLevel | 0);
  return undefined;
}
