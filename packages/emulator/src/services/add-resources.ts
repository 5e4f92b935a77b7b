import { randomUUID } from "node:crypto";
import { formatObjectPath, ObjectPathError, parseObjectPath } from "@signet/wsman";
import type { CimInstance } from "@signet/wsman/cim";
import { classNameOf, deviceKindOf, isKind, type DeviceKind } from "../host/device-kinds.ts";
import { cdImageKind, connectionKind, deviceKinds, diskDriveKind, dvdDriveKind, emulatedNicKind, floppyDriveKind, hardDiskImageKind, ideControllerKind, scsiControllerKind, syntheticNicKind } from "../host/device-kinds-data.ts";
import type { Host } from "../host/host.ts";
import { deviceById, generationOf, type DeviceRecord, type MachineConfiguration, type Values } from "../host/machine-record.ts";
import { newDevice, settingsId } from "../host/new-machine.ts";
import { devicePathText } from "../provider/classes/device-settings.ts";
import { checkImage } from "./check-image.ts";
import { canonical, checkDeviceValues, modifiedDevice } from "./modify-resources.ts";
import { readSettings } from "./read-settings.ts";
import { invalidParameter, invalidState, notSupported } from "../host/refusal.ts";
import { keyOf } from "./targets.ts";

/** What the machine looks like while a call adds to it. Later settings of one call may hang on earlier ones. */
export interface Addition {
  readonly host: Host;
  readonly guid: string;
  readonly isOff: boolean;
  configuration: MachineConfiguration;
  /** InstanceIDs that the client made up within this call, and what they became. */
  readonly aliases: Map<string, string>;
}

const slotsOf = (controller: DeviceRecord) => (isKind(controller, scsiControllerKind) ? 64 : 2);
const parentless: ReadonlySet<DeviceKind> = new Set([scsiControllerKind, syntheticNicKind, emulatedNicKind]);
const drives: ReadonlySet<DeviceKind> = new Set([diskDriveKind, dvdDriveKind]);

/** Adds one device, or, where every machine has such a device already, changes that one. @throws Refusal */
export async function addResource(addition: Addition, instance: CimInstance): Promise<DeviceRecord> {
  const { host } = addition;
  const kind = kindAsked(addition, instance);
  const given = readSettings(host, instance, classNameOf(kind, host.release));
  const claimed = given["InstanceID"];
  delete given["InstanceID"];
  if (!kind.addable) return changeBuiltIn(addition, kind, given);
  checkRoom(addition, kind);
  const device = canonical(host, await place(addition, kind, given));
  checkDeviceValues(host, device, addition.configuration);
  const isBootable = generationOf(addition.configuration) === 2 && (drives.has(kind) || kind === syntheticNicKind);
  addition.configuration = {
    ...addition.configuration, devices: [...addition.configuration.devices, device],
    bootDevices: isBootable ? [...addition.configuration.bootDevices, device.id] : addition.configuration.bootDevices,
  };
  if (typeof claimed === "string" && claimed !== "") addition.aliases.set(claimed.toLowerCase(), device.id);
  return device;
}

/** By subtype; libvirt leaves it out of some, so that class, type and parent have to tell. */
function kindAsked(addition: Addition, instance: CimInstance): DeviceKind {
  const given = readSettings(addition.host, instance, instance.className);
  const type = given["ResourceType"] === undefined ? null : Number(given["ResourceType"]);
  const subType = String(given["ResourceSubType"] ?? "");
  const named = deviceKindOf(subType);
  if (named && (type === null || type === named.resourceType)) return named;
  if (subType !== "") throw notSupported(`Devices of the type ${String(type)}, subtype "${subType}", cannot be added on this host.`);
  if (type === hardDiskImageKind.resourceType) return parentOf(addition, given, [dvdDriveKind]) ? cdImageKind : hardDiskImageKind;
  const candidates = deviceKinds.filter((kind) => (type === null || kind.resourceType === type) && (type !== null || classNameOf(kind, addition.host.release) === instance.className));
  const [only] = candidates.length === 1 ? candidates : candidates.filter((kind) => classNameOf(kind, addition.host.release) === instance.className);
  if (!only) throw invalidParameter(`The settings do not say what to add: they have ResourceType ${String(type)} and no ResourceSubType.`);
  return only;
}

function changeBuiltIn(addition: Addition, kind: DeviceKind, given: Values): DeviceRecord {
  const own = addition.configuration.devices.filter((device) => isKind(device, kind));
  const [device] = own;
  if (!device || own.length > 1) throw invalidParameter(`A ${kind.title} can be neither added nor removed.`);
  const changed = modifiedDevice(addition.host, addition.configuration, device, given, addition.isOff ? "off" : "running");
  addition.configuration = { ...addition.configuration, devices: addition.configuration.devices.map((one) => (one.id === device.id ? changed : one)) };
  return changed;
}

function checkRoom({ configuration, isOff, host }: Addition, kind: DeviceKind): void {
  const generation = generationOf(configuration);
  const { addable } = kind;
  if (!addable?.generations.includes(generation)) throw invalidParameter(`A machine of generation ${generation} cannot have a ${kind.title}.`);
  if (configuration.devices.filter((device) => isKind(device, kind)).length >= addable.perMachineMax) throw invalidParameter(`A machine has at most ${addable.perMachineMax} of ${kind.title}.`);
  if (isOff) return;
  const hotAdapter = kind === syntheticNicKind && generation === 2 && !host.release.version.startsWith("6.");
  if (kind === scsiControllerKind || kind === emulatedNicKind || (kind === syntheticNicKind && !hotAdapter)) throw invalidState(`A ${kind.title} can be added only while the machine is off.`);
}

