import type { ControlPlane } from "@signet/control-plane";
import type { EmulatedHost } from "@signet/emulator";
import { appendFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { composeHostConnector } from "./compose.ts";
import { type DataDirectory, keepSecret, openDataDirectory, writePrivateFile } from "./data-directory.ts";
import { explainListenError, type ListenAddress } from "./listen-address.ts";

export type Release = "2012r2" | "2016" | "2019" | "2022" | "2025";

export interface CloudOptions {
  readonly dataPath: string;
  readonly listen: ListenAddress;
  readonly releases: readonly Release[];
  readonly machines: "firmware" | "instant";
  /** Called when a step is done, with what it was. */
  readonly onStep: (text: string) => void;
}

/** What `DIR/endpoints.json` holds (contracts.md). */
export interface Endpoints {
  readonly identity: string;
  readonly image: string;
  readonly compute: string;
  readonly signet: string;
  readonly dashboard: string;
  readonly hosts: readonly { readonly name: string; readonly release: Release; readonly url: string; readonly user: string; readonly passwordFile: string }[];
}

export interface Cloud {
  readonly dataPath: string;
  readonly openrcPath: string;
  readonly endpoints: Endpoints;
  /** Null when the folder was started before and the password is not kept anywhere. */
  readonly adminPassword: string | null;
  readonly isFirstStart: boolean;
  close(): Promise<void>;
}

const HOST_USER = "Administrator";

/** Starts control plane, embedded store and emulated hosts in this process. What was started is stopped again when a later step fails. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const data = await openDataDirectory(options.dataPath);
  const closers: (() => Promise<void>)[] = [() => data.release()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const { plane, hosts } = await startParts(data, options, closers);
    const endpoints = describeEndpoints(plane.url, hosts);
    await writeFile(join(data.path, "endpoints.json"), `${JSON.stringify(endpoints, null, 2)}\n`);
    const openrcPath = join(data.path, "openrc");
    const adminPassword = plane.adminPassword ?? (await readPassword(openrcPath));
    await writePrivateFile(openrcPath, renderOpenrc(endpoints.identity, adminPassword));
    return { dataPath: data.path, openrcPath, endpoints, adminPassword, isFirstStart: plane.adminPassword !== null, close };
  } catch (error) {
    await close();
    throw explainListenError(error, options.listen);
  }
}

interface RunningHost {
  readonly emulated: EmulatedHost;
  readonly release: Release;
  readonly passwordFile: string;
}

async function startParts(data: DataDirectory, options: CloudOptions, closers: (() => Promise<void>)[]): Promise<{ plane: ControlPlane; hosts: RunningHost[] }> {
  const hosts = await startHosts(data.path, options, closers);
  const { startControlPlane } = await import("@signet/control-plane");
  const { serveDashboard } = await import("@signet/dashboard");
  const plane = await startControlPlane({ dataDir: join(data.path, "control-plane"), listen: options.listen, connectHost: await composeHostConnector(), dashboard: serveDashboard });
  closers.push(() => plane.close());
  options.onStep(`control plane answers on ${plane.url}`);
  for (const host of hosts) {
    const password = await keepSecret(host.passwordFile);
    await plane.hosts.register({ name: host.emulated.name, url: host.emulated.url, user: HOST_USER, password, tlsFingerprint: null });
  }
  options.onStep(`${hosts.length === 1 ? "host" : `${hosts.length} hosts`} registered and probed`);
  return { plane, hosts };
}

async function startHosts(dataPath: string, options: CloudOptions, closers: (() => Promise<void>)[]): Promise<RunningHost[]> {
  const { startEmulatedHost } = await import("@signet/emulator");
  const hosts: RunningHost[] = [];
  for (const [index, release] of options.releases.entries()) {
    const name = `hv${index + 1}`;
    const folder = join(dataPath, "hosts", name);
    await mkdir(folder, { recursive: true });
    const passwordFile = join(dataPath, "hosts", `${name}.password`);
    const password = await keepSecret(passwordFile);
    const emulated = await startEmulatedHost({ name, release, dataDir: folder, listen: { host: "127.0.0.1", port: 0 }, user: HOST_USER, password, machines: options.machines, clock: "auto", onBug: bugLog(join(dataPath, "hosts", `${name}.log`)) });
    closers.push(() => emulated.close());
    hosts.push({ emulated, release, passwordFile });
    options.onStep(`emulated host ${name} (Windows Server ${release}) answers on ${emulated.url}`);
  }
  return hosts;
}

/** A defect of the emulated host belongs in its log; its caller was answered w:InternalError. */
function bugLog(path: string): (error: unknown) => void {
  return (error) => appendFileSync(path, `${new Date().toISOString()} ${inspect(error)}\n`);
}

function describeEndpoints(url: string, hosts: readonly RunningHost[]): Endpoints {
  return {
    identity: `${url}/identity/v3`,
    image: `${url}/image`,
    compute: `${url}/compute/v2.1`,
    signet: `${url}/signet/v1`,
    dashboard: `${url}/`,
    hosts: hosts.map(({ emulated, release, passwordFile }) => ({ name: emulated.name, release, url: emulated.url, user: HOST_USER, passwordFile })),
  };
}

async function readPassword(openrcPath: string): Promise<string | null> {
  const text = await readFile(openrcPath, "utf8").catch(() => "");
  return /^export OS_PASSWORD='([^']+)'$/m.exec(text)?.[1] ?? null;
}

function renderOpenrc(identityUrl: string, password: string | null): string {
  return [
    "# Variables for the openstack, glance and nova clients: source this file.",
    `export OS_AUTH_URL='${identityUrl}'`,
    "export OS_IDENTITY_API_VERSION='3'",
    "export OS_USERNAME='admin'",
    password === null ? "# OS_PASSWORD: the password was shown once, at the first start" : `export OS_PASSWORD='${password}'`,
    "export OS_PROJECT_NAME='admin'",
    "export OS_USER_DOMAIN_NAME='Default'",
    "export OS_PROJECT_DOMAIN_NAME='Default'",
    "export OS_REGION_NAME='RegionOne'",
    "",
  ].join("\n");
}
