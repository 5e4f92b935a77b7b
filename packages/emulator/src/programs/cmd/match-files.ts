import type { DriveEntry } from "../../drive/drive-files.ts";
import { windowsFolderOf, windowsNameOf } from "../../drive/windows-path.ts";
import { pathOf, type ProgramContext } from "../program.ts";

/** The entries that an operand names; in its last part `*` and `?` stand for any letters and for one. */
export async function matchFiles(context: ProgramContext, operand: string): Promise<readonly DriveEntry[]> {
  const path = pathOf(context, operand);
  const name = windowsNameOf(path);
  if (!hasWildcard(name)) {
    const found = await context.host.files.find(path);
    return found ? [found] : [];
  }
  const pattern = patternOf(name);
  return (await context.host.files.list(windowsFolderOf(path))).filter((entry) => pattern.test(windowsNameOf(entry.path)));
}

export function hasWildcard(text: string): boolean {
  return /[*?]/.test(text);
}

/** `*.*` means every name, with a dot or without one. */
function patternOf(name: string): RegExp {
  const source = RegExp.escape(name === "*.*" ? "*" : name).replaceAll("\\*", ".*").replaceAll("\\?", ".?");
  return new RegExp(`^${source}$`, "i");
}
