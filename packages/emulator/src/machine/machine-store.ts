import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readVariableStore, writeVariables } from "@signet/secure-boot/trust";
import { enrolledStore } from "../nvram/enrolled-store.ts";
import type { FirmwareSettings } from "./machine.ts";
import { firmwareEmptyStore } from "./qemu-arguments.ts";

/** The machine's variables, in its folder. */
export const variableStoreFile = "nvram.fd";
const enrolledNames: ReadonlySet<string> = new Set(["PK", "KEK", "db", "dbx", "dbt"]);

/**
 * The machine's variable store, ready for its next start. The template fills a new store; later starts keep what guest and
 * firmware wrote (boot entries, applied revocations), except that a change of the switch or of the template takes effect.
 */
export async function prepareMachineStore(folder: string, firmware: FirmwareSettings): Promise<string> {
  const path = join(folder, variableStoreFile);
  const trustPath = join(folder, "nvram.trust");
  const empty = await readFile(firmwareEmptyStore);
  const fresh = enrolledStore(empty, firmware.trust, firmware.secureBootEnabled);
  const existing = await readFile(path).catch(() => null);
  const sameTrust = (await readFile(trustPath, "utf8").catch(() => "")).trim() === firmware.trustId;
  await replaceFile(path, existing === null ? fresh : merge(empty, fresh, existing, sameTrust));
  await replaceFile(trustPath, Buffer.from(`${firmware.trustId}\n`));
  return path;
}

function merge(empty: Uint8Array, fresh: Uint8Array, existing: Uint8Array, sameTrust: boolean): Uint8Array {
  const kept = readVariableStore(existing).filter(({ name }) => name !== "SecureBootEnable" && (sameTrust || !enrolledNames.has(name)));
  const renewed = readVariableStore(fresh).filter(({ name }) => name === "SecureBootEnable" || !sameTrust);
  return writeVariables(empty, [...renewed, ...kept]);
}

async function replaceFile(path: string, data: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, data);
  await rename(`${path}.new`, path);
}
