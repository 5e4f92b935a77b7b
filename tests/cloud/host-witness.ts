import { fileURLToPath } from "node:url";
import { debianPython } from "../clients/debian-python.ts";
import { runCommand } from "./client-command.ts";

const script = fileURLToPath(new URL("host-witness.py", import.meta.url));

/** Asks a host by WQL through python3-winrm; one record for each instance. */
export async function askHost(host: { readonly url: string; readonly user: string; readonly passwordFile: string }, wql: string): Promise<readonly Record<string, string | null>[]> {
  const result = await runCommand(`${debianPython} '${script}' '${host.url}' '${host.user}' '${host.passwordFile}' "${wql.replaceAll('"', '\\"')}"`, process.env);
  if (result.exitCode !== 0) throw new Error(`python3-winrm failed: ${result.stderr}`);
  return result.stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, string | null>);
}

export const REALIZED_MACHINES = "SELECT * FROM Msvm_VirtualSystemSettingData WHERE VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'";
