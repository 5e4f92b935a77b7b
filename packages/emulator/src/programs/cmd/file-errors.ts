import { DriveFileError, type DriveFileProblem } from "../../drive/drive-files.ts";
import { DrivePathError } from "../../drive/host-drive.ts";
import { printLine, type ProgramContext } from "../program.ts";

/** Windows' own words and numbers (winerror.h). */
export const fileProblems: Readonly<Record<DriveFileProblem, { readonly text: string; readonly number: number }>> = {
  notFound: { text: "The system cannot find the file specified.", number: 2 },
  folderNotFound: { text: "The system cannot find the path specified.", number: 3 },
  accessDenied: { text: "Access is denied.", number: 5 },
  sharingViolation: { text: "The process cannot access the file because it is being used by another process.", number: 32 },
  alreadyExists: { text: "Cannot create a file when that file already exists.", number: 183 },
  invalidName: { text: "The filename, directory name, or volume label syntax is incorrect.", number: 123 },
  notEmpty: { text: "The directory is not empty.", number: 145 },
  failed: { text: "The request could not be performed because of an I/O device error.", number: 1117 },
};

export function problemOf(error: unknown): DriveFileProblem {
  if (error instanceof DriveFileError) return error.problem;
  if (error instanceof DrivePathError) return "invalidName";
  throw error;
}

/** Prints what stands against a file operation. The answer is Windows' number for it. */
export async function printProblem(context: ProgramContext, error: unknown): Promise<number> {
  const { text, number } = fileProblems[problemOf(error)];
  await printLine(context.stderr, text);
  return number;
}
