import { pathOf, printLine, type Program } from "../program.ts";
import { syntaxError } from "./copy-and-move.ts";
import { printProblem, problemOf } from "./file-errors.ts";
import { hasWildcard, matchFiles } from "./match-files.ts";
import { splitOperands } from "./split-operands.ts";

/** As on Windows its exit code says nothing of the files: 0 also when there was none, or one is in use. */
export const del: Program = async (context, tail) => {
  const { operands } = splitOperands(tail);
  if (operands.length === 0) return syntaxError(context);
  for (const operand of operands) {
    const named = await matchFiles(context, operand);
    // A folder's name means the files in it.
    const folder = named.find(({ kind }) => kind === "folder" && !hasWildcard(operand));
    const files = (folder ? await context.host.files.list(folder.path) : named).filter(({ kind }) => kind === "file");
    if (files.length === 0 && !folder) await printLine(context.stdout, `Could Not Find ${pathOf(context, operand)}`);
    for (const file of files) {
      try {
        await context.host.files.delete(file.path);
      } catch (error) {
        await printLine(context.stdout, file.path);
        await printProblem(context, error);
      }
    }
  }
  return 0;
};

export const makeFolder: Program = async (context, tail) => {
  const { operands } = splitOperands(tail);
  if (operands.length === 0) return syntaxError(context);
  let exitCode = 0;
  for (const operand of operands) {
    const path = pathOf(context, operand);
    try {
      await context.host.files.makeFolder(path);
    } catch (error) {
      exitCode = 1;
      if (problemOf(error) === "alreadyExists") await printLine(context.stderr, `A subdirectory or file ${operand} already exists.`);
      else await printProblem(context, error);
    }
  }
  return exitCode;
};

export const removeFolder: Program = async (context, tail) => {
  const { switches, operands } = splitOperands(tail);
  if (operands.length === 0) return syntaxError(context);
  let exitCode = 0;
  for (const operand of operands) {
    const path = pathOf(context, operand);
    try {
      if ((await context.host.files.find(path))?.kind === "file") {
        await printLine(context.stderr, "The directory name is invalid.");
        exitCode = 267;
        continue;
      }
      await context.host.files.delete(path, { emptyFolderOnly: !switches.has("/s") });
    } catch (error) {
      exitCode = await printProblem(context, error);
    }
  }
  return exitCode;
};
