/**
 * The full path that a program means by a path text, given the folder it works in. `.` and `..` are resolved by their letters alone,
 * as Windows does, so that `..` at the top of the drive stays there. Shares and devices come back as they are: the drive refuses them.
 */
export function fullWindowsPath(folder: string, text: string): string {
  const path = text.trim().replaceAll("/", "\\").replace(/^\\\\[?.]\\(?=[A-Za-z]:)/, "");
  if (path.startsWith("\\\\")) return path;
  const drive = /^[A-Za-z]:/.exec(path)?.[0].toUpperCase();
  const here = folder.slice(0, 2).toUpperCase();
  const rest = drive === undefined ? path : path.slice(2);
  if (drive !== undefined && drive !== here) return normalise(drive, rest);
  return normalise(here, rest.startsWith("\\") ? rest : `${folder.slice(2)}\\${rest}`);
}

function normalise(drive: string, rest: string): string {
  const parts: string[] = [];
  for (const part of rest.split("\\")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `${drive}\\${parts.join("\\")}`;
}

/** The folder that a full path lies in: `C:\a\b` → `C:\a`, `C:\a` → `C:\`. */
export function windowsFolderOf(path: string): string {
  const end = path.lastIndexOf("\\");
  return end <= 2 ? path.slice(0, 3) : path.slice(0, end);
}

export function windowsNameOf(path: string): string {
  return path.slice(path.lastIndexOf("\\") + 1);
}

/** The way from a folder to a file, as a parent locator records it: `.\base.vhdx`, `..\images\base.vhdx`. */
export function relativeWindowsPath(folder: string, target: string): string {
  const from = folder.split("\\").filter((part) => part !== "");
  const to = target.split("\\");
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared]?.toLowerCase() === to[shared]?.toLowerCase()) shared++;
  const up = from.slice(shared).map(() => "..");
  return [...(up.length > 0 ? up : ["."]), ...to.slice(shared)].join("\\");
}
