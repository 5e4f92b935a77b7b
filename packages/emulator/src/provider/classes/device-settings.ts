import { formatObjectPath } from "@signet/wsman";
import { classNameOf, defaultValues, knownValues, type DeviceKind } from "../../host/device-kinds.ts";
import { deviceKinds } from "../../host/device-kinds-data.ts";
import type { Host } from "../../host/host.ts";
import type { DeviceRecord, Values } from "../../host/machine-record.ts";
import { securityClass } from "../../host/new-machine.ts";
import { type AssociationSource, type ClassSource, type ClassSources, type Link, machinesNamed, machinesOf, wmiObject } from "../class-source.ts";
import { referenceTo, type WmiObject } from "../wmi-object.ts";
import { configurationsOf, settingsObject } from "./system-settings.ts";

export const vlanClass = "Msvm_EthernetSwitchPortVlanSettingData";
const portSecurityClass = "Msvm_EthernetSwitchPortSecuritySettingData";
/** What is set on a switch connection rather than on a machine. */
export const featureClasses: readonly string[] = [vlanClass, portSecurityClass];

/** The four settings objects that every kind of device has beside those of machines: what a new one holds, and between which limits. */
const definitionRoles = ["Default", "Minimum", "Maximum", "Increment"] as const;
type DefinitionRole = (typeof definitionRoles)[number];

/** GUID under which the defaults of a feature are filed. */
const featurePools: Readonly<Record<string, string>> = { [vlanClass]: "952C5004-4465-451C-8CB8-FA9AB382B773", [portSecurityClass]: "776E0BA7-94A1-41C8-8F28-951F524251B5" };
const featureDefaults: Readonly<Record<string, Values>> = {
  [vlanClass]: { ElementName: "Ethernet Switch Port VLAN Settings", Caption: "Ethernet Switch Port VLAN Settings", OperationMode: 1, AccessVlanId: 0, NativeVlanId: 0, PrimaryVlanId: 0, SecondaryVlanId: 0, PvlanMode: 0 },
  [portSecurityClass]: { ElementName: "Ethernet Switch Port Security Settings", Caption: "Ethernet Switch Port Security Settings", AllowMacSpoofing: false, EnableDhcpGuard: false, EnableRouterGuard: false, AllowIeeePriorityTag: false, AllowTeaming: false, MonitorMode: 0, MonitorSession: 0, VirtualSubnetId: 0, DynamicIPAddressLimit: 0, StormLimit: 0 },
};

export const deviceSettingsSources: ClassSources = Object.fromEntries(
  [...new Set([...deviceKinds.flatMap((kind) => [kind.className, kind.classNameBefore10 ?? kind.className]), securityClass, ...featureClasses])].map((name) => [name, sourceOf(name)]),
);

function sourceOf(className: string): ClassSource {
  return function* (host, narrowing) {
    yield* definitionsOf(host, className);
    for (const machine of machinesNamed(host, narrowing.guid(["InstanceID", "Parent"]))) {
      for (const configuration of configurationsOf(machine)) {
        for (const device of configuration.devices) if (device.className === className) yield device.values;
      }
    }
  };
}

export function deviceObject(host: Host, device: DeviceRecord): WmiObject {
  return wmiObject(host, device.className, device.values);
}

export function devicePathText(host: Host, device: DeviceRecord): string {
  return formatObjectPath(referenceTo(deviceObject(host, device)), host.computerName);
}

function* definitionsOf(host: Host, className: string): Iterable<Values> {
  for (const kind of deviceKinds) {
    if (classNameOf(kind, host.release) === className) for (const role of definitionRoles) yield definitionValues(host, kind, role);
  }
  if (featureDefaults[className]) yield newFeature(className, `Microsoft:Definition\\${featurePools[className]}\\Default`, {}, host);
}

function definitionValues(host: Host, kind: DeviceKind, role: DefinitionRole): Values {
  const limits = { Default: {}, Minimum: kind.minimum ?? {}, Maximum: kind.maximum ?? {}, Increment: kind.increment ?? {} }[role];
  const className = classNameOf(kind, host.release);
  return { ...defaultValues(kind, host.release), ...knownValues(className, limits, host.release), InstanceID: `Microsoft:Definition\\${kind.poolGuid}\\${role}` };
}

/** Settings of a feature, with the defaults of its class. */
export function newFeature(className: string, id: string, values: Values, host: Host): Values {
  return { ...knownValues(className, { ...featureDefaults[className], ...values }, host.release), InstanceID: id };
}

export interface Definition {
  readonly kind: DeviceKind;
  readonly role: DefinitionRole;
  readonly object: WmiObject;
}

export function definitions(host: Host): Definition[] {
  return deviceKinds.flatMap((kind) => definitionRoles.map((role) => ({ kind, role, object: wmiObject(host, classNameOf(kind, host.release), definitionValues(host, kind, role)) })));
}

export const deviceSettingsAssociations: readonly AssociationSource[] = [
  {
    className: "Msvm_VirtualSystemSettingDataComponent",
    roles: ["GroupComponent", "PartComponent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        for (const configuration of configurationsOf(machine)) {
          const settings = settingsObject(host, configuration);
          for (const device of configuration.devices) if (!featureClasses.includes(device.className)) yield { ends: [settings, deviceObject(host, device)] };
        }
      }
    },
  },
  {
    className: "Msvm_EthernetPortSettingDataComponent",
    roles: ["GroupComponent", "PartComponent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) for (const configuration of configurationsOf(machine)) yield* featureLinks(host, configuration.devices);
    },
  },
];

function* featureLinks(host: Host, devices: readonly DeviceRecord[]): Iterable<Link> {
  for (const feature of devices) {
    if (!featureClasses.includes(feature.className)) continue;
    const connection = devices.find((device) => device.id === connectionIdOf(feature.id));
    if (connection) yield { ends: [deviceObject(host, connection), deviceObject(host, feature)] };
  }
}

/** The InstanceID of a feature is that of its connection and a GUID of its own. */
function connectionIdOf(featureId: string): string {
  return featureId.slice(0, featureId.lastIndexOf("\\"));
}
