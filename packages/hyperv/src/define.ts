import { pathsOf, type AboutHost } from "./about-host.ts";
import { referencesIn } from "./cim-values.ts";
import { addDisk, addNics, orderBoot, setBasics } from "./define-devices.ts";
import { destroyMachine } from "./destroy.ts";
import { findOwnedMachines } from "./find-machine.ts";
import { findFile, makeFolder } from "./host-files.ts";
import type { HostSession } from "./host-session.ts";
import type { MachineActual, MachineSpec } from "./host-types.ts";
import { perform } from "./jobs.ts";
import { impossibleOn, systemSettings } from "./machine-settings.ts";
import { readOwnedMachine } from "./read-machine.ts";
import { machineService } from "./references.ts";
import { findSwitches } from "./switches.ts";

// Undoing goes on when the caller has gone, but not for ever.
const undoTimeoutMs = 120_000;

/**
 * Makes a server's machine with all its devices, off. One that an earlier call finished is kept; one that was left half made is
 * removed and made anew, which is simpler to be right about than to go on with it. What fails leaves nothing behind.
 */
export async function defineMachine(session: HostSession, about: AboutHost, spec: MachineSpec): Promise<string> {
  const impossible = impossibleOn(spec, about, session.link.quirks);
  if (impossible !== null) throw session.fault("HV-NOT-SUPPORTED", impossible);
  const finished = await findFinished(session, about, spec);
  if (finished !== null) return finished;
  const [switches, disk] = await Promise.all([findSwitches(session, spec.nics.map((nic) => nic.switchName)), findFile(session, spec.rootDiskPath)]);
  if (disk === null) throw session.fault("HV-DISK-MISSING", `The root disk ${spec.rootDiskPath} is not on the host.`);
  const guid = await defineSystem(session, about, spec);
  try {
    const machine = { guid, about, spec };
    await setBasics(session, machine);
    await addDisk(session, machine);
    await addNics(session, machine, switches);
    await orderBoot(session, machine);
    return guid;
  } catch (error) {
    // After an abort this process is going away: the next call finds the half and removes it.
    if (!session.signal.aborted) await destroyMachine(session.under(AbortSignal.timeout(undoTimeoutMs)), guid).catch(() => undefined);
    throw error;
  }
}

/** The machine of an earlier call; those that it did not finish are removed. */
async function findFinished(session: HostSession, about: AboutHost, spec: MachineSpec): Promise<string | null> {
  for (const machine of await findOwnedMachines(session)) {
    if (machine.serverId !== spec.serverId.toLowerCase()) continue;
    const actual = await readOwnedMachine(session, machine);
    if (actual === null) continue;
    // A machine that was started is finished, whatever has become of it.
    if (actual.state !== "off") return actual.guid;
    if (isFinished(actual, spec)) {
      await orderBoot(session, { guid: actual.guid, about, spec });
      return actual.guid;
    }
    await destroyMachine(session, actual.guid);
  }
  return null;
}

/** Devices are made in one order, so that the last of them tells that all are there. */
function isFinished(actual: MachineActual, spec: MachineSpec): boolean {
  const nics = spec.nics.every((nic) => actual.nics.some((one) => sameAddress(one.macAddress, nic.macAddress) && one.switchName?.toLowerCase() === nic.switchName.toLowerCase()));
  const template = spec.secureBoot.templateId === null || spec.secureBoot.templateId.toLowerCase() === actual.secureBootTemplateId;
  return actual.generation === spec.generation && actual.secureBootEnabled === spec.secureBoot.enabled && template
    && actual.cpuCount === spec.cpuCount && actual.memoryBytes === spec.memoryBytes
    && actual.diskPaths.some((path) => path.toLowerCase() === spec.rootDiskPath.toLowerCase())
    && actual.nics.length === spec.nics.length && nics;
}

function sameAddress(left: string, right: string): boolean {
  return left.replace(/[^0-9a-f]/gi, "").toLowerCase() === right.replace(/[^0-9a-f]/gi, "").toLowerCase();
}

/** @returns the machine's id, upper-case */
async function defineSystem(session: HostSession, about: AboutHost, spec: MachineSpec): Promise<string> {
  const folder = pathsOf(session, about).serverFolder(spec.serverId);
  await makeFolder(session, folder);
  const findMine = async () => (await findOwnedMachines(session)).find((machine) => machine.serverId === spec.serverId.toLowerCase())?.guid;
  const result = await perform(session, {
    target: machineService, method: "DefineSystem", parameters: { SystemSettings: systemSettings(spec, about, session.link.quirks, folder) },
    what: "define the machine", isDone: async () => (await findMine()) !== undefined,
  });
  const guid = referencesIn(result["ResultingSystem"])[0]?.keys["Name"] ?? await findMine();
  if (guid === undefined) throw session.fault("HV-FAILED", "The host defined a machine, but does not have it.");
  return guid.toUpperCase();
}