async function place(addition: Addition, kind: DeviceKind, given: Values): Promise<DeviceRecord> {
  const { host, guid } = addition;
  const fresh = () => randomUUID().toUpperCase();
  if (kind === scsiControllerKind) return newDevice(kind, `${settingsId(guid)}\\${fresh()}\\0`, given, host.release);
  if (parentless.has(kind)) return newDevice(kind, `${settingsId(guid)}\\${fresh()}`, given, host.release);
  if (drives.has(kind)) return placeDrive(addition, kind, given);
  if (kind === connectionKind) return placeConnection(addition, given);
  return placeImage(addition, kind, given);
}

function placeDrive(addition: Addition, kind: DeviceKind, given: Values): DeviceRecord {
  const controller = requireParent(addition, given, [scsiControllerKind, ideControllerKind], kind);
  if (!addition.isOff && isKind(controller, ideControllerKind)) throw invalidState("Drives of an IDE controller can be added only while the machine is off.");
  const slot = freeSlot(addition, controller, given["AddressOnParent"]);
  return newDevice(kind, `${controller.id}\\${slot}\\D`, { ...given, Parent: devicePathText(addition.host, controller), AddressOnParent: String(slot) }, addition.host.release);
}

function freeSlot({ configuration }: Addition, controller: DeviceRecord, asked: Values[string] | undefined): number {
  const taken = new Set(configuration.devices.filter((device) => device.id.startsWith(`${controller.id}\\`) && device.id.endsWith("\\D")).map((device) => Number(device.values["AddressOnParent"])));
  const slots = slotsOf(controller);
  if (asked === undefined || asked === "") {
    const free = [...Array(slots).keys()].find((slot) => !taken.has(slot));
    if (free === undefined) throw invalidParameter(`All ${slots} places of the controller are taken.`);
    return free;
  }
  const slot = Number(asked);
  if (!Number.isInteger(slot) || slot < 0 || slot >= slots) throw invalidParameter(`AddressOnParent is "${String(asked)}"; this controller has the places 0 to ${slots - 1}.`);
  if (taken.has(slot)) throw invalidParameter(`The place ${slot} of the controller is taken.`);
  return slot;
}

async function placeImage(addition: Addition, kind: DeviceKind, given: Values): Promise<DeviceRecord> {
  const drive = requireParent(addition, given, [kind === hardDiskImageKind ? diskDriveKind : kind === cdImageKind ? dvdDriveKind : floppyDriveKind], kind);
  if (!addition.isOff && isOnIde(addition, drive) && kind === hardDiskImageKind) throw invalidState("Disks of an IDE controller can be added only while the machine is off.");
  const id = drive.id.endsWith("\\D") ? `${drive.id.slice(0, -1)}L` : `${drive.id}\\L`;
  if (deviceById(addition.configuration, id)) throw invalidParameter("The drive holds an image already.");
  await checkImage(addition.host, kind, generationOf(addition.configuration), given["HostResource"]);
  return newDevice(kind, id, { ...given, Parent: devicePathText(addition.host, drive) }, addition.host.release);
}

function isOnIde(addition: Addition, drive: DeviceRecord): boolean {
  const controller = deviceById(addition.configuration, drive.id.split("\\").slice(0, -2).join("\\"));
  return controller !== undefined && isKind(controller, ideControllerKind);
}

function placeConnection(addition: Addition, given: Values): DeviceRecord {
  const adapter = requireParent(addition, given, [syntheticNicKind, emulatedNicKind], connectionKind);
  const id = `${adapter.id}\\C`;
  if (deviceById(addition.configuration, id)) throw invalidParameter("The network adapter has a connection already.");
  return newDevice(connectionKind, id, { ...given, Parent: devicePathText(addition.host, adapter) }, addition.host.release);
}

function requireParent(addition: Addition, given: Values, kinds: readonly DeviceKind[], child: DeviceKind): DeviceRecord {
  const parent = parentOf(addition, given, kinds);
  if (!parent) throw invalidParameter(`The Parent of a ${child.title} must be the path of a ${kinds.map(({ title }) => title).join(" or ")} of the same machine; it is ${String(given["Parent"] ?? "missing")}.`);
  return parent;
}

/** The device that `Parent` names, if it is of one of the kinds. Undoubled backslashes in the path name nothing, as on real hosts. */
function parentOf(addition: Addition, given: Values, kinds: readonly DeviceKind[]): DeviceRecord | undefined {
  const path = given["Parent"];
  if (typeof path !== "string" || path === "") return undefined;
  try {
    const reference = parseObjectPath(path);
    const id = keyOf(reference, "InstanceID") ?? "";
    if (!path.toLowerCase().endsWith(formatObjectPath({ ...reference, namespace: "" }).toLowerCase())) return undefined;
    const device = deviceById(addition.configuration, addition.aliases.get(id.toLowerCase()) ?? id);
    return device && kinds.some((kind) => isKind(device, kind)) ? device : undefined;
  } catch (error) {
    if (error instanceof ObjectPathError) return undefined;
    throw error;
  }
}
