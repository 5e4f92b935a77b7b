import { CimXmlError, parseCimXml, parseObjectPath, readScalar, schemaValidationError, invalidParameter } from "@signet/wsman";
import type { CimInstance, CimParameters, CimReference, CimScalar, CimType, CimValue } from "@signet/wsman/cim";
import type { MethodSignature } from "@signet/hyperv/schema";
import type { Host } from "../host/host.ts";
import type { WmiObject } from "./wmi-object.ts";

/** A method as a client called it: on which instance, with parameters that have the types of the signature. */
export interface MethodCall {
  readonly host: Host;
  /** The instance addressed; null for a static method of the class. */
  readonly target: WmiObject;
  readonly input: MethodInput;
}

/** Parameters by name. A parameter that was left out, or sent as nil, is null; an array left out is empty. */
export class MethodInput {
  readonly #values: Readonly<Record<string, CimValue>>;

  constructor(values: Readonly<Record<string, CimValue>>) {
    this.#values = values;
  }

  value(name: string): CimValue {
    return this.#values[name] ?? null;
  }

  text(name: string): string | null {
    const value = this.value(name);
    return typeof value === "string" ? value : null;
  }

  number(name: string): number | null {
    const value = this.value(name);
    return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
  }

  flag(name: string): boolean {
    return this.value(name) === true;
  }

  list(name: string): readonly CimScalar[] {
    const value = this.value(name);
    return Array.isArray(value) ? value as readonly CimScalar[] : [];
  }

  reference(name: string): CimReference | null {
    const value = this.value(name);
    return typeof value === "object" && value !== null && "kind" in value && value.kind === "reference" ? value : null;
  }

  references(name: string): CimReference[] {
    return this.list(name).filter((item) => typeof item === "object" && item.kind === "reference");
  }

  /** An embedded instance from its CIM-XML; null when the parameter is missing or blank. @throws CimXmlError */
  instance(name: string): CimInstance | null {
    const text = this.text(name);
    return text === null || text.trim() === "" ? null : parseCimXml(text);
  }

  instances(name: string): CimInstance[] {
    return this.list(name).filter((item) => typeof item === "string" && item.trim() !== "").map((item) => parseCimXml(item as string));
  }
}

/**
 * Gives untyped parameters the types of the signature.
 * @throws WsmanFault for a parameter that the method does not have, or whose text is not of its type
 */
export function readInput(method: string, signature: MethodSignature, parameters: CimParameters): MethodInput {
  const values: Record<string, CimValue> = {};
  const names = new Map(Object.keys(signature.in).map((name) => [name.toLowerCase(), name]));
  for (const [given, value] of Object.entries(parameters)) {
    // WinRM compares parameter names with case, except that libvirt's `keyCode` for PressKey works on real hosts.
    const name = names.get(given.toLowerCase());
    const member = name === undefined ? undefined : signature.in[name];
    if (name === undefined || member === undefined) throw invalidParameter(`${method} has no parameter ${given}; it takes ${Object.keys(signature.in).join(", ") || "none"}.`);
    if (value === null || value === undefined) continue;
    const items = Array.isArray(value) ? value as readonly CimScalar[] : [value as CimScalar];
    if (!member.array && items.length > 1) throw invalidParameter(`${name} of ${method} takes one value, but ${items.length} are given.`);
    const typed = items.map((item) => readItem(item, member.type as CimType, name)).filter((item) => item !== null);
    values[name] = member.array ? expandBytes(typed, member.type) : typed[0] ?? null;
  }
  return new MethodInput(values);
}

function readItem(item: CimScalar, type: CimType, name: string): CimScalar | null {
  if (type === "uint8" && typeof item === "string" && !/^\d+$/.test(item.trim())) return item;
  if (type === "reference") return readReference(item, name);
  if (typeof item === "string") return readText(item, type, name);
  if (typeof item === "object" && item.kind === "datetime" && type === "datetime") return item;
  throw schemaValidationError(`The parameter ${name} should be ${type}.`);
}

function readReference(item: CimScalar, name: string): CimReference {
  if (typeof item === "object" && item.kind === "reference") return item;
  if (typeof item === "string" && item.trim() !== "") return parseObjectPath(item);
  throw schemaValidationError(`The parameter ${name} should be a reference to an instance.`);
}

function readText(text: string, type: CimType, name: string): CimScalar | null {
  try {
    return readScalar(text, type, name);
  } catch (cause) {
    if (cause instanceof CimXmlError) throw invalidParameter(cause.message);
    throw cause;
  }
}

/** Byte arrays travel as one base64 text, or as a number each. */
function expandBytes(items: readonly CimScalar[], type: string): CimScalar[] {
  if (type !== "uint8") return [...items];
  return items.flatMap((item) => (typeof item === "string" ? [...Buffer.from(item, "base64")] : [item]));
}
