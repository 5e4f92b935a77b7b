import { virtualizationNamespace } from "@signet/hyperv/schema";
import { textOf } from "@signet/wsman";
import type { CimInstance, CimProperty, CimScalar, CimValue } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import type { Values } from "../host/machine-record.ts";
import { wmiClass, type WmiProperty } from "../provider/wmi-class.ts";
import { Refusal, returnCode } from "../host/refusal.ts";

const integer = /^[us]int(8|16|32|64)$/;

/**
 * The values that an embedded instance gives, by the names that the class spells. Null means "not given": senders echo whole
 * instances in which most is null.
 * @param arrayCode what a service answers to a scalar where the class has an array, which differs between services
 * @throws Refusal for a property that this release's class does not have, and for values of another type
 */
export function readSettings(host: Host, instance: CimInstance, className: string, arrayCode: number = returnCode.invalidParameter): Values {
  const found = wmiClass(virtualizationNamespace, className, host.release.name);
  if (!found) throw new Refusal(returnCode.invalidParameter, `The class ${className} does not exist on this host.`);
  const values: Values = {};
  for (const [given, property] of Object.entries(instance.properties)) {
    if (given.startsWith("__")) continue;
    const known = found.properties.get(given.toLowerCase());
    if (!known) {
      if (property.value === null) continue;
      throw new Refusal(returnCode.invalidParameter, `${className} has no property ${given} on this host.`);
    }
    if (property.value === null) continue;
    if (property.array !== known.array) throw new Refusal(arrayCode, `${className}.${known.name} is ${known.array ? "an array" : "a single value"}.`);
    values[known.name] = convert(known, property);
  }
  return values;
}

function convert(known: WmiProperty, property: CimProperty): CimValue {
  const one = (value: CimScalar): CimScalar => {
    if (integer.test(known.type) && integer.test(property.type)) return known.type.endsWith("64") ? value : checkRange(known, value);
    if (known.type === property.type) return value;
    // A path may travel as text where a reference is meant, and the other way round.
    if (known.type === "string" && typeof value === "object" && value.kind === "reference") return textOf(value);
    throw new Refusal(returnCode.failed, `${known.name} is of type ${known.type}, but was given as ${property.type}.`);
  };
  return Array.isArray(property.value) ? (property.value as readonly CimScalar[]).map(one) : one(property.value as CimScalar);
}

function checkRange(known: WmiProperty, value: CimScalar): CimScalar {
  const number = Number(value);
  const bits = Number(known.type.slice(4));
  const [low, high] = known.type.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  if (number < low || number > high) throw new Refusal(returnCode.invalidParameter, `${known.name} is ${number}; it takes ${low} to ${high}.`);
  return number;
}

/** The given values that differ from the present ones. */
export function changedValues(present: Values, given: Values): Values {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => !sameValue(present[name] ?? null, value)));
}

function sameValue(left: CimValue, right: CimValue): boolean {
  if (left === null || right === null) return left === right || isBlank(left) && isBlank(right);
  const [first, second] = [left, right].map((value) => (Array.isArray(value) ? value as readonly CimScalar[] : [value as CimScalar]).map((item) => textOf(item)));
  return first !== undefined && second !== undefined && first.length === second.length && first.every((text, index) => text === second[index]);
}

/** Null, an empty text and an empty array all say that nothing is set. */
function isBlank(value: CimValue): boolean {
  return value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Whether a value only echoes another, be it in other case: GUIDs and paths are written both ways. */
export function sameButForCase(left: CimValue, right: CimValue): boolean {
  return sameValue(left, right) || (typeof left === "string" && typeof right === "string" && left.toLowerCase() === right.toLowerCase());
}
