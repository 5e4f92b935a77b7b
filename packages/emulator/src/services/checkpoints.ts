import { randomUUID } from "node:crypto";
import { dateTimeFromDate } from "@signet/wsman";
import type { CimReference } from "@signet/wsman/cim";
import { branchDisks, diskPathsOf, dissolveDisk, removeDisks, withDiskPaths } from "../host/checkpoint-disks.ts";
import type { Host } from "../host/host.ts";
import { prepareHardware } from "../host/machine-hardware.ts";
import type { CheckpointRecord, DeviceRecord, MachineConfiguration, MachineRecord } from "../host/machine-record.ts";
import { settingsId, snapshotType } from "../host/new-machine.ts";
import { invalidParameter, invalidState, notSupported, Refusal, returnCode } from "../host/refusal.ts";
import { enabledState, type VirtualMachine } from "../host/virtual-machine.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { finishAsJob } from "./job-answer.ts";
import { configurationTarget, machineReference, machineTarget, settingsReference } from "./targets.ts";

const service = "Msvm_VirtualSystemSnapshotService";
const jobType = { create: 70, apply: 71, destroy: 72 } as const;
const full = 2;
const disksOnly = 3;
const checkpointsDisabled = 2;

/** Checkpoints: settings and disks as they were, and on real differencing disks. Memory is not part of them here. */
export const checkpointMethods: Readonly<Record<string, MethodHandler>> = {
  [`${service}.CreateSnapshot`]: createCheckpoint,
  [`${service}.ApplySnapshot`]: applyCheckpoint,
  [`${service}.DestroySnapshot`]: (call) => destroyCheckpoints(call, "AffectedSnapshot", false),
  [`${service}.DestroySnapshotTree`]: (call) => destroyCheckpoints(call, "SnapshotSettingData", true),
};

async function createCheckpoint({ host, input }: MethodCall) {
  const machine = machineTarget(host, input.reference("AffectedSystem"), "AffectedSystem");
  const settings = input.instance("SnapshotSettings");
  const type = input.number("SnapshotType");
  const guid = randomUUID().toUpperCase();
  const name = Object.entries(settings?.properties ?? {}).find(([property]) => property.toLowerCase() === "elementname")?.[1].value;
  // With a job the new settings are not named in the answer, as on real hosts: they are found through the job's association.
  const job = { className: "Msvm_ConcreteJob", type: jobType.create, caption: "Creating Checkpoint", affected: [machineReference(machine)], created: [settingsReference(guid)] } as const;
  const output = await finishAsJob(host, job, () => machine.inTurn(async () => {
    if (type !== full && type !== disksOnly) throw invalidParameter(`SnapshotType is ${String(type)}; it is ${full} or ${disksOnly}.`);
    if (machine.record.settings["UserSnapshotType"] === checkpointsDisabled) throw new Refusal(returnCode.failed, `Checkpoints of '${machine.name}' have been disabled.`);
    if (machine.state === enabledState.saved) throw notSupported("Checkpoints of saved machines are not supported on this host.");
    await machine.withDisksFree(async () => {
      const { record } = machine;
      const branched = await branchDisks(host, diskPathsOf(record), guid);
      try {
        await machine.keep(withCheckpoint(host, record, guid, typeof name === "string" && name !== "" ? name : null, branched));
      } catch (error) {
        await removeDisks(host, [...branched.values()]);
        throw error;
      }
    }, () => prepareHardware(host, machine.record));
    return {};
  }));
  return { ...output, ResultingSnapshot: output.ReturnValue === returnCode.completed ? settingsReference(guid) : null };
}

function withCheckpoint(host: Host, record: MachineRecord, guid: string, name: string | null, branched: ReadonlyMap<string, string>): MachineRecord {
  const now = new Date(host.clock.nowMs());
  const copy = moved(record, record.guid, guid);
  const settings = {
    ...copy.settings, InstanceID: settingsId(guid), VirtualSystemType: snapshotType, CreationTime: dateTimeFromDate(now), Description: "Checkpoint Settings for the virtual machine.",
    ElementName: name ?? `${String(record.settings["ElementName"])} - (${now.toISOString().slice(0, 19).replace("T", " ")})`,
  };
  const checkpoint: CheckpointRecord = { ...copy, settings, guid, parent: record.currentCheckpoint };
  return { ...record, devices: withDiskPaths(record.devices, branched), checkpoints: [...record.checkpoints, checkpoint], currentCheckpoint: guid };
}

