import type { CimInstance } from "@signet/wsman/cim";
import { readBoolean, readNumber, readText, readTexts } from "./cim-values.ts";
import { findMachine, findOwnedMachines, readSystem, type OwnedMachine } from "./find-machine.ts";
import type { HostSession } from "./host-session.ts";
import type { MachineActual } from "./host-types.ts";
import { stateOf } from "./machine-state.ts";
import { keyInPath, ownerOf } from "./references.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { ofMachine } from "./wql-text.ts";

const bytesPerMib = 1024 * 1024;
const virtualHardDisk = "Microsoft:Hyper-V:Virtual Hard Disk";
const generation2 = "Microsoft:Hyper-V:SubType:2";
/** EnabledState of an adapter's connection. */
const connected = 2;

/** Classes of a machine's devices that are read back. Each is one query, for one machine as for all. */
const deviceClasses = [
  "Msvm_ProcessorSettingData", "Msvm_MemorySettingData", "Msvm_StorageAllocationSettingData",
  "Msvm_SyntheticEthernetPortSettingData", "Msvm_EmulatedEthernetPortSettingData", "Msvm_EthernetPortAllocationSettingData",
] as const;
type DeviceClass = (typeof deviceClasses)[number];
type Devices = ReadonlyMap<DeviceClass, readonly CimInstance[]>;

/** Everything that the host says of a server's machine; null when there is none. */
export async function readMachine(session: HostSession, seen: Map<string, string>, serverId: string): Promise<MachineActual | null> {
  const machine = await findMachine(session, seen, serverId);
  return machine === null ? null : readOwnedMachine(session, machine);
}

/** Null when the machine has gone since its settings were read. */
export async function readOwnedMachine(session: HostSession, machine: OwnedMachine): Promise<MachineActual | null> {
  const [system, devices, switches] = await Promise.all([readSystem(session, machine.guid), readDevices(session, machine.guid), readSwitchNames(session)]);
  return system === null ? null : describeMachine(machine, system, devices, switches);
}

/** All machines that are ours. The number of requests does not grow with the number of machines, except for the size of the answers. */
export async function listMachines(session: HostSession, seen: Map<string, string>): Promise<readonly MachineActual[]> {
  const machines = await findOwnedMachines(session);
  if (machines.length === 0) return [];
  const [systems, devices, switches] = await Promise.all([
    session.query(virtualizationNamespace, "SELECT * FROM Msvm_ComputerSystem"), readDevices(session, null), readSwitchNames(session),
  ]);
  const systemByGuid = new Map(systems.map((system) => [readText(system, "Name").toUpperCase(), system]));
  const devicesByGuid = groupByOwner(devices);
  return machines.flatMap((machine) => {
    const system = systemByGuid.get(machine.guid);
    seen.set(machine.serverId, machine.guid);
    // Gone between two queries.
    return system === undefined ? [] : [describeMachine(machine, system, devicesByGuid.get(machine.guid) ?? new Map(), switches)];
  });
}

async function readDevices(session: HostSession, guid: string | null): Promise<Devices> {
  const where = guid === null ? "" : ` WHERE ${ofMachine(guid)}`;
  const answers = await Promise.all(deviceClasses.map(async (name) => [name, await session.query(virtualizationNamespace, `SELECT * FROM ${name}${where}`)] as const));
  return new Map(answers);
}

function groupByOwner(devices: Devices): ReadonlyMap<string, Devices> {
  const groups = new Map<string, Map<DeviceClass, CimInstance[]>>();
  for (const [name, instances] of devices) {
    for (const instance of instances) {
      const owner = ownerOf(readText(instance, "InstanceID"));
      if (owner === null) continue;
      const group = groups.get(owner) ?? new Map<DeviceClass, CimInstance[]>();
      groups.set(owner, group);
      group.set(name, [...group.get(name) ?? [], instance]);
    }
  }
  return groups;
}

/** Names of the host's switches by their id, upper-case. */
async function readSwitchNames(session: HostSession): Promise<ReadonlyMap<string, string>> {
  const switches = await session.query(virtualizationNamespace, "SELECT * FROM Msvm_VirtualEthernetSwitch");
  return new Map(switches.map((one) => [readText(one, "Name").toUpperCase(), readText(one, "ElementName")]));
}

function describeMachine(machine: OwnedMachine, system: CimInstance, devices: Devices, switches: ReadonlyMap<string, string>): MachineActual {
  const { settings } = machine;
  const of = (name: DeviceClass): readonly CimInstance[] => devices.get(name) ?? [];
  const generation = readText(settings, "VirtualSystemSubType") === generation2 ? 2 : 1;
  return {
    guid: machine.guid, serverId: machine.serverId,
    name: readText(settings, "ElementName"),
    state: stateOf(system),
    generation,
    // The properties exist on every machine, but Generation 1 has no firmware that they could mean.
    secureBootEnabled: generation === 2 && readBoolean(settings, "SecureBootEnabled"),
    secureBootTemplateId: generation === 2 ? readText(settings, "SecureBootTemplateId").toLowerCase() || null : null,
    cpuCount: total(of("Msvm_ProcessorSettingData"), "VirtualQuantity"),
    memoryBytes: total(of("Msvm_MemorySettingData"), "VirtualQuantity") * bytesPerMib,
    diskPaths: byInstanceId(of("Msvm_StorageAllocationSettingData")).filter((disk) => readText(disk, "ResourceSubType") === virtualHardDisk).flatMap((disk) => readTexts(disk, "HostResource")),
    nics: byInstanceId([...of("Msvm_SyntheticEthernetPortSettingData"), ...of("Msvm_EmulatedEthernetPortSettingData")])
      .map((nic) => ({ switchName: switchNameOf(nic, of("Msvm_EthernetPortAllocationSettingData"), switches), macAddress: macAddressOf(nic) })),
    bootOrder: generation === 2 ? readTexts(settings, "BootSourceOrder") : [],
    uptimeSeconds: Math.floor(readNumber(system, "OnTimeInMilliseconds") / 1000),
  };
}

function total(instances: readonly CimInstance[], name: string): number {
  return instances.reduce((sum, instance) => sum + readNumber(instance, name), 0);
}

function byInstanceId(instances: readonly CimInstance[]): readonly CimInstance[] {
  return instances.toSorted((left, right) => readText(left, "InstanceID").localeCompare(readText(right, "InstanceID"), "en", { numeric: true }));
}

/** `02:00:5e:…` from the host's twelve digits. */
function macAddressOf(nic: CimInstance): string {
  return readText(nic, "Address").toLowerCase().match(/../g)?.join(":") ?? "";
}

/** The name of the switch that an adapter is connected to; null when it is connected to none. */
function switchNameOf(nic: CimInstance, connections: readonly CimInstance[], switches: ReadonlyMap<string, string>): string | null {
  const prefix = `${readText(nic, "InstanceID")}\\`.toLowerCase();
  const connection = connections.find((one) => readText(one, "InstanceID").toLowerCase().startsWith(prefix));
  if (!connection || readNumber(connection, "EnabledState", connected) !== connected) return null;
  return switches.get(keyInPath(readText(connection, "HostResource"), "Name").toUpperCase()) ?? null;
}
