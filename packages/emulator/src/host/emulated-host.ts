import { mkdir } from "node:fs/promises";
import { createHash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { isLoopback, localAccountName, principalNameOf, startWsmanServer, type CbtHardeningLevel, type WsmanServerOptions } from "@signet/wsman/server";
import { autoClock, ManualClock } from "../clock.ts";
import { DriveFiles } from "../drive/drive-files.ts";
import { HostDrive } from "../drive/host-drive.ts";
import { VirtualDisks } from "../drive/virtual-disks.ts";
import { readFaultRules } from "../faults/fault-rules.ts";
import { FaultyProvider } from "../faults/faulty-provider.ts";
import { FirmwareMachine } from "../machine/firmware-machine.ts";
import { InstantMachine } from "../machine/instant-machine.ts";
import type { MachineFactory } from "../machine/machine.ts";
import { createPrograms } from "../programs/index.ts";
import { virtualHardDiskPath } from "../provider/classes/services.ts";
import { WmiProvider } from "../provider/wmi-provider.ts";
import { startMachine } from "../services/power.ts";
import { defaultUncertainties, type Uncertainties } from "../uncertainties.ts";
import { hostCapacity } from "./capacity.ts";
import { freshHostRecord, Host } from "./host.ts";
import { configurationRoot } from "./new-machine.ts";
import { Refusal } from "./refusal.ts";
import { releaseByName } from "./releases.ts";
import { StateFolder } from "./state-folder.ts";

export interface EmulatedHostOptions {
  /** The computer's name. */
  readonly name: string;
  /** "2012r2", "2016", "2019", "2022" or "2025". */
  readonly release: string;
  /** Where the host keeps its drive, its machines and its memory; given again, all is still there. */
  readonly dataDir: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly user: string;
  readonly password: string;
  /** Whether machines run under QEMU with real firmware, or only pretend. */
  readonly machines: "firmware" | "instant";
  /** With a manual clock nothing of the host's own time passes but by `advance`. */
  readonly clock: "auto" | "manual";
  /** PEM; without it the host speaks plain HTTP, where Basic is offered on loopback addresses only. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** WinRM's AllowUnencrypted: over plain HTTP, Basic from anywhere and messages that are not sealed. */
  readonly allowUnencrypted?: boolean;
  /** WinRM's CbtHardeningLevel; "relaxed" by default. */
  readonly cbtHardeningLevel?: CbtHardeningLevel;
  /** WinRM's mapping of client certificates to the user, over TLS: the PEM of who signs them, and the user principal name in them. */
  readonly certificateMapping?: { readonly authority: string | Buffer; readonly subject: string };
  /** Rules by which calls go wrong: see faults/fault-rules.ts. */
  readonly faultsFile?: string;
  /** What is not known of real hosts, otherwise than by default. */
  readonly uncertainties?: Partial<Uncertainties>;
  /** Told of failures that are bugs of ours; by default they are printed. */
  readonly onBug?: (error: unknown) => void;
}

export interface EmulatedHost {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** Lets time pass. @throws Error without a manual clock */
  advance(ms: number): void;
  /** Turns machines off and stops; they start again with the host if they are set to. */
  close(): Promise<void>;
}

/** Starts a Hyper-V host that answers WS-Management. @throws Error that says what is wrong with an option */
export async function startEmulatedHost(options: EmulatedHostOptions): Promise<EmulatedHost> {
  const release = releaseByName(options.release);
  const uncertainties = { ...defaultUncertainties, ...options.uncertainties };
  const onBug = options.onBug ?? ((error: unknown) => console.error(`emulated host ${options.name}:`, error));
  const faults = options.faultsFile === undefined ? null : await readFaultRules(options.faultsFile);
  const manual = options.clock === "manual" ? new ManualClock(Date.now()) : null;
  const clock = manual ?? autoClock;
  const drive = new HostDrive(join(options.dataDir, "drive"));
  await mkdir(drive.root, { recursive: true });
  for (const folder of [virtualHardDiskPath, configurationRoot, "C:\\Windows\\System32", "C:\\Windows\\Temp"]) await drive.makeFolder(folder);
  const folder = new StateFolder(options.dataDir);
  const state = await folder.open(() => freshHostRecord(release, clock.nowMs()));
  if (state.host.release !== release.name) throw new Error(`${options.dataDir} belongs to a host of release ${state.host.release}; it cannot become one of ${release.name}.`);
  const disks = new VirtualDisks(drive);
  const host = new Host({
    name: options.name, release, clock, uncertainties, folder, files: new DriveFiles(drive), disks, capacity: hostCapacity(options.machines, drive.root), record: state.host, machines: state.machines,
    makeMachine: machineFactory(options.machines, uncertainties), makePrograms: (pipes) => createPrograms({ drive, pipes, release, computerName: options.name.toUpperCase(), onBug }), onBug,
  });
  const provider = new WmiProvider(host);
  const server = await startWsmanServer({
    provider: faults ? new FaultyProvider(provider, faults, clock) : provider, programs: host.programs, listen: options.listen, computerName: host.computerName, onBug,
    ...waysIn(options),
  });
  await startMachinesOf(host);
  return {
    name: options.name, url: server.url, port: server.port,
    advance(ms) {
      if (!manual) throw new Error("The host's clock runs by itself; start it with a manual clock to move it.");
      manual.advance(ms);
    },
    async close() {
      await server.close();
      host.processes.close();
      host.jobs.close();
      await Promise.all([...host.machines].map((machine) => machine.stopWithHost()));
      await disks.close();
    },
  };
}

function machineFactory(machines: "firmware" | "instant", uncertainties: Uncertainties): MachineFactory {
  return machines === "instant" ? () => new InstantMachine() : (guid, folder, events) => new FirmwareMachine(guid, folder, events, uncertainties.consoleKeptBytes);
}

const startupAction = { ifRunning: 3, always: 4 } as const;

/** Machines that were on when the host went down come back if they are set to; the others stay as they are. */
async function startMachinesOf(host: Host): Promise<void> {
  for (const machine of host.machines) {
    const action = Number(machine.record.settings["AutomaticStartupAction"]);
    const { wasRunning } = machine.record;
    if (action === startupAction.always || (action === startupAction.ifRunning && wasRunning)) {
      // A machine that cannot start stays off, as after the start of a real host.
      await machine.inTurn(() => startMachine(host, machine)).catch((error: unknown) => {
        if (!(error instanceof Refusal)) host.onBug(error);
      });
    }
    if (wasRunning && machine.machine.power === "off") await machine.inTurn(() => machine.keep({ ...machine.record, wasRunning: false }));
  }
}

/** Negotiate everywhere, as on a stock host, and Basic where nobody listens; one account for all of it. */
function waysIn({ user, password, listen, tls, allowUnencrypted = false, cbtHardeningLevel = "relaxed", certificateMapping }: EmulatedHostOptions): Pick<WsmanServerOptions, "authenticateBasic" | "negotiate" | "certificates" | "tls" | "allowUnencrypted"> {
  const isUser = (name: string) => localAccountName(name) === localAccountName(user);
  return {
    allowUnencrypted,
    negotiate: { secretOf: (name) => (isUser(name) ? password : null), cbtHardeningLevel },
    ...(tls || allowUnencrypted || isLoopback(listen.host) ? { authenticateBasic: (name, given) => isUser(name) && isSame(given, password) } : {}),
    ...(tls ? { tls } : {}),
    ...(certificateMapping ? { certificates: { authority: certificateMapping.authority, userOf: (certificate) => (principalNameOf(certificate)?.toLowerCase() === certificateMapping.subject.toLowerCase() ? user : null) } } : {}),
  };
}

/** In a time that tells nothing of how much is the same. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
