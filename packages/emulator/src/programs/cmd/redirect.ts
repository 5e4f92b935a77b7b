import { open, readFile, type FileHandle } from "node:fs/promises";
import { isNullDevice, pathOf, type ProgramContext, type ProgramOutput } from "../program.ts";
import { ProgramInput } from "../program-input.ts";
import type { Redirection } from "./command-tree.ts";

const nowhere: ProgramOutput = { write: async () => {} };
// A program's input is read before it runs; what is fed to one from a file is a script or an answer.
const inputBytesMax = 16 * 1024 * 1024;

/** Runs with some streams led elsewhere. @throws Error of the file system when a file cannot be opened */
export async function withRedirections(context: ProgramContext, redirections: readonly Redirection[], run: (context: ProgramContext) => Promise<number>): Promise<number> {
  const opened: { file: FileHandle; done: () => void }[] = [];
  const outputs: Record<number, ProgramOutput> = { 1: context.stdout, 2: context.stderr };
  let { input } = context;
  try {
    for (const { handle, mode, target } of redirections) {
      if (typeof target !== "string") outputs[handle] = outputs[target.handle] ?? nowhere;
      else if (mode === "read") input = isNullDevice(target) ? ProgramInput.empty() : await fileInput(context, target);
      else if (isNullDevice(target)) outputs[handle] = nowhere;
      else outputs[handle] = await fileOutput(context, target, mode, opened);
    }
    return await run({ ...context, input, stdout: outputs[1] ?? nowhere, stderr: outputs[2] ?? nowhere });
  } finally {
    for (const { file, done } of opened) {
      await file.close();
      done();
    }
  }
}

async function fileInput(context: ProgramContext, target: string): Promise<ProgramInput> {
  const found = await context.host.drive.find(pathOf(context, target));
  if (found?.kind !== "file" || found.sizeBytes > inputBytesMax) throw Object.assign(new Error("There is no such file."), { code: "ENOENT" });
  const input = new ProgramInput();
  input.write(await readFile(found.path));
  input.end();
  return input;
}

async function fileOutput(context: ProgramContext, target: string, mode: "write" | "append", opened: { file: FileHandle; done: () => void }[]): Promise<ProgramOutput> {
  const localPath = await context.host.drive.resolve(pathOf(context, target));
  const done = context.host.drive.uses.take(localPath, "write");
  if (!done) throw Object.assign(new Error("The file is in use."), { code: "EBUSY" });
  try {
    const file = await open(localPath, mode === "append" ? "a" : "w");
    opened.push({ file, done });
    return { write: async (data) => { await file.writeFile(data); } };
  } catch (error) {
    done();
    throw error;
  }
}
