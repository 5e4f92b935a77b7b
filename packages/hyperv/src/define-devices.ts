import { formatObjectPath } from "@signet/wsman";
import type { CimInstance, CimReference } from "@signet/wsman/cim";
import type { AboutHost } from "./about-host.ts";
import { readText, readTexts } from "./cim-values.ts";
import type { HostSession } from "./host-session.ts";
import type { MachineSpec, NicSpec } from "./host-types.ts";
import { perform } from "./jobs.ts";
import { memorySettings, processorSettings } from "./machine-settings.ts";
import { deviceReference, keyInPath, machineService, settingsId, settingsReference, switchReference } from "./references.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { connectedPort, readSerialPorts } from "./serial-port.ts";
import { settingsOf } from "./settings.ts";
import { ofMachine, wqlText } from "./wql-text.ts";

const scsiController = "Microsoft:Hyper-V:Synthetic SCSI Controller";
const ideController = "Microsoft:Hyper-V:Emulated IDE Controller";
const diskDrive = "Microsoft:Hyper-V:Synthetic Disk Drive";
const resource = "Msvm_ResourceAllocationSettingData";
/** CIM ResourceType. */
const types = { scsiController: 6, ethernetAdapter: 10, diskDrive: 17, storageExtent: 31, ethernetConnection: 33 } as const;
const connected = 2;

/** A machine that is being made, and what is needed to write paths to its parts. */
export interface NewMachine {
  readonly guid: string;
  readonly about: AboutHost;
  readonly spec: MachineSpec;
}

/**
 * Memory, processors and COM1 exist from the start; they are set to what was asked. Ports cannot be added: a machine without COM1 is
 * made all the same, and whoever follows its console is told that there is none.
 */
export async function setBasics(session: HostSession, machine: NewMachine): Promise<void> {
  const { guid, about, spec } = machine;
  const [memory, processor, [port]] = await Promise.all([
    findDevice(session, guid, "Msvm_MemorySettingData"), findDevice(session, guid, "Msvm_ProcessorSettingData"),
    spec.serialConsole ? readSerialPorts(session, about, guid) : [],
  ]);
  const settings = [memorySettings(readText(memory, "InstanceID"), spec.memoryBytes), processorSettings(readText(processor, "InstanceID"), spec.cpuCount)];
  if (port) settings.push(connectedPort(port, `signet-${spec.serverId.toLowerCase()}`));
  await perform(session, {
    target: machineService, method: "ModifyResourceSettings", parameters: { ResourceSettings: settings }, what: "set memory, processors and serial port",
    isDone: async () => readText(await findDevice(session, guid, "Msvm_MemorySettingData"), "VirtualQuantity") === readText(settings[0]!, "VirtualQuantity"),
  });
}

/** Controller, drive and disk, each hanging on the one before. */
export async function addDisk(session: HostSession, machine: NewMachine): Promise<void> {
  const { guid, spec } = machine;
  const controllerKind = spec.generation === 2 ? scsiController : ideController;
  if (spec.generation === 2) {
    const controller = settingsOf(resource, { ResourceType: types.scsiController, ResourceSubType: scsiController, VirtualSystemIdentifiers: [newIdentifier()] });
    await addDevices(session, guid, [controller], "add a SCSI controller", () => hasDevice(session, guid, resource, scsiController));
  }
  const controller = await findDevice(session, guid, resource, controllerKind);
  const drive = settingsOf(resource, { ResourceType: types.diskDrive, ResourceSubType: diskDrive, Parent: pathTo(session, machine, controller), AddressOnParent: "0" });
  await addDevices(session, guid, [drive], "add a disk drive", () => hasDevice(session, guid, resource, diskDrive));
  const disk = settingsOf("Msvm_StorageAllocationSettingData", {
    ResourceType: types.storageExtent, ResourceSubType: "Microsoft:Hyper-V:Virtual Hard Disk",
    Parent: pathTo(session, machine, await findDevice(session, guid, resource, diskDrive)), HostResource: [spec.rootDiskPath],
  });
  await addDevices(session, guid, [disk], "attach the root disk", () => hasDevice(session, guid, "Msvm_StorageAllocationSettingData"));
}

/** Adapters with their addresses, then their connections: those hang on adapters that exist. */
export async function addNics(session: HostSession, machine: NewMachine, switches: ReadonlyMap<string, string>): Promise<void> {
  const { guid, spec } = machine;
  if (spec.nics.length === 0) return;
  const nicClass = "Msvm_SyntheticEthernetPortSettingData";
  const adapters = spec.nics.map((nic) => settingsOf(nicClass, {
    ResourceType: types.ethernetAdapter, ResourceSubType: "Microsoft:Hyper-V:Synthetic Ethernet Port",
    VirtualSystemIdentifiers: [newIdentifier()], StaticMacAddress: true, Address: digitsOf(nic),
  }));
  await addDevices(session, guid, adapters, "add network adapters", async () => (await queryDevices(session, guid, nicClass)).length === adapters.length);
  const present = await queryDevices(session, guid, nicClass);
  const connections = spec.nics.map((nic) => {
    const adapter = present.find((one) => readText(one, "Address").toUpperCase() === digitsOf(nic));
    if (!adapter) throw session.fault("HV-FAILED", `The host made no network adapter with the address ${nic.macAddress}.`);
    const target = switchReference(switches.get(nic.switchName) ?? "");
    return settingsOf("Msvm_EthernetPortAllocationSettingData", {
      ResourceType: types.ethernetConnection, ResourceSubType: "Microsoft:Hyper-V:Ethernet Connection", EnabledState: connected,
      Parent: pathTo(session, machine, adapter), HostResource: [pathText(session, machine, target)],
    });
  });
  await addDevices(session, guid, connections, "connect the network adapters", async () => (await queryDevices(session, guid, "Msvm_EthernetPortAllocationSettingData")).length === connections.length);
}

