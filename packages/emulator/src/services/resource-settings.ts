import { WMI, wmiFailure } from "@signet/wsman";
import type { CimInstance, CimReference } from "@signet/wsman/cim";
import { classNameOf, isKind, kindOfDevice } from "../host/device-kinds.ts";
import { connectionKind, diskDriveKind, emulatedNicKind, hardDiskImageKind, ideControllerKind, scsiControllerKind, syntheticNicKind, cdImageKind } from "../host/device-kinds-data.ts";
import type { Host } from "../host/host.ts";
import { deviceById, generationOf, type DeviceRecord, type MachineConfiguration } from "../host/machine-record.ts";
import { enabledState, type VirtualMachine } from "../host/virtual-machine.ts";
import { deviceObject } from "../provider/classes/device-settings.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { referenceTo } from "../provider/wmi-object.ts";
import { addResource, type Addition } from "./add-resources.ts";
import { checkImage } from "./check-image.ts";
import { finishAsJob } from "./job-answer.ts";
import { modifiedDevice, type PowerState } from "./modify-resources.ts";
import { readSettings } from "./read-settings.ts";
import { invalidParameter, invalidState } from "../host/refusal.ts";
import { keyOf, machineReference, machineTarget } from "./targets.ts";

const jobType = { add: 30, modify: 31, remove: 32 } as const;

/** Devices of machines: Msvm_VirtualSystemManagementService. */
export const resourceSettingsMethods: Readonly<Record<string, MethodHandler>> = {
  "Msvm_VirtualSystemManagementService.AddResourceSettings": addResourceSettings,
  "Msvm_VirtualSystemManagementService.ModifyResourceSettings": modifyResourceSettings,
  "Msvm_VirtualSystemManagementService.RemoveResourceSettings": removeResourceSettings,
};

async function addResourceSettings({ host, input }: MethodCall) {
  const instances = input.instances("ResourceSettings");
  const machine = machineTarget(host, input.reference("AffectedConfiguration"), "AffectedConfiguration");
  return finishAsJob(host, jobOf(machine, jobType.add, "Adding Virtual Machine Resources"), () => machine.inTurn(async () => {
    if (instances.length === 0) throw invalidParameter("ResourceSettings is empty.");
    refuseSaved(machine);
    const { record } = machine;
    const addition: Addition = { host, guid: machine.guid, isOff: machine.isOff, configuration: record, aliases: new Map() };
    const added: DeviceRecord[] = [];
    for (const instance of instances) added.push(await addResource(addition, instance));
    await machine.keep({ ...record, ...addition.configuration });
    return { ResultingResourceSettings: added.map((device) => referenceTo(deviceObject(host, device))) };
  }));
}

async function modifyResourceSettings({ host, input }: MethodCall) {
  const instances = input.instances("ResourceSettings");
  const [first] = instances;
  if (!first) throw invalidParameter("ResourceSettings is empty.");
  const machine = ownerOf(host, idOf(first));
  return finishAsJob(host, jobOf(machine, jobType.modify, "Modifying Virtual Machine Resources"), () => machine.inTurn(async () => {
    let configuration: MachineConfiguration = machine.record;
    const changed: DeviceRecord[] = [];
    for (const instance of instances) {
      const device = await modify(host, configuration, powerState(machine), instance);
      configuration = { ...configuration, devices: configuration.devices.map((one) => (one.id === device.id ? device : one)) };
      changed.push(device);
    }
    await machine.keep({ ...machine.record, ...configuration });
    return { ResultingResourceSettings: changed.map((device) => referenceTo(deviceObject(host, device))) };
  }));
}

async function modify(host: Host, configuration: MachineConfiguration, state: PowerState, instance: CimInstance): Promise<DeviceRecord> {
  const device = deviceById(configuration, idOf(instance));
  const kind = device && kindOfDevice(device);
  if (!device || !kind) throw invalidParameter(`InstanceID "${idOf(instance)}" names no device of the machine.`);
  const modified = modifiedDevice(host, configuration, device, readSettings(host, instance, classNameOf(kind, host.release)), state);
  const isImage = isKind(device, hardDiskImageKind) || isKind(device, cdImageKind);
  if (isImage && modified.values["HostResource"] !== device.values["HostResource"]) await checkImage(host, kind, generationOf(configuration), modified.values["HostResource"]);
  return modified;
}

