import { createHash, getHashes } from "node:crypto";
import { createReadStream } from "node:fs";
import { pathOf, printLine, type Program, type ProgramContext } from "./program.ts";
import { splitArguments } from "./windows-arguments.ts";

const algorithms: ReadonlySet<string> = new Set(["MD5", "SHA1", "SHA256", "SHA384", "SHA512"]);
const readBytes = 1024 * 1024;
const notFound = { hresult: 0x8007_0002, name: "WIN32: 2 ERROR_FILE_NOT_FOUND", text: "The system cannot find the file specified." };
// An empty file cannot be mapped into memory, which is how certutil reads.
const emptyFile = { hresult: 0x8007_03ee, name: "WIN32: 1006 ERROR_FILE_INVALID", text: "The volume for a file has been externally altered so that the opened file is no longer valid." };
const badAlgorithm = { hresult: 0xd000_0225, name: "NT: 0xc0000225 STATUS_NOT_FOUND", text: "The object was not found." };
const badUse = { hresult: 0x8007_0057, name: "WIN32: 87 ERROR_INVALID_PARAMETER", text: "The parameter is incorrect." };

/** `certutil -hashfile FILE [ALGORITHM]`, in the three lines that Windows prints. Its other verbs are refused. */
export const certutil: Program = async (context, tail) => {
  const [verb = "", operand, algorithm = "SHA1"] = splitArguments(tail);
  if (!/^[-/]hashfile$/i.test(verb) || operand === undefined) return failed(context, verb, badUse);
  const name = algorithm.toUpperCase();
  if (!algorithms.has(name) || !getHashes().includes(name.toLowerCase())) return failed(context, "-hashfile", badAlgorithm);
  const found = await context.host.drive.find(pathOf(context, operand)).catch(() => null);
  if (found?.kind !== "file") return failed(context, "-hashfile", notFound);
  if (found.sizeBytes === 0) return failed(context, "-hashfile", emptyFile);
  const hash = createHash(name.toLowerCase());
  for await (const chunk of createReadStream(found.path, { highWaterMark: readBytes, signal: context.signal })) hash.update(chunk as Buffer);
  const digest = hash.digest("hex");
  const isOld = context.host.release.version.startsWith("6.");
  await printLine(context.stdout, `${name} hash of ${isOld ? "file " : ""}${operand}:`);
  await printLine(context.stdout, isOld ? digest.replaceAll(/..(?=.)/g, "$& ") : digest);
  await printLine(context.stdout, "CertUtil: -hashfile command completed successfully.");
  return 0;
};

async function failed(context: ProgramContext, verb: string, problem: typeof notFound): Promise<number> {
  await printLine(context.stdout, `CertUtil: ${verb} command FAILED: 0x${problem.hresult.toString(16)} (${problem.name})`);
  await printLine(context.stdout, `CertUtil: ${problem.text}`);
  return problem.hresult;
}
