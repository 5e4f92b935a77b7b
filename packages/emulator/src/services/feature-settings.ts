import { randomUUID } from "node:crypto";
import type { CimReference } from "@signet/wsman/cim";
import { isKind } from "../host/device-kinds.ts";
import { connectionKind } from "../host/device-kinds-data.ts";
import type { Host } from "../host/host.ts";
import { deviceById, type DeviceRecord } from "../host/machine-record.ts";
import { invalidParameter, notSupported } from "../host/refusal.ts";
import type { VirtualMachine } from "../host/virtual-machine.ts";
import { deviceObject, featureClasses, newFeature, vlanClass } from "../provider/classes/device-settings.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { referenceTo } from "../provider/wmi-object.ts";
import { finishAsJob } from "./job-answer.ts";
import { readSettings } from "./read-settings.ts";
import { idOf, ownerOf } from "./resource-settings.ts";
import { keyOf, machineReference } from "./targets.ts";

const service = "Msvm_VirtualSystemManagementService";
const jobType = { add: 40, modify: 41, remove: 42 } as const;
const vlanMax = 4094;

/** What is set on a switch connection: VLAN and port security. */
export const featureSettingsMethods: Readonly<Record<string, MethodHandler>> = {
  [`${service}.AddFeatureSettings`]: addFeatures,
  [`${service}.ModifyFeatureSettings`]: modifyFeatures,
  [`${service}.RemoveFeatureSettings`]: removeFeatures,
};

async function addFeatures({ host, input }: MethodCall) {
  const instances = input.instances("FeatureSettings");
  const connectionId = idIn(input.reference("AffectedConfiguration"));
  const machine = ownerOf(host, connectionId);
  return finishAsJob(host, jobOf(machine, jobType.add, "Adding Ethernet Switch Port Features"), () => machine.inTurn(async () => {
    const connection = deviceById(machine.record, connectionId);
    if (!connection || !isKind(connection, connectionKind)) throw invalidParameter("AffectedConfiguration must name an Msvm_EthernetPortAllocationSettingData of a machine.");
    const added = instances.map((instance): DeviceRecord => {
      const className = featureClasses.find((name) => name.toLowerCase() === instance.className.toLowerCase());
      if (className === undefined) throw notSupported(`Features of the class ${instance.className} are not supported on this host.`);
      const given = readSettings(host, instance, className);
      const id = `${connection.id}\\${randomUUID().toUpperCase()}`;
      return checked({ className, id, values: newFeature(className, id, given, host) });
    });
    const { devices } = machine.record;
    const twice = added.find((feature) => [...devices, ...added].some((one) => one !== feature && one.className === feature.className && one.id.startsWith(`${connection.id}\\`)));
    if (added.length === 0 || twice) throw invalidParameter(twice ? `The connection has its ${twice.className} already; modify that.` : "FeatureSettings is empty.");
    await machine.keep({ ...machine.record, devices: [...devices, ...added] });
    return { ResultingFeatureSettings: references(host, added) };
  }));
}

async function modifyFeatures({ host, input }: MethodCall) {
  const instances = input.instances("FeatureSettings");
  const machine = ownerOf(host, instances[0] ? idOf(instances[0]) : "");
  return finishAsJob(host, jobOf(machine, jobType.modify, "Modifying Ethernet Switch Port Features"), () => machine.inTurn(async () => {
    const changed = instances.map((instance) => {
      const feature = featureOf(machine, idOf(instance));
      return checked({ ...feature, values: { ...feature.values, ...readSettings(host, instance, feature.className), InstanceID: feature.id } });
    });
    const byId = new Map(changed.map((feature) => [feature.id, feature]));
    await machine.keep({ ...machine.record, devices: machine.record.devices.map((one) => byId.get(one.id) ?? one) });
    return { ResultingFeatureSettings: references(host, changed) };
  }));
}

async function removeFeatures({ host, input }: MethodCall) {
  const ids = input.references("FeatureSettings").map(idIn);
  const machine = ownerOf(host, ids[0] ?? "");
  return finishAsJob(host, jobOf(machine, jobType.remove, "Removing Ethernet Switch Port Features"), () => machine.inTurn(async () => {
    const gone = new Set(ids.map((id) => featureOf(machine, id).id));
    await machine.keep({ ...machine.record, devices: machine.record.devices.filter(({ id }) => !gone.has(id)) });
    return {};
  }));
}

function featureOf(machine: VirtualMachine, id: string): DeviceRecord {
  const feature = deviceById(machine.record, id);
  if (!feature || !featureClasses.includes(feature.className)) throw invalidParameter(`${id} names no feature of a connection of the machine.`);
  return feature;
}

function checked(feature: DeviceRecord): DeviceRecord {
  if (feature.className !== vlanClass) return feature;
  for (const name of ["AccessVlanId", "NativeVlanId", "PrimaryVlanId", "SecondaryVlanId"]) {
    const value = Number(feature.values[name] ?? 0);
    if (value > vlanMax) throw invalidParameter(`${name} is ${value}; VLAN ids end at ${vlanMax}.`);
  }
  if (![1, 2, 3].includes(Number(feature.values["OperationMode"]))) throw invalidParameter("OperationMode is 1 access, 2 trunk or 3 private.");
  return feature;
}

function references(host: Host, features: readonly DeviceRecord[]): CimReference[] {
  return features.map((feature) => referenceTo(deviceObject(host, feature)));
}

function idIn(reference: CimReference | null): string {
  return reference === null ? "" : keyOf(reference, "InstanceID") ?? "";
}

function jobOf(machine: VirtualMachine, type: number, caption: string) {
  return { className: "Msvm_ConcreteJob", type, caption, affected: [machineReference(machine)] } as const;
}
