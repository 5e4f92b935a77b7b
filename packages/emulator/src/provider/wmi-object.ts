import { textOf } from "@signet/wsman/cim-xml";
import type { CimInstance, CimProperty, CimReference, CimScalar } from "@signet/wsman/cim";
import type { Values } from "../host/machine-record.ts";
import type { WmiClass } from "./wmi-class.ts";

/** An instance before it goes out: its class, and those of its values that are not null. */
export interface WmiObject {
  readonly class: WmiClass;
  readonly values: Values;
  /** Only the keys are known here; whoever needs the rest looks the instance up. */
  readonly partial?: true;
}

export function referenceTo(object: WmiObject): CimReference {
  const keys: Record<string, string> = {};
  for (const name of object.class.keys) keys[name] = textOf((object.values[name] ?? "") as CimScalar);
  return { kind: "reference", namespace: object.class.namespace, className: object.class.name, keys };
}

/** Every property of the class, null where nothing is known: clients such as libvirt insist on each one's presence. */
export function toInstance(object: WmiObject): CimInstance {
  const properties: Record<string, CimProperty> = {};
  for (const { name, type, array } of object.class.properties.values()) properties[name] = { type, array, value: object.values[name] ?? null };
  return { kind: "instance", className: object.class.name, properties };
}

/** Whether the object is the one that a reference means. Services and systems may be named by fewer keys than they have. */
export function answersTo(object: WmiObject, keys: Readonly<Record<string, string>>): boolean {
  return Object.entries(keys).every(([name, value]) => {
    const property = object.class.properties.get(name.toLowerCase());
    const own = property === undefined ? null : object.values[property.name] ?? null;
    return own !== null && textOf(own as CimScalar).toLowerCase() === value.toLowerCase();
  });
}
