import { parseObjectPath, ObjectPathError } from "@signet/wsman";
import { isKind } from "../../host/device-kinds.ts";
import { connectionKind } from "../../host/device-kinds-data.ts";
import type { Host } from "../../host/host.ts";
import type { DeviceRecord, Values } from "../../host/machine-record.ts";
import type { SwitchRecord } from "../../host/state-folder.ts";
import { type AssociationSource, type ClassSources, wmiObject } from "../class-source.ts";
import type { WmiObject } from "../wmi-object.ts";
import { systemClass } from "./computer-systems.ts";

const switchClass = "Msvm_VirtualEthernetSwitch";
export const switchSettingsClass = "Msvm_VirtualEthernetSwitchSettingData";
export const externalPortClass = "Msvm_ExternalEthernetPort";
const internalPortClass = "Msvm_InternalEthernetPort";
const switchPortClass = "Msvm_EthernetSwitchPort";

export const switchSources: ClassSources = {
  [switchClass]: (host, narrowing) => {
    const name = narrowing.equals("Name")?.toUpperCase();
    return host.record.switches.filter(({ guid }) => name === undefined || guid === name).map((one) => switchValues(one));
  },
  [switchSettingsClass]: (host) => host.record.switches.map(switchSettings),
  [externalPortClass]: (host) => [externalPort(host)],
  [internalPortClass]: (host) => host.record.switches.filter(({ kind }) => kind !== "private").map((one) => internalPort(host, one)),
  [switchPortClass]: (host) => host.record.switches.flatMap((one) => portsOf(host, one)),
};

export function findSwitch(host: Host, path: string): SwitchRecord | undefined {
  try {
    const name = Object.entries(parseObjectPath(path).keys).find(([key]) => key.toLowerCase() === "name")?.[1].toUpperCase();
    return host.record.switches.find(({ guid }) => guid === name);
  } catch (error) {
    if (error instanceof ObjectPathError) return undefined;
    throw error;
  }
}

export function switchObject(host: Host, one: SwitchRecord): WmiObject {
  return wmiObject(host, switchClass, switchValues(one));
}

function switchSettingsObject(host: Host, one: SwitchRecord): WmiObject {
  return wmiObject(host, switchSettingsClass, switchSettings(one));
}

/** The connections of machines that lead to a switch. */
export function connectionsOf(host: Host, one: SwitchRecord): DeviceRecord[] {
  return [...host.machines].flatMap((machine) => machine.record.devices.filter((device) => isKind(device, connectionKind) && leadsTo(device, one)));
}

function leadsTo(connection: DeviceRecord, one: SwitchRecord): boolean {
  const target = connection.values["HostResource"];
  return Array.isArray(target) && String(target[0]).toUpperCase().includes(one.guid);
}

const healthy: Values = { EnabledState: 2, EnabledDefault: 2, RequestedState: 12, HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["OK"], Status: "OK" };

function switchValues(one: SwitchRecord): Values {
  return {
    ...healthy, CreationClassName: switchClass, Name: one.guid, ElementName: one.name, Caption: "Virtual Switch", Description: "Microsoft Virtual Switch",
    Dedicated: [38], MaxVMQOffloads: 0, MaxIOVOffloads: 0,
  };
}

function switchSettings(one: SwitchRecord): Values {
  return {
    InstanceID: `Microsoft:${one.guid}`, ElementName: one.name, Caption: "Virtual Switch Settings", Description: "Settings for the virtual switch.", VirtualSystemIdentifier: one.guid, VirtualSystemType: "Microsoft:Hyper-V:Virtual Switch",
    Notes: [...one.notes], IOVPreferred: false, BandwidthReservationMode: 0, PacketDirectEnabled: false, TeamingEnabled: false,
  };
}

function externalPort(host: Host): Values {
  const mac = `525400${host.record.hostGuid.slice(0, 6)}`;
  return {
    ...healthy, CreationClassName: externalPortClass, DeviceID: `Microsoft:{${host.record.hostGuid}}`, SystemCreationClassName: "Msvm_ComputerSystem", SystemName: host.computerName,
    ElementName: "Ethernet", Name: "Ethernet", Caption: "Ethernet", Description: "Emulated network card", PermanentAddress: mac, Speed: 10_000_000_000, LinkTechnology: 2, IsBound: true, NetworkAddresses: [mac],
  };
}

function internalPort(host: Host, one: SwitchRecord): Values {
  const mac = `00155D${one.guid.slice(0, 6)}`;
  return {
    ...healthy, CreationClassName: internalPortClass, DeviceID: `Microsoft:${one.guid}`, SystemCreationClassName: "Msvm_ComputerSystem", SystemName: host.computerName,
    ElementName: one.name, Name: one.name, Caption: "Internal Ethernet Port", Description: "Microsoft Internal Ethernet Port", PermanentAddress: mac, Speed: 10_000_000_000, LinkTechnology: 2, NetworkAddresses: [mac],
  };
}

/** The switch's own ports, then those of the connected machines. */
function portsOf(host: Host, one: SwitchRecord): Values[] {
  const own = one.kind === "private" ? [] : [{ id: `Microsoft:${one.guid}\\${one.kind === "external" ? "External" : "Internal"}`, title: one.kind === "external" ? "External" : "Internal" }];
  const machines = connectionsOf(host, one).map(({ id }) => ({ id, title: "Dynamic Ethernet Switch Port" }));
  return [...own, ...machines].map(({ id, title }) => ({
    ...healthy, CreationClassName: switchPortClass, DeviceID: id, Name: id, SystemCreationClassName: switchClass, SystemName: one.guid, ElementName: title, Caption: "Ethernet Switch Port", Description: "Microsoft Virtual Ethernet Switch Port",
  }));
}

export const switchAssociations: readonly AssociationSource[] = [
  {
    className: "Msvm_SettingsDefineState", roles: ["ManagedElement", "SettingData"],
    links: (host) => host.record.switches.map((one) => ({ ends: [switchObject(host, one), switchSettingsObject(host, one)] })),
  },
  {
    className: "Msvm_SystemDevice", roles: ["GroupComponent", "PartComponent"],
    // Machines have devices of their own; theirs are not worth a walk over all ports.
    links: (host, of) => (of?.className.toLowerCase() === systemClass.toLowerCase() ? [] : host.record.switches).flatMap((one) => portsOf(host, one).map((port) => ({ ends: [switchObject(host, one), wmiObject(host, switchPortClass, port)] as const }))),
  },
];