/** A configuration under another GUID: the InstanceIDs of its devices begin with that, and their parents' too. */
function moved(configuration: MachineConfiguration, from: string, to: string): MachineConfiguration {
  const rename = (id: string) => id.replace(settingsId(from), () => settingsId(to));
  const device = (one: DeviceRecord): DeviceRecord => {
    const parent = one.values["Parent"];
    return { ...one, id: rename(one.id), values: { ...one.values, InstanceID: rename(one.id), ...(typeof parent === "string" ? { Parent: rename(parent) } : {}) } };
  };
  return { settings: configuration.settings, devices: configuration.devices.map(device), bootDevices: configuration.bootDevices.map(rename) };
}

async function applyCheckpoint({ host, input }: MethodCall) {
  const { machine, checkpoint } = checkpointTarget(host, input.reference("Snapshot"), "Snapshot");
  return finishAsJob(host, { className: "Msvm_ConcreteJob", type: jobType.apply, caption: "Applying Checkpoint", affected: [machineReference(machine)] }, () => machine.inTurn(async () => {
    if (machine.state !== enabledState.off) throw invalidState("A checkpoint is applied while the machine is off.");
    const { record } = machine;
    const branched = await branchDisks(host, diskPathsOf(checkpoint), randomUUID().toUpperCase());
    const back = moved(checkpoint, checkpoint.guid, record.guid);
    const keepers = ["InstanceID", "VirtualSystemType", "ElementName", "CreationTime", "Notes", "Description"] as const;
    const own = Object.fromEntries(keepers.map((name) => [name, record.settings[name] ?? null]));
    await machine.keep({
      ...record, settings: { ...back.settings, ...own }, devices: withDiskPaths(back.devices, branched), bootDevices: back.bootDevices, currentCheckpoint: checkpoint.guid,
    });
    // What the machine wrote since its last checkpoint belongs to nobody any more.
    const kept = new Set(machine.record.checkpoints.flatMap(diskPathsOf));
    await removeDisks(host, diskPathsOf(record).filter((path) => !kept.has(path) && /\.avhdx?$/i.test(path)));
    return {};
  }));
}

async function destroyCheckpoints({ host, input }: MethodCall, parameter: string, wholeTree: boolean) {
  const { machine, checkpoint } = checkpointTarget(host, input.reference(parameter), parameter);
  return finishAsJob(host, { className: "Msvm_ConcreteJob", type: jobType.destroy, caption: "Deleting Checkpoint", affected: [machineReference(machine)] }, () => machine.inTurn(async () => {
    await machine.withDisksFree(async () => {
      // Leaves first, so that each has as few children as can be when its turn comes.
      const doomed = wholeTree ? treeOf(machine.record, checkpoint.guid).toReversed() : [checkpoint.guid];
      for (const guid of doomed) await destroyOne(host, machine, guid);
    }, () => prepareHardware(host, machine.record));
    return {};
  }));
}

function treeOf(record: MachineRecord, root: string): string[] {
  return [root, ...record.checkpoints.filter(({ parent }) => parent === root).flatMap(({ guid }) => treeOf(record, guid))];
}

async function destroyOne(host: Host, machine: VirtualMachine, guid: string): Promise<void> {
  const { record } = machine;
  const doomed = record.checkpoints.find((checkpoint) => checkpoint.guid === guid);
  if (!doomed) return;
  let remaining: MachineRecord = {
    ...record, currentCheckpoint: record.currentCheckpoint === guid ? doomed.parent : record.currentCheckpoint,
    checkpoints: record.checkpoints.filter((one) => one !== doomed).map((one) => (one.parent === guid ? { ...one, parent: doomed.parent } : one)),
  };
  // The checkpoint goes first: a crash in between leaves its disks in use by those that remain, never a checkpoint without disks.
  await machine.keep(remaining);
  for (const path of diskPathsOf(doomed)) {
    const { replaced, obsolete } = await dissolveDisk(host, path, [remaining, ...remaining.checkpoints].flatMap(diskPathsOf));
    if (replaced.size > 0) {
      remaining = { ...remaining, devices: withDiskPaths(remaining.devices, replaced), checkpoints: remaining.checkpoints.map((one) => ({ ...one, devices: withDiskPaths(one.devices, replaced) })) };
      await machine.keep(remaining);
    }
    await removeDisks(host, obsolete);
  }
}

function checkpointTarget(host: Host, reference: CimReference | null, parameter: string): { readonly machine: VirtualMachine; readonly checkpoint: CheckpointRecord } {
  const { machine, configuration } = configurationTarget(host, reference, parameter);
  const checkpoint = machine.record.checkpoints.find((one) => one === configuration);
  if (!checkpoint) throw invalidParameter(`${parameter} names the machine itself, not one of its checkpoints.`);
  return { machine, checkpoint };
}
