import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { listNamedTrusts, parseTrustFile, type Trust, trustByName, TrustFileError } from "@signet/secure-boot/trust";
import { ExitError, exitCodes } from "../exit.ts";

const TRUST_FILE_BYTES_MAX = 16 * 1024 * 1024;

/** A template by name or GUID, one at a day (`NAME@YYYY-MM-DD`), or a trust file. `where` names the argument in errors. Throws `ExitError` (64). */
export async function readTrust(nameOrPath: string, where: string): Promise<Trust> {
  return trustByName(nameOrPath) ?? (await readTrustFile(nameOrPath, where));
}

async function readTrustFile(path: string, where: string): Promise<Trust> {
  const names = listNamedTrusts().map(({ name }) => name).join(", ");
  const status = await stat(path).catch(() => null);
  if (status === null || !status.isFile()) throw new ExitError(exitCodes.usage, `${where} ${path} is neither a template nor a file. Templates are: ${names}; each also at a day, as ${listNamedTrusts()[0]?.name}@2026-06-10.`);
  if (status.size > TRUST_FILE_BYTES_MAX) throw new ExitError(exitCodes.usage, `${where} ${path} has ${status.size} bytes, which no trust file has. Give a trust file, a variable store (.fd), signature lists (.esl) or an update (.auth).`);
  try {
    return parseTrustFile(await readFile(path), basename(path));
  } catch (error) {
    if (error instanceof TrustFileError) throw new ExitError(exitCodes.usage, `${where} ${path}: ${error.message} [${error.code}]`, { cause: error });
    throw error;
  }
}