/** Puts the root disk first in the boot order of a Generation 2 machine. Does nothing when it is. */
export async function orderBoot(session: HostSession, machine: NewMachine): Promise<void> {
  if (machine.spec.generation !== 2) return;
  const { guid } = machine;
  const drive = await findDevice(session, guid, resource, diskDrive);
  // A boot source is named after the device it stands for; its last part differs.
  const place = readText(drive, "InstanceID").replace(/\\[^\\]*$/, "\\").toLowerCase();
  const isRootDisk = (path: string) => keyInPath(path, "InstanceID").toLowerCase().startsWith(place);
  const order = await readBootOrder(session, guid);
  if (order[0] !== undefined && isRootDisk(order[0])) return;
  const first = order.find(isRootDisk) ?? await findBootSource(session, machine, place);
  const wanted = [first, ...order.filter((path) => path !== first)];
  await perform(session, {
    target: machineService, method: "ModifySystemSettings", what: "put the root disk first in the boot order",
    parameters: { SystemSettings: settingsOf("Msvm_VirtualSystemSettingData", { InstanceID: settingsId(guid), BootSourceOrder: wanted }) },
    isDone: async () => (await readBootOrder(session, guid)).slice(0, 1).some(isRootDisk),
  });
}

async function readBootOrder(session: HostSession, guid: string): Promise<readonly string[]> {
  const [settings] = await session.query(virtualizationNamespace, `SELECT * FROM Msvm_VirtualSystemSettingData WHERE InstanceID = ${wqlText(settingsId(guid))}`);
  return settings ? readTexts(settings, "BootSourceOrder") : [];
}

async function findBootSource(session: HostSession, machine: NewMachine, place: string): Promise<string> {
  const sources = await queryDevices(session, machine.guid, "Msvm_BootSourceSettingData");
  const found = sources.find((one) => readText(one, "InstanceID").toLowerCase().startsWith(place));
  if (!found) throw session.fault("HV-FAILED", "The host lists no boot source for the root disk.");
  return pathTo(session, machine, found);
}

/** What the host says that it made is asked for afterwards; results of the method are not always there. */
async function addDevices(session: HostSession, guid: string, settings: readonly CimInstance[], what: string, isDone: () => Promise<boolean>): Promise<void> {
  await perform(session, { target: machineService, method: "AddResourceSettings", parameters: { AffectedConfiguration: settingsReference(guid), ResourceSettings: settings }, what, isDone });
}

function queryDevices(session: HostSession, guid: string, className: string): Promise<readonly CimInstance[]> {
  return session.query(virtualizationNamespace, `SELECT * FROM ${className} WHERE ${ofMachine(guid)}`);
}

async function hasDevice(session: HostSession, guid: string, className: string, subType?: string): Promise<boolean> {
  return (await queryDevices(session, guid, className)).some((one) => subType === undefined || readText(one, "ResourceSubType") === subType);
}

/** The first device of a kind, by its id. */
async function findDevice(session: HostSession, guid: string, className: string, subType?: string): Promise<CimInstance> {
  const found = (await queryDevices(session, guid, className)).filter((one) => subType === undefined || readText(one, "ResourceSubType") === subType)
    .toSorted((left, right) => readText(left, "InstanceID").localeCompare(readText(right, "InstanceID"), "en", { numeric: true }));
  if (!found[0]) throw session.fault("HV-FAILED", `The machine ${guid} has no ${subType ?? className}.`);
  return found[0];
}

function pathTo(session: HostSession, machine: NewMachine, device: CimInstance): string {
  return pathText(session, machine, deviceReference(device.className, readText(device, "InstanceID")));
}

function pathText(session: HostSession, machine: NewMachine, target: CimReference): string {
  return session.link.quirks.pathsNameTheHost ? formatObjectPath(target, machine.about.computerName) : formatObjectPath(target);
}

function newIdentifier(): string {
  return `{${crypto.randomUUID().toUpperCase()}}`;
}

/** Twelve digits, as Hyper-V writes an address. */
function digitsOf(nic: NicSpec): string {
  const digits = nic.macAddress.replace(/[^0-9a-f]/gi, "").toUpperCase();
  if (digits.length !== 12) throw new TypeError(`"${nic.macAddress}" is not a MAC address.`);
  return digits;
}
