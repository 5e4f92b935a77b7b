import { writeFile } from "node:fs/promises";
import { type Cloud, type Release, startCloud } from "../cloud.ts";
import { ExitError, exitCodes } from "../exit.ts";
import { parseCount, parseListenAddress } from "../listen-address.ts";
import { untilStopped } from "../stop-signal.ts";

export interface UpOptions {
  readonly data: string;
  readonly listen: string;
  readonly hosts: string;
  readonly release?: string;
  readonly machines: "firmware" | "instant";
  readonly readyFile?: string;
}

/** More emulated hosts than this in the control plane's own process would crowd it out; `signet emulate` runs them apart. */
const HOSTS_MAX = 64;
const RELEASES: readonly Release[] = ["2012r2", "2016", "2019", "2022", "2025"];

/** `signet up`: a whole cloud until Ctrl-C. */
export async function runUp(options: UpOptions): Promise<void> {
  const startedAt = performance.now();
  let lastAt = startedAt;
  const onStep = (text: string): void => {
    const now = performance.now();
    process.stdout.write(`  ${text} (${formatMs(now - lastAt)})\n`);
    lastAt = now;
  };
  const stopped = untilStopped();
  const cloud = await startCloud({ dataPath: options.data, listen: parseListenAddress(options.listen), releases: chooseReleases(options), machines: options.machines, onStep });
  process.stdout.write(renderReady(cloud, performance.now() - startedAt));
  if (options.readyFile !== undefined) await writeFile(options.readyFile, `${JSON.stringify(cloud.endpoints)}\n`);
  await stopped;
  process.stdout.write("stopping: machines, hosts, control plane, store\n");
  await cloud.close();
  process.stdout.write(`stopped. All is kept in ${cloud.dataPath}\n`);
}

function chooseReleases(options: UpOptions): readonly Release[] {
  if (options.release === undefined) return Array.from({ length: parseCount("--hosts", options.hosts, HOSTS_MAX) }, () => "2022" as const);
  return options.release.split(",").map((text) => {
    const release = RELEASES.find((known) => known === text.trim().toLowerCase());
    if (release === undefined) throw new ExitError(exitCodes.usage, `--release names "${text}". Known releases: ${RELEASES.join(", ")}.`);
    return release;
  });
}

function renderReady(cloud: Cloud, elapsedMs: number): string {
  const password = cloud.adminPassword === null ? "(shown once, at the first start)" : cloud.isFirstStart ? cloud.adminPassword : "(as at the first start; it is in the openrc file)";
  return `
Signet is up (${formatMs(elapsedMs)}).

  page       ${cloud.endpoints.dashboard}
  identity   ${cloud.endpoints.identity}
  user       admin
  password   ${password}

  In another terminal:
    source ${cloud.openrcPath}
    openstack hypervisor list
    glance image-create --name win-secure --disk-format vhd --container-format bare --property hw_machine_type=hyperv-gen2 --property os_secure_boot=required --file windows.vhdx
    nova boot --flavor m1.small --image win-secure --nic none first

  Stop with Ctrl-C.

`;
}

function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
