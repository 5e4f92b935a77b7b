import { printLine, type Program } from "../program.ts";
import { copy, move, rename } from "./copy-and-move.ts";
import { del, makeFolder, removeFolder } from "./remove-and-make.ts";
import { changeFolder, echo, exit, nothing, set, ver } from "./session-commands.ts";
import { dir, type } from "./show.ts";

const commands: Readonly<Record<string, Program>> = {
  cd: changeFolder, chdir: changeFolder, cls: nothing, copy, del, dir, echo, erase: del, exit, md: makeFolder, mkdir: makeFolder, move,
  rd: removeFolder, rem: nothing, ren: rename, rename, rmdir: removeFolder, set, title: nothing, type, ver,
};

/** Commands of cmd.exe that this host lacks: said by name, since "not recognized" would be untrue. */
const lacking = ["assoc", "break", "call", "color", "date", "endlocal", "for", "ftype", "goto", "mklink", "path", "pause", "popd", "prompt", "pushd", "setlocal", "shift", "start", "time", "verify", "vol"] as const;

/** cmd.exe's own command that a text begins with, and what follows its name: `echo.`, `cd\windows` and `dir/b` need no blank. */
export function findBuiltIn(text: string): { readonly program: Program; readonly tail: string } | null {
  const match = /^([A-Za-z]+)(?=$|[\s,;=./\\:+()[\]"])/.exec(text);
  const name = match?.[1]?.toLowerCase() ?? "";
  const tail = text.slice(name.length);
  if (Object.hasOwn(commands, name)) return { program: commands[name] as Program, tail };
  if (!lacking.some((one) => one === name) || /^\.\w/.test(tail)) return null;
  return { tail, program: async (context) => {
    await printLine(context.stderr, `The cmd.exe of this emulated host has no ${name.toUpperCase()}.`);
    return 1;
  } };
}
