import type { DeviceKind } from "../../host/device-kinds.ts";
import { deviceKinds } from "../../host/device-kinds-data.ts";
import { kindOfDevice } from "../../host/device-kinds.ts";
import type { Host } from "../../host/host.ts";
import type { Values } from "../../host/machine-record.ts";
import { type AssociationSource, type ClassSources, machinesOf, wmiObject } from "../class-source.ts";
import type { WmiObject } from "../wmi-object.ts";
import { definitions, deviceObject } from "./device-settings.ts";

const poolClass = "Msvm_ResourcePool";
const capabilitiesClass = "Msvm_AllocationCapabilities";

export const resourcePoolSources: ClassSources = {
  [poolClass]: () => deviceKinds.map(poolValues),
  [capabilitiesClass]: () => deviceKinds.map(capabilitiesValues),
};

/** The primordial pool of a kind: what all machines take from when they name no other. */
function poolValues(kind: DeviceKind): Values {
  return {
    InstanceID: `Microsoft:${kind.poolGuid}`, PoolID: "", Primordial: true, ResourceType: kind.resourceType, ResourceSubType: kind.resourceSubType, ElementName: kind.title, Caption: kind.title,
    Description: `Primordial pool of the Microsoft ${kind.title}.`, AllocationUnits: kind.allocationUnits ?? "count", HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["OK"], Status: "OK",
  };
}

function capabilitiesValues(kind: DeviceKind): Values {
  return {
    InstanceID: `Microsoft:Definition\\${kind.poolGuid}`, ElementName: kind.title, Caption: kind.title, Description: `Capabilities of the Microsoft ${kind.title}.`,
    ResourceType: kind.resourceType, ResourceSubType: kind.resourceSubType, RequestTypesSupported: 2, SharingMode: 2, SupportedAddStates: kind.addable ? [2, 3] : [], SupportedRemoveStates: kind.addable ? [2, 3] : [],
  };
}

function poolObject(host: Host, kind: DeviceKind): WmiObject {
  return wmiObject(host, poolClass, poolValues(kind));
}

function capabilitiesObject(host: Host, kind: DeviceKind): WmiObject {
  return wmiObject(host, capabilitiesClass, capabilitiesValues(kind));
}

/** ValueRole 0 default, 3 supported; ValueRange 0 point, 1 minimums, 2 maximums, 3 increments (DMTF DSP1043). */
const ranges = { Default: { ValueRole: 0, ValueRange: 0 }, Minimum: { ValueRole: 3, ValueRange: 1 }, Maximum: { ValueRole: 3, ValueRange: 2 }, Increment: { ValueRole: 3, ValueRange: 3 } } as const;

export const resourcePoolAssociations: readonly AssociationSource[] = [
  {
    className: "Msvm_ElementCapabilities", roles: ["ManagedElement", "Capabilities"],
    links: (host) => deviceKinds.map((kind) => ({ ends: [poolObject(host, kind), capabilitiesObject(host, kind)] })),
  },
  {
    className: "Msvm_SettingsDefineCapabilities", roles: ["GroupComponent", "PartComponent"],
    links: (host) => definitions(host).map(({ kind, role, object }) => ({ ends: [capabilitiesObject(host, kind), object], values: { PropertyPolicy: 0, SupportStatement: 3, ...ranges[role] } })),
  },
  {
    className: "Msvm_ResourceAllocationFromPool", roles: ["Antecedent", "Dependent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        for (const device of machine.record.devices) {
          const kind = kindOfDevice(device);
          if (kind) yield { ends: [poolObject(host, kind), deviceObject(host, device)] };
        }
      }
    },
  },
];
