import { pathsOf, type AboutHost } from "./about-host.ts";
import { readBoolean, readNumber, readText, readTexts } from "./cim-values.ts";
import { findOwnedMachines, readSystem, type OwnedMachine } from "./find-machine.ts";
import { HostFault } from "./host-fault.ts";
import { deleteFolder } from "./host-files.ts";
import { serverFolderOf } from "./host-paths.ts";
import type { HostSession } from "./host-session.ts";
import { perform } from "./jobs.ts";
import { stateOf } from "./machine-state.ts";
import { setPower } from "./power.ts";
import { machineReference, machineService } from "./references.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { pause } from "./slots.ts";
import { ofMachine } from "./wql-text.ts";

/** RequestedState of a job: end it, whatever it is doing. */
const killJob = 5;
// How long jobs get to end once they were told to, and how often we look.
const jobsEndWithinMs = 20_000;
const jobsPollMs = 250;

/**
 * Removes a server's machine, and every file in the server's folder: also when the machine is gone already, half made, or there twice.
 * What can pass is a fault to be tried again; a repeated call goes on where this one ended.
 */
export async function destroyServer(session: HostSession, about: AboutHost, seen: Map<string, string>, serverId: string): Promise<void> {
  const id = serverId.toLowerCase();
  const folders = new Set([pathsOf(session, about).serverFolder(id)]);
  for (const machine of await findOwnedMachines(session)) {
    if (machine.serverId !== id) continue;
    for (const folder of await foldersOf(session, machine)) folders.add(folder);
    await destroyMachine(session, machine.guid);
  }
  seen.delete(id);
  for (const folder of folders) await deleteFolder(session, folder);
}

/** Where the machine's disks lie, if that is a folder made for the server. */
async function foldersOf(session: HostSession, machine: OwnedMachine): Promise<readonly string[]> {
  const disks = await session.query(virtualizationNamespace, `SELECT * FROM Msvm_StorageAllocationSettingData WHERE ${ofMachine(machine.guid)}`);
  return disks.flatMap((disk) => readTexts(disk, "HostResource")).map((path) => serverFolderOf(path, machine.serverId)).filter((folder) => folder !== null);
}

/** Turns a machine off and removes its definition. Succeeds when it is gone. */
export async function destroyMachine(session: HostSession, guid: string): Promise<void> {
  await endJobs(session, guid);
  const system = await readSystem(session, guid);
  if (system === null) return;
  try {
    if (stateOf(system) !== "off") await setPower(session, guid, "turn-off");
    await perform(session, {
      target: machineService, method: "DestroySystem", parameters: { AffectedSystem: machineReference(guid) }, what: "remove the machine",
      isDone: async () => (await readSystem(session, guid)) === null,
    });
  } catch (error) {
    // Somebody else removed it meanwhile, which is what was wanted.
    if (error instanceof HostFault && (await readSystem(session, guid)) === null) return;
    throw error;
  }
}

/** A machine with a job at work cannot be removed. Jobs that do not end are the refusal's business, not ours. */
async function endJobs(session: HostSession, guid: string): Promise<void> {
  const path = `Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${guid}"`;
  const wql = `ASSOCIATORS OF {${path}} WHERE AssocClass = Msvm_AffectedJobElement ResultClass = Msvm_ConcreteJob`;
  const running = async () => (await queryIfThere(session, wql)).filter((job) => readNumber(job, "JobState") < 7);
  const deadline = Date.now() + jobsEndWithinMs;
  const killed = new Set<string>();
  for (let jobs = await running(); jobs.length > 0 && Date.now() < deadline; jobs = await running()) {
    for (const job of jobs) {
      const id = readText(job, "InstanceID");
      if (killed.has(id) || !readBoolean(job, "Cancellable")) continue;
      killed.add(id);
      await session.invoke({ kind: "reference", namespace: virtualizationNamespace, className: job.className, keys: { InstanceID: id } }, "RequestStateChange", { RequestedState: killJob })
        .catch((error: unknown) => { if (!(error instanceof HostFault)) throw error; });
    }
    await pause(jobsPollMs, session.signal);
  }
}

/** The machine that is asked about may be gone. */
async function queryIfThere(session: HostSession, wql: string): ReturnType<HostSession["query"]> {
  return session.query(virtualizationNamespace, wql).catch((error: unknown) => {
    if (error instanceof HostFault && error.code === "HV-NOT-FOUND") return [];
    throw error;
  });
}
