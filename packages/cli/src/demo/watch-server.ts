import type { SignetServer } from "@signet/control-plane/api-shapes";
import type { Cloud } from "../cloud.ts";
import { DemoFailure, type Story } from "./story.ts";

/** Under emulation of the processor a Linux guest is up after 15 to 40 seconds on two cores. */
const BOOT_TIMEOUT_MS = 120_000;
const POLL_INTERVAL_MS = 1_000;

/** The server as Signet's own API shows it. */
export async function readServer(cloud: Cloud, serverId: string): Promise<SignetServer> {
  const response = await fetch(`${cloud.endpoints.signet}/servers/${serverId}`, { headers: { "X-Auth-Token": await issueToken(cloud) } });
  if (!response.ok) throw new DemoFailure(`GET ${response.url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as SignetServer;
}

/** Waits until the console holds `text`; returns all of it. */
export async function waitForConsole(story: Story, server: string, text: string): Promise<string> {
  const deadline = Date.now() + BOOT_TIMEOUT_MS;
  let last = "";
  while (Date.now() < deadline) {
    last = (await story.run(["nova", "console-log", server])).output;
    if (last.includes(text)) return last;
    await pause();
  }
  throw new DemoFailure(`the console of ${server} should show "${text}" within ${BOOT_TIMEOUT_MS / 1000} s; it ends with: ${last.slice(-300)}`);
}

/** Waits until firmware has said its word about the server's loader. */
export async function waitForFirmware(cloud: Cloud, serverId: string): Promise<NonNullable<SignetServer["firmware"]>> {
  const deadline = Date.now() + BOOT_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { firmware } = await readServer(cloud, serverId);
    if (firmware !== null && firmware.outcome !== "undecided") return firmware;
    await pause();
  }
  throw new DemoFailure(`firmware should have said its word within ${BOOT_TIMEOUT_MS / 1000} s`);
}

async function issueToken(cloud: Cloud): Promise<string> {
  const domain = { name: "Default" };
  const body = {
    auth: {
      identity: { methods: ["password"], password: { user: { name: "admin", domain, password: cloud.adminPassword } } },
      scope: { project: { name: "admin", domain } },
    },
  };
  const response = await fetch(`${cloud.endpoints.identity}/auth/tokens`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const token = response.headers.get("X-Subject-Token");
  if (token === null) throw new DemoFailure(`POST ${response.url} answered ${response.status}`);
  return token;
}

const pause = (): Promise<void> => new Promise((settle) => setTimeout(settle, POLL_INTERVAL_MS));
