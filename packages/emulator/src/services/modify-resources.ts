import { isKind, kindOfDevice, type DeviceKind } from "../host/device-kinds.ts";
import { cdImageKind, connectionKind, emulatedNicKind, memoryKind, processorKind, serialPortKind, syntheticNicKind, integrationKinds } from "../host/device-kinds-data.ts";
import type { Host } from "../host/host.ts";
import { generationOf, type DeviceRecord, type MachineConfiguration, type Values } from "../host/machine-record.ts";
import { formatObjectPath } from "@signet/wsman";
import { referenceTo } from "../provider/wmi-object.ts";
import { findSwitch, switchObject } from "../provider/classes/switches.ts";
import { changedValues, sameButForCase } from "./read-settings.ts";
import { invalidParameter, invalidState } from "../host/refusal.ts";

/** Where a device is and what it is cannot be changed; moving means removing and adding. */
const fixedProperties: ReadonlySet<string> = new Set(["InstanceID", "ResourceType", "ResourceSubType", "Parent", "AddressOnParent", "VirtualQuantityUnits", "AllocationUnits", "ConsumerVisibility", "Caption", "Description", "OtherResourceType"]);
const processorsMax = { 1: 64, 2: 240 } as const;

export type PowerState = "off" | "running" | "paused" | "saved";

/** The device with given values in place of its own. @throws Refusal for what is fixed, not valid, or not possible in that state */
export function modifiedDevice(host: Host, configuration: MachineConfiguration, device: DeviceRecord, given: Values, state: PowerState): DeviceRecord {
  const changed = changedValues(device.values, given);
  for (const [name, value] of Object.entries(changed)) {
    if (sameButForCase(device.values[name] ?? null, value) || (name === "Parent" && samePath(device.values[name] ?? null, value))) delete changed[name];
    else if (fixedProperties.has(name)) throw invalidParameter(`${name} of the ${String(device.values["ElementName"])} cannot be changed.`);
  }
  if (Object.keys(changed).length === 0) return device;
  if (state !== "off") checkLive(host, configuration, device, changed, state);
  const modified = canonical(host, { ...device, values: { ...device.values, ...changed } });
  checkDeviceValues(host, modified, configuration);
  return modified;
}

function samePath(left: Values[string], right: Values[string]): boolean {
  const bare = (value: Values[string]) => String(value).toLowerCase().replace(/^.*?:msvm_/, "msvm_").replaceAll("\\\\", "\\");
  return bare(left) === bare(right);
}

function checkLive(host: Host, configuration: MachineConfiguration, device: DeviceRecord, changed: Values, state: PowerState): void {
  const kind = kindOfDevice(device);
  if (state === "saved") throw invalidState("A saved machine cannot be changed.");
  const modern = !host.release.version.startsWith("6.");
  const named = (names: readonly string[]) => Object.keys(changed).every((name) => names.includes(name));
  const isAllowed = kind !== undefined && (
    (kind === memoryKind && state === "running" && (modern ? generationOf(configuration) === 2 || configuration.settings["Version"] !== "5.0" : changed["DynamicMemoryEnabled"] === undefined && changed["VirtualQuantity"] === undefined))
    || (kind === processorKind && named(["Reservation", "Limit", "Weight"]))
    || kind === cdImageKind || kind === connectionKind || kind === serialPortKind || integrationKinds.includes(kind)
    || ((kind === syntheticNicKind || kind === emulatedNicKind) && named(["ElementName", "ClusterMonitored"]))
    || named(["ElementName", "IOPSLimit", "IOPSReservation", "StorageQoSPolicyID"])
  );
  if (!isAllowed) throw invalidState(`${Object.keys(changed).join(", ")} of the ${String(device.values["ElementName"])} can be changed only while the machine is off.`);
}

/** Checks the values of a device, new or changed. @throws Refusal */
export function checkDeviceValues(host: Host, device: DeviceRecord, configuration: MachineConfiguration): void {
  const kind = kindOfDevice(device);
  if (kind === memoryKind) checkMemory(device.values);
  if (kind === processorKind) checkRange(device.values, kind, "VirtualQuantity", processorsMax[generationOf(configuration)]);
  if (kind === syntheticNicKind || kind === emulatedNicKind) checkAddress(device.values);
  if (kind === connectionKind) checkConnection(host, device.values);
  if (kind === serialPortKind) checkPipe(device.values);
}

function checkRange(values: Values, kind: DeviceKind, name: string, high = Number(kind.maximum?.[name])): number {
  const value = Number(values[name]);
  const low = Number(kind.minimum?.[name]);
  if (!Number.isFinite(value) || value < low || value > high) throw invalidParameter(`${name} of the ${kind.title} is ${String(values[name])}; it takes ${low} to ${high}.`);
  return value;
}

function checkMemory(values: Values): void {
  const quantity = checkRange(values, memoryKind, "VirtualQuantity");
  if (quantity % 2 !== 0) throw invalidParameter(`The memory is ${quantity} MB; it must be a multiple of 2 MB.`);
  if (values["DynamicMemoryEnabled"] !== true) return;
  const [reservation, limit] = [Number(values["Reservation"]), Number(values["Limit"])];
  if (reservation > quantity || quantity > limit) throw invalidParameter(`Dynamic memory needs Reservation (${reservation}) ≤ VirtualQuantity (${quantity}) ≤ Limit (${limit}).`);
}

function checkAddress(values: Values): void {
  const address = String(values["Address"] ?? "");
  if (values["StaticMacAddress"] === true && !/^[0-9A-F]{12}$/i.test(address)) throw invalidParameter(`The MAC address "${address}" is not twelve hexadecimal digits.`);
}

function checkConnection(host: Host, values: Values): void {
  const resource = values["HostResource"];
  if (!Array.isArray(resource) || resource.length === 0 || resource[0] === "") return;
  if (resource.length > 1 || !findSwitch(host, String(resource[0]))) throw invalidParameter(`HostResource ${resource.map(String).join(", ")} is no virtual switch of this host.`);
}

function checkPipe(values: Values): void {
  const connection = values["Connection"];
  if (!Array.isArray(connection) || connection.length === 0 || connection[0] === "") return;
  if (connection.length > 1 || !/^\\\\[^\\]+\\pipe\\[^\\/]+$/i.test(String(connection[0]))) throw invalidParameter(`A serial port leads to one named pipe, such as \\\\.\\pipe\\name, not to ${connection.map(String).join(", ")}.`);
}

/** A switch is kept by its path in the form that this host writes, so that clients find it by comparing. */
export function canonical(host: Host, device: DeviceRecord): DeviceRecord {
  const resource = device.values["HostResource"];
  if (!isKind(device, connectionKind) || !Array.isArray(resource) || resource.length === 0) return device;
  const found = findSwitch(host, String(resource[0]));
  return found ? { ...device, values: { ...device.values, HostResource: [formatObjectPath(referenceTo(switchObject(host, found)), host.computerName)] } } : device;
}
