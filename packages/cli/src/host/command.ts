import { readFile } from "node:fs/promises";
import type { SignetHost } from "@signet/control-plane/api-shapes";
import type { HostCheck } from "@signet/hyperv";
import { ExitError, exitCodes } from "../exit.ts";
import { formatSize } from "../inspect/render.ts";
import { type Style, styleFor } from "../inspect/style.ts";
import { openSignetApi } from "./signet-api.ts";

export interface ReachOptions {
  readonly url: string;
  readonly user: string;
  readonly passwordFile: string;
  readonly fingerprint?: string;
}

export interface JsonOption {
  readonly json?: boolean;
}

const print = (text: string): void => void process.stdout.write(text);
const style = (): Style => styleFor(process.stdout, process.env);

/** `signet host list`. */
export async function listHosts({ json }: JsonOption): Promise<void> {
  const { hosts } = await (await openSignetApi(process.env)).request<{ hosts: readonly SignetHost[] }>("GET", "/hosts");
  if (json === true) return print(`${JSON.stringify(hosts, null, 2)}\n`);
  if (hosts.length === 0) return print("No host is registered. Add one: signet host add NAME --url https://HOST:5986/wsman --user USER --password-file FILE\n");
  const rows = hosts.map((host) => [host.name, host.enabled ? host.state : "disabled", host.release ?? "not seen yet", host.families.join(", ") || "none", `${formatSize(host.memoryBytes - host.memoryClaimedBytes)} of ${formatSize(host.memoryBytes)}`, host.reason ?? ""]);
  const table = [["host", "state", "release", "Secure Boot for", "memory free", ""], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  print(`${table.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join("\n")}\n`);
}

/** `signet host show`. */
export async function showHost(name: string, { json }: JsonOption): Promise<void> {
  const host = await (await openSignetApi(process.env)).request<SignetHost>("GET", `/hosts/${encodeURIComponent(name)}`);
  print(json === true ? `${JSON.stringify(host, null, 2)}\n` : renderHost(host, style()));
}

/** `signet host add`: answers when the host has been looked at. */
export async function addHost(name: string, options: ReachOptions & JsonOption): Promise<void> {
  const api = await openSignetApi(process.env);
  const host = await api.request<SignetHost>("POST", "/hosts", { name, url: options.url, user: options.user, password: await readPassword(options.passwordFile), tlsFingerprint: normalFingerprint(options.fingerprint) });
  print(options.json === true ? `${JSON.stringify(host, null, 2)}\n` : renderHost(host, style()));
  if (host.state !== "up") process.exitCode = 1;
}

/** `signet host remove`. */
export async function removeHost(name: string): Promise<void> {
  await (await openSignetApi(process.env)).request("DELETE", `/hosts/${encodeURIComponent(name)}`);
  print(`${name} is removed; nothing was changed on it.\n`);
}

/** `signet host check`: asks the host itself, without a control plane. 0 when nothing is lacking, else 1. */
export async function runHostCheck(options: ReachOptions & JsonOption & { readonly fetch?: string }): Promise<number> {
  const { checkHost } = await import("@signet/hyperv");
  const connection = { name: new URL(options.url).hostname, url: options.url, user: options.user, password: await readPassword(options.passwordFile), tlsFingerprint: normalFingerprint(options.fingerprint) };
  const checks: HostCheck[] = [];
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort(new ExitError(130, "interrupted")));
  for await (const check of checkHost(connection, { signal: interrupted.signal, ...(options.fetch === undefined ? {} : { fetchUrl: options.fetch }) })) {
    checks.push(check);
    if (options.json !== true) print(renderCheck(check, style()));
  }
  const lacking = checks.filter(({ outcome }) => outcome === "lacking").length;
  if (options.json === true) print(`${JSON.stringify(checks, null, 2)}\n`);
  else print(lacking === 0 ? "\nThe host has all that Signet needs.\n" : `\n${lacking} of ${checks.length} ${lacking === 1 ? "is" : "are"} lacking.\n`);
  return lacking === 0 ? 0 : 1;
}

function renderCheck({ name, outcome, found, remedy }: HostCheck, dress: Style): string {
  const mark = outcome === "ok" ? dress.good("ok") : outcome === "lacking" ? dress.bad("lacking") : dress.quiet("not checked");
  return `  ${mark}${" ".repeat(13 - outcome.length)}${name}: ${found}\n${remedy === null ? "" : `               ${dress.quiet("remedy")}  ${remedy}\n`}`;
}

function renderHost(host: SignetHost, dress: Style): string {
  const lines = [
    `${dress.strong(host.name)}  ${host.state === "up" ? dress.good("up") : dress.bad("down")}${host.enabled ? "" : `  ${dress.open("disabled")}`}${host.reason === null ? "" : `  ${host.reason}`}`,
    `  release      ${host.release ?? "not seen yet"}${host.osVersion === null ? "" : `  ${host.osVersion}`}`,
    `  Secure Boot  ${host.families.join(", ") || "none"}`,
    ...host.templates.map(({ id, name }) => `  template     ${name}  ${id}`),
    `  memory       ${formatSize(host.memoryClaimedBytes)} of ${formatSize(host.memoryBytes)} claimed`,
    `  disk         ${formatSize(host.diskClaimedBytes)} of ${formatSize(host.diskBytes)} claimed`,
    `  processors   ${host.cpuCount}`,
    `  last seen    ${host.lastSeenAt ?? "never"}`,
  ];
  return `${lines.join("\n")}\n`;
}

async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new ExitError(exitCodes.usage, `the password file ${path} cannot be read (${(error as Error).message}). Check --password-file.`, { cause: error });
  }
}

/** SHA-256 as people copy it, with colons and in capitals. */
function normalFingerprint(text: string | undefined): string | null {
  if (text === undefined) return null;
  const plain = text.replaceAll(":", "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(plain)) throw new ExitError(exitCodes.usage, `--fingerprint is "${text}". Give the SHA-256 of the host's certificate: 64 hexadecimal digits.`);
  return plain;
}
