import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { applyUpdate, updatableVariables, type UpdatableVariable, UpdateError } from "@signet/secure-boot";
import { dbxReleases, listNamedTrusts, minimumVersions, revocationLists, sbatReleases, type Trust, trustVariableNames } from "@signet/secure-boot/trust";
import { ExitError, exitCodes } from "../exit.ts";
import { styleFor } from "../inspect/style.ts";
import { describeTrust } from "./describe-trust.ts";
import { readTrust } from "./read-trust.ts";
import { compareTrusts, renderDifference, renderList, renderTrust } from "./render-trust.ts";

export interface TrustOutput {
  readonly json?: boolean;
}

export interface ImportOptions {
  readonly base: string;
  readonly variable?: string;
  readonly out?: string;
  readonly name?: string;
}

const style = () => styleFor(process.stdout, process.env);
const print = (text: string): void => void process.stdout.write(text);
const printJson = (document: unknown): void => print(`${JSON.stringify(document, null, 2)}\n`);

/** `signet trust list`. */
export function listTrusts({ json }: TrustOutput): void {
  if (json === true) return printJson({ templates: listNamedTrusts().map(describeTrust), dbxReleases, revocationLists, sbatLevels: sbatReleases, minimumVersions });
  print(renderList(style(), new Date()));
}

/** `signet trust show`. */
export async function showTrust(nameOrPath: string, { json }: TrustOutput): Promise<void> {
  const description = describeTrust(await readTrust(nameOrPath, "the trust"));
  if (json === true) return printJson(description);
  print(renderTrust(description, style(), new Date()));
}

/** `signet trust diff`: 0 when both trust and revoke the same, else 1. */
export async function diffTrusts(before: string, after: string, { json }: TrustOutput): Promise<number> {
  const [first, second] = [describeTrust(await readTrust(before, "the first trust")), describeTrust(await readTrust(after, "the second trust"))];
  const difference = compareTrusts(first, second);
  if (json === true) printJson({ before: first.name, after: second.name, ...difference });
  else print(renderDifference(first, second, style(), new Date()));
  return difference.added.length + difference.removed.length === 0 ? 0 : 1;
}

/** `signet trust import`: applies signed updates to a trust as its machine would, and writes what it then holds. 1 when one is refused. */
export async function importUpdates(files: readonly string[], options: ImportOptions): Promise<number> {
  let trust = await readTrust(options.base, "--base");
  for (const file of files) {
    const variable = chooseVariable(file, options.variable);
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new ExitError(exitCodes.usage, `${file} cannot be read (${(error as Error).message}). Give an authenticated update: a .auth file or DBXUpdate.bin.`, { cause: error });
    });
    try {
      const applied = applyUpdate(trust, bytes, variable);
      process.stderr.write(`${basename(file)}: ${variable} ${applied.mode === "append" ? "extended" : "replaced"} by ${applied.added} entries (${applied.alreadyThere} were there); signed under ${applied.authority}\n`);
      trust = applied.trust;
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      process.stderr.write(`${basename(file)}: refused. ${error.message} [${error.code}]\n`);
      return 1;
    }
  }
  const document = `${JSON.stringify(writeTrustFile({ ...trust, name: options.name ?? `${trust.name}, updated` }), null, 2)}\n`;
  if (options.out === undefined) print(document);
  else await writeFile(options.out, document);
  return 0;
}

/** The variable that a file is for: said, or told by the file's name (DBXUpdate.bin, KEK.auth). */
function chooseVariable(file: string, said: string | undefined): UpdatableVariable {
  const wanted = said ?? /kek|dbx|dbt|db/i.exec(basename(file))?.[0];
  const found = updatableVariables.find((variable) => variable.toLowerCase() === wanted?.toLowerCase());
  if (found === undefined) throw new ExitError(exitCodes.usage, `${basename(file)} does not say which variable it is for. Give --variable ${updatableVariables.join("|")}.`);
  return found;
}

/** The trust file of docs/formats/trust-file.md that holds the variables byte for byte. */
function writeTrustFile({ name, secureBootEnabled, variables, shimVariables }: Trust): object {
  const base64 = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString("base64"));
  return {
    name, secureBootEnabled,
    variables: Object.fromEntries(trustVariableNames.map((variable) => [variable, base64(variables[variable])])),
    shimVariables: Object.fromEntries(Object.entries(shimVariables).map(([variable, { attributes, data }]) => [variable, attributes === null ? base64(data) : { attributes, data: base64(data) }])),
  };
}
