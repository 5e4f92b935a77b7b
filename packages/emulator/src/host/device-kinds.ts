import { classSchema, releaseHas, virtualizationNamespace } from "@signet/hyperv/schema";
import { type DeviceKind, deviceKinds } from "./device-kinds-data.ts";
import type { DeviceRecord, Values } from "./machine-record.ts";
import type { Release } from "./releases.ts";

export type { DeviceKind } from "./device-kinds-data.ts";

/** The kind by type and subtype; a subtype alone decides, since each belongs to one type. */
export function deviceKindOf(resourceSubType: string): DeviceKind | undefined {
  const wanted = resourceSubType.toLowerCase();
  return deviceKinds.find((kind) => kind.resourceSubType.toLowerCase() === wanted);
}

export function kindOfDevice(device: DeviceRecord): DeviceKind | undefined {
  return deviceKindOf(String(device.values["ResourceSubType"] ?? ""));
}

export function isKind(device: DeviceRecord, kind: DeviceKind): boolean {
  return String(device.values["ResourceSubType"] ?? "").toLowerCase() === kind.resourceSubType.toLowerCase();
}

export function classNameOf(kind: DeviceKind, release: Release): string {
  return kind.classNameBefore10 !== undefined && release.version.startsWith("6.") ? kind.classNameBefore10 : kind.className;
}

/** The values that the class has on this release, of those that a kind gives. */
export function defaultValues(kind: DeviceKind, release: Release): Values {
  const values: Values = {
    ResourceType: kind.resourceType, ResourceSubType: kind.resourceSubType, ElementName: kind.title, Caption: kind.title, Description: `Settings for the Microsoft ${kind.title}.`,
    AutomaticAllocation: true, AutomaticDeallocation: true, ConsumerVisibility: 3, AllocationUnits: kind.allocationUnits ?? "count",
    VirtualQuantity: 1, Reservation: 1, Limit: 1, Weight: 0, VirtualQuantityUnits: kind.allocationUnits ?? "count", ...kind.defaults,
  };
  return knownValues(classNameOf(kind, release), values, release);
}

export function knownValues(className: string, values: Values, release: Release): Values {
  const properties = classSchema(virtualizationNamespace, className)?.properties ?? {};
  return Object.fromEntries(Object.entries(values).filter(([name]) => {
    const member = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return member !== undefined && releaseHas(release.name, member.since);
  }));
}
