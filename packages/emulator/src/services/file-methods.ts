import type { MethodOutput } from "@signet/wsman";
import { DriveFileError } from "../drive/drive-files.ts";
import { fileClass, folderClass } from "../provider/classes/files.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";

const completed = 0;
const invalidParameter = 21;

/** Delete, Copy and Rename of CIM_DataFile and Win32_Directory: file operations without a shell. */
export const fileMethods: Readonly<Record<string, MethodHandler>> = Object.fromEntries([fileClass, folderClass].flatMap((className): [string, MethodHandler][] => [
  [`${className}.Delete`, (call) => answering(() => call.host.files.delete(nameOf(call)))],
  [`${className}.Copy`, (call) => toward(call, (from, to) => call.host.files.copy(from, to))],
  [`${className}.Rename`, (call) => toward(call, (from, to) => call.host.files.rename(from, to))],
]));

function nameOf({ target }: MethodCall): string {
  return String(target.values["Name"]);
}

async function toward(call: MethodCall, work: (from: string, to: string) => Promise<void>): Promise<MethodOutput> {
  const to = call.input.text("FileName");
  if (to === null || to === "") return { ReturnValue: invalidParameter };
  return answering(() => work(nameOf(call), to));
}

async function answering(work: () => Promise<void>): Promise<MethodOutput> {
  try {
    await work();
    return { ReturnValue: completed };
  } catch (error) {
    if (error instanceof DriveFileError) return { ReturnValue: error.code };
    throw error;
  }
}
