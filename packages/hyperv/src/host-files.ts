import type { CimInstance, CimReference } from "@signet/wsman/cim";
import { readNumber, readText, readTime } from "./cim-values.ts";
import { HostFault } from "./host-fault.ts";
import type { HostSession } from "./host-session.ts";
import { fileReference, folderReference } from "./references.ts";
import { describeFileCode, fileCodes } from "./return-codes.ts";
import { cimv2Namespace } from "./schema/index.ts";
import { wqlText } from "./wql-text.ts";

export interface HostFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date | null;
}

/** Found by its whole name, which WMI answers at once; any other condition would search the disk. */
export async function findFile(session: HostSession, path: string): Promise<HostFile | null> {
  const [found] = await session.query(cimv2Namespace, `SELECT * FROM CIM_DataFile WHERE Name = ${wqlText(path)}`);
  return found ? fileOf(found) : null;
}

/** The files directly in a folder that have an extension. WMI goes through that folder only, because drive and path are given. */
export async function listFiles(session: HostSession, folder: string, extension: string): Promise<readonly HostFile[]> {
  const inside = `${folder.slice(2)}\\`;
  const found = await session.query(cimv2Namespace,
    `SELECT * FROM CIM_DataFile WHERE Drive = ${wqlText(folder.slice(0, 2))} AND Path = ${wqlText(inside)} AND Extension = ${wqlText(extension)}`);
  return found.map(fileOf);
}

function fileOf(instance: CimInstance): HostFile {
  return { path: readText(instance, "Name"), sizeBytes: readNumber(instance, "FileSize"), modifiedAt: readTime(instance, "LastModified") };
}

async function folderExists(session: HostSession, path: string): Promise<boolean> {
  return (await session.query(cimv2Namespace, `SELECT * FROM Win32_Directory WHERE Name = ${wqlText(path)}`)).length > 0;
}

/** Makes a folder and those above it. WMI has no method for that. */
export async function makeFolder(session: HostSession, path: string): Promise<void> {
  if (await folderExists(session, path)) return;
  const made = await session.run(`mkdir "${path}"`, { direct: false, slots: session.link.commands });
  // Somebody else may have made it meanwhile, which mkdir calls a failure.
  if (made.exitCode === 0 || (await folderExists(session, path))) return;
  throw session.fault("HV-FILE", `The host could not make the folder ${path}: ${lastLine(made.stderr) || `mkdir ended with ${made.exitCode}`}.`);
}

/** Gives a file its final name. False when a file of that name exists already. */
export async function renameFile(session: HostSession, from: string, to: string): Promise<boolean> {
  const code = (await session.invoke(fileReference(from), "Rename", { FileName: to })).ReturnValue;
  if (code === fileCodes.done) return true;
  if (code === fileCodes.alreadyExists) return false;
  const { text, retry } = describeFileCode(code);
  throw session.fault("HV-FILE", `The host could not rename ${from} to ${to}: ${text} (Rename returned ${code}).`, { retry });
}

/** Succeeds when there is no such file. */
export async function deleteFile(session: HostSession, path: string): Promise<void> {
  await deleteByPath(session, fileReference(path), async () => (await findFile(session, path)) !== null);
}

/** A folder with all that is in it. Succeeds when there is none. */
export async function deleteFolder(session: HostSession, path: string): Promise<void> {
  await deleteByPath(session, folderReference(path), () => folderExists(session, path));
}

/** What counts is that nothing is there afterwards, not what the method returned. */
async function deleteByPath(session: HostSession, target: CimReference, exists: () => Promise<boolean>): Promise<void> {
  if (!(await exists())) return;
  const code = await session.invoke(target, "Delete", {}).then((result) => result.ReturnValue, (error: unknown) => {
    if (error instanceof HostFault && error.code === "HV-NOT-FOUND") return fileCodes.notFound;
    throw error;
  });
  if (!(await exists())) return;
  const { text, retry } = code === fileCodes.done ? { text: "it is still there", retry: "later" as const } : describeFileCode(code);
  throw session.fault("HV-FILE", `The host could not delete ${target.keys["Name"]}: ${text} (Delete returned ${code}).`, { retry });
}

/** What a program said last: its output is in UTF-8, because the shell was asked for code page 65001. */
export function lastLine(output: Buffer): string {
  return output.toString("utf8").split(/\r?\n/).map((line) => line.trim()).findLast((line) => line !== "")?.replace(/\.$/, "") ?? "";
}