async function removeResourceSettings({ host, input }: MethodCall) {
  const references = input.references("ResourceSettings");
  const [first] = references;
  if (!first) throw invalidParameter("ResourceSettings is empty.");
  const machine = ownerOf(host, keyOf(first, "InstanceID") ?? "");
  return finishAsJob(host, jobOf(machine, jobType.remove, "Removing Virtual Machine Resources"), () => machine.inTurn(async () => {
    refuseSaved(machine);
    let configuration: MachineConfiguration = machine.record;
    for (const reference of references) configuration = withoutDevice(host, machine, configuration, reference);
    await machine.keep({ ...machine.record, ...configuration });
    return {};
  }));
}

function withoutDevice(host: Host, machine: VirtualMachine, configuration: MachineConfiguration, reference: CimReference): MachineConfiguration {
  const id = keyOf(reference, "InstanceID") ?? "";
  const device = deviceById(configuration, id);
  if (!device) throw invalidParameter(`${id} is no device of the machine.`);
  const kind = kindOfDevice(device);
  if (!kind?.addable) throw invalidParameter(`A ${kind?.title ?? device.className} can be neither added nor removed.`);
  checkRemoval(host, machine, configuration, device);
  // What hangs on a network adapter goes with it; so do the features of a connection.
  const gone = (one: DeviceRecord) => one.id === device.id || ((isKind(device, syntheticNicKind) || isKind(device, emulatedNicKind) || isKind(device, connectionKind)) && one.id.startsWith(`${device.id}\\`));
  return { ...configuration, devices: configuration.devices.filter((one) => !gone(one)), bootDevices: configuration.bootDevices.filter((one) => one !== device.id) };
}

function checkRemoval(host: Host, machine: VirtualMachine, configuration: MachineConfiguration, device: DeviceRecord): void {
  const image = deviceById(configuration, `${device.id.slice(0, -1)}L`);
  // A real host answers a WMI error here, no return value. An empty DVD drive goes at once, a drive with its image never.
  if (device.id.endsWith("\\D") && image) throw wmiFailure(WMI.failed, "The drive still holds an image; remove that first.");
  if (isKind(device, scsiControllerKind) && configuration.devices.some((one) => one.id.startsWith(`${device.id}\\`))) throw wmiFailure(WMI.failed, "The controller still has drives; remove those first.");
  if (machine.isOff) return;
  const controller = configuration.devices.find((one) => isKind(one, ideControllerKind) && device.id.startsWith(`${one.id}\\`));
  const hotAdapter = isKind(device, syntheticNicKind) && generationOf(configuration) === 2 && !host.release.version.startsWith("6.");
  const isDisk = isKind(device, diskDriveKind) || isKind(device, hardDiskImageKind);
  if ((controller && isDisk) || isKind(device, scsiControllerKind) || isKind(device, emulatedNicKind) || (isKind(device, syntheticNicKind) && !hotAdapter)) throw invalidState(`The ${String(device.values["ElementName"])} can be removed only while the machine is off.`);
}

function refuseSaved(machine: VirtualMachine): void {
  if (machine.state === enabledState.saved) throw invalidState("A saved machine cannot be changed.");
}

function powerState(machine: VirtualMachine): PowerState {
  if (machine.isOff) return "off";
  if (machine.state === enabledState.saved) return "saved";
  return machine.state === enabledState.paused ? "paused" : "running";
}

/** The machine to which a device belongs, by the GUID in its InstanceID. @throws Refusal */
export function ownerOf(host: Host, id: string): VirtualMachine {
  const guid = /^Microsoft:([0-9a-f-]{36})\\/i.exec(id)?.[1];
  const machine = guid === undefined ? undefined : host.machine(guid);
  if (!machine) throw invalidParameter(`InstanceID "${id}" belongs to no machine of this host.`);
  return machine;
}

export function idOf(instance: CimInstance): string {
  return String(Object.entries(instance.properties).find(([name]) => name.toLowerCase() === "instanceid")?.[1].value ?? "");
}

function jobOf(machine: VirtualMachine, type: number, caption: string) {
  return { className: "Msvm_ConcreteJob", type, caption, affected: [machineReference(machine)] } as const;
}
