import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { EmulatedHost } from "@signet/emulator";
import { keepSecret, openDataDirectory } from "../data-directory.ts";
import { ExitError, exitCodes } from "../exit.ts";
import type { Release } from "../cloud.ts";
import { explainListenError, parseCount, parseListenAddress } from "../listen-address.ts";
import { makeServerCertificate } from "../server-certificate.ts";
import { untilStopped } from "../stop-signal.ts";

export interface EmulateOptions {
  readonly listen: string;
  readonly release: Release;
  readonly hosts: string;
  readonly machines: "firmware" | "instant";
  readonly clock: "auto" | "manual";
  readonly faults?: string;
  readonly user: string;
  readonly passwordFile?: string;
  readonly tls?: boolean;
  readonly data: string;
  readonly readyFile?: string;
}

/** One process holds a thousand instant hosts; more would exhaust its ports before its memory. */
const HOSTS_MAX = 1000;

/** `signet emulate`: Hyper-V hosts on their own, for whoever speaks WS-Management. */
export async function runEmulate(options: EmulateOptions): Promise<void> {
  const first = parseListenAddress(options.listen);
  const count = parseCount("--hosts", options.hosts, HOSTS_MAX);
  const stopped = untilStopped();
  const data = await openDataDirectory(options.data);
  const closers: (() => Promise<void>)[] = [() => data.release()];
  try {
    const password = options.passwordFile === undefined ? await keepSecret(join(data.path, "password")) : (await readFile(options.passwordFile, "utf8")).trim();
    const tls = options.tls === true ? await makeServerCertificate(data.path, first.host) : undefined;
    const { startEmulatedHost } = await import("@signet/emulator");
    const hosts: EmulatedHost[] = [];
    for (let index = 0; index < count; index += 1) {
      const listen = { host: first.host, port: first.port === 0 ? 0 : first.port + index };
      const host = await startEmulatedHost({
        name: `hv${index + 1}`, release: options.release, dataDir: join(data.path, `hv${index + 1}`), listen, user: options.user, password,
        machines: options.machines, clock: options.clock, ...(tls === undefined ? {} : { tls }), ...(options.faults === undefined ? {} : { faultsFile: options.faults }),
      }).catch((error: unknown) => {
        throw explainListenError(error, listen);
      });
      closers.push(() => host.close());
      hosts.push(host);
    }
    const urls = hosts.map(({ url }) => url);
    if (options.clock === "manual") readClock(hosts);
    process.stdout.write(`${describe(urls, options)}  user       ${options.user}\n  password   ${options.passwordFile === undefined ? `in ${join(data.path, "password")}` : `as in ${options.passwordFile}`}\n${options.clock === "manual" ? "  clock      stands still; type a number of milliseconds to let them pass\n" : ""}  Stop with Ctrl-C.\n`);
    if (options.readyFile !== undefined) await writeFile(options.readyFile, `${JSON.stringify({ hosts: urls })}\n`);
    await stopped;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new ExitError(exitCodes.usage, `${(error as NodeJS.ErrnoException).path} does not exist. Check --password-file and --faults.`, { cause: error });
    throw error;
  } finally {
    for (const closer of closers.toReversed()) await closer();
  }
}

/** With `--clock manual` each line of standard input lets that many milliseconds pass on every host. */
function readClock(hosts: readonly EmulatedHost[]): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const ms = Number(line.trim());
    if (!Number.isInteger(ms) || ms < 1) process.stderr.write(`"${line}" is no number of milliseconds. Type a whole number from 1 on.\n`);
    else for (const host of hosts) host.advance(ms);
  });
}

function describe(urls: readonly string[], options: EmulateOptions): string {
  const what = `${urls.length === 1 ? "An emulated Hyper-V host" : `${urls.length} emulated Hyper-V hosts`}, Windows Server ${options.release}, machines: ${options.machines}`;
  const shown = urls.length <= 4 ? urls : [urls[0], "…", urls.at(-1)];
  return `${what}.\n\n${shown.map((url) => `  address    ${url}\n`).join("")}`;
}
