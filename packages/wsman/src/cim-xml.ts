import type { CimInstance, CimProperty, CimReference, CimScalar, CimType, CimValue } from "./cim.ts";
import { parseNativeDateTime } from "./date-time.ts";
import { formatObjectPath, parseObjectPath } from "./object-path.ts";
import { attribute, readXml, type XmlElement } from "./xml/read.ts";
import { element, textElement } from "./xml/write.ts";

/**
 * The string form of embedded instances (DSP0201 2.3): what settings travel as, inside string parameters. Reading takes what
 * the known senders write: pretty-printed or not, with declaration, qualifiers, propagated properties and nulls, references as
 * text or as INSTANCENAME, and booleans in any case.
 */
export class CimXmlError extends Error {
  override readonly name = "CimXmlError";
}

const types: ReadonlySet<string> = new Set<CimType>([
  "string", "boolean", "datetime", "reference", "object", "char16", "real32", "real64",
  "uint8", "uint16", "uint32", "uint64", "sint8", "sint16", "sint32", "sint64",
]);

const integerRange: Readonly<Record<string, readonly [bigint, bigint]>> = {
  uint8: [0n, 0xffn], uint16: [0n, 0xffffn], uint32: [0n, 0xffffffffn], uint64: [0n, 0xffffffffffffffffn],
  sint8: [-0x80n, 0x7fn], sint16: [-0x8000n, 0x7fffn], sint32: [-0x80000000n, 0x7fffffffn], sint64: [-(2n ** 63n), 2n ** 63n - 1n],
};

export function writeCimXml(instance: CimInstance): string {
  let content = "";
  for (const [name, property] of Object.entries(instance.properties)) content += writeProperty(name, property);
  return element("INSTANCE", { CLASSNAME: instance.className }, content);
}

function writeProperty(name: string, property: CimProperty): string {
  const { type, array, value } = property;
  if (type === "reference" && !array) {
    return element("PROPERTY.REFERENCE", { NAME: name }, value === null ? "" : textElement("VALUE.REFERENCE", textOf(value as CimScalar)));
  }
  const embedded: Record<string, string> = type === "object" ? { EmbeddedObject: "instance" } : {};
  const attributes = { NAME: name, TYPE: type === "object" ? "string" : type, ...embedded };
  if (!array) return element("PROPERTY", attributes, value === null ? "" : textElement("VALUE", textOf(value as CimScalar)));
  if (value === null) return element("PROPERTY.ARRAY", attributes, "");
  const items = Array.isArray(value) ? value as readonly CimScalar[] : [value as CimScalar];
  return element("PROPERTY.ARRAY", attributes, `<VALUE.ARRAY>${items.map((item) => textElement("VALUE", textOf(item))).join("")}</VALUE.ARRAY>`);
}

/** A scalar as CIM text: booleans in lower case, references as object paths, instances as CIM-XML. */
export function textOf(value: CimScalar): string {
  if (typeof value !== "object") return String(value);
  if (value.kind === "datetime") return value.native;
  if (value.kind === "reference") return formatObjectPath(value);
  return writeCimXml(value);
}

/** @throws CimXmlError naming the property and the value that cannot be read */
export function parseCimXml(text: string): CimInstance {
  let root: XmlElement;
  try {
    root = readXml(text.trim());
  } catch (cause) {
    throw new CimXmlError(`An embedded instance is not CIM-XML: ${(cause as Error).message}`, { cause });
  }
  const instance = findInstance(root);
  if (!instance) throw new CimXmlError(`An embedded instance has the root <${root.local}>; write it as <INSTANCE CLASSNAME="…">.`);
  return readInstance(instance);
}

// CIM / MESSAGE or DECLARATION / DECLGROUP / VALUE.OBJECT are the wrappers that serialisers may put around an instance.
const wrappers = new Set(["CIM", "DECLARATION", "DECLGROUP", "DECLGROUP.WITHPATH", "DECLGROUP.WITHNAME", "VALUE.OBJECT", "VALUE.OBJECTWITHPATH", "VALUE.NAMEDOBJECT", "VALUE.NAMEDINSTANCE", "VALUE.INSTANCEWITHPATH"]);

function findInstance(root: XmlElement): XmlElement | undefined {
  let current: XmlElement | undefined = root;
  while (current && current.local !== "INSTANCE") {
    if (!wrappers.has(current.local)) return undefined;
    current = current.children.find((one) => one.local === "INSTANCE" || wrappers.has(one.local));
  }
  return current;
}

function readInstance(root: XmlElement): CimInstance {
  const className = attribute(root, "CLASSNAME");
  if (!className) throw new CimXmlError("An embedded instance has no CLASSNAME attribute.");
  const properties: [string, CimProperty][] = [];
  for (const one of root.children) {
    const name = attribute(one, "NAME");
    if (one.local === "QUALIFIER" || one.local === "METHOD") continue;
    if (name === undefined || name === "") throw new CimXmlError(`<${one.local}> in an embedded ${className} has no NAME.`);
    if (one.local === "PROPERTY") properties.push([name, readScalarProperty(one, name)]);
    else if (one.local === "PROPERTY.ARRAY") properties.push([name, readArrayProperty(one, name)]);
    else if (one.local === "PROPERTY.REFERENCE") properties.push([name, readReferenceProperty(one, name)]);
    else throw new CimXmlError(`<${one.local}> in an embedded ${className} is not a property.`);
  }
  return { kind: "instance", className, properties: Object.fromEntries(properties) };
}

function typeOf(one: XmlElement, name: string): CimType {
  const type = attribute(one, "TYPE") ?? "string";
  if (!types.has(type)) throw new CimXmlError(`The property ${name} has the TYPE "${type}", which CIM does not have.`);
  return type as CimType;
}

function readScalarProperty(one: XmlElement, name: string): CimProperty {
  const type = typeOf(one, name);
  const value = one.children.find((part) => part.local === "VALUE");
  return { type, array: false, value: value ? readScalar(value.text, type, name) : null };
}

function readArrayProperty(one: XmlElement, name: string): CimProperty {
  const type = typeOf(one, name);
  const list = one.children.find((part) => part.local === "VALUE.ARRAY");
  if (!list) return { type, array: true, value: null };
  const items: CimScalar[] = [];
  for (const part of list.children) {
    const value = part.local === "VALUE" ? readScalar(part.text, type, name) : null;
    if (value !== null) items.push(value);
  }
  return { type, array: true, value: items };
}

function readReferenceProperty(one: XmlElement, name: string): CimProperty {
  const holder = one.children.find((part) => part.local === "VALUE.REFERENCE");
  return { type: "reference", array: false, value: holder ? readReference(holder, name) : null };
}

function readReference(holder: XmlElement, name: string): CimReference {
  const path = holder.children[0];
  if (!path) return readPath(holder.text.trim(), name);
  const namespace: string[] = [];
  let instanceName: XmlElement | undefined;
  const visit = (one: XmlElement) => {
    if (one.local === "NAMESPACE") namespace.push(attribute(one, "NAME") ?? "");
    if (one.local === "INSTANCENAME") instanceName ??= one;
    else one.children.forEach(visit);
  };
  holder.children.forEach(visit);
  const className = instanceName && attribute(instanceName, "CLASSNAME");
  if (!instanceName || !className) throw new CimXmlError(`The reference ${name} holds <${path.local}>, not an instance.`);
  const bindings = instanceName.children.filter(({ local }) => local === "KEYBINDING");
  const keys = Object.fromEntries(bindings.map((binding) => [attribute(binding, "NAME") ?? "", binding.children[0]?.text.trim() ?? ""]));
  return { kind: "reference", namespace: namespace.join("/"), className, keys };
}

function readPath(text: string, name: string): CimReference {
  try {
    return parseObjectPath(text);
  } catch (cause) {
    throw new CimXmlError(`The reference ${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * One value of a declared type from its text; null for a blank where the type has no empty value.
 * @throws CimXmlError naming `name` when the text is not of the type
 */
export function readScalar(text: string, type: CimType, name: string): CimScalar | null {
  if (type === "string" || type === "char16" || type === "object") return text;
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const wrong = (expected: string) => new CimXmlError(`The property ${name} is declared ${type}, but its value is "${trimmed.slice(0, 60)}"; write ${expected}.`);
  switch (type) {
    case "boolean": {
      const lower = trimmed.toLowerCase();
      if (lower !== "true" && lower !== "false") throw wrong("true or false");
      return lower === "true";
    }
    case "datetime":
      try {
        return parseNativeDateTime(trimmed);
      } catch {
        throw wrong("yyyymmddHHMMSS.mmmmmm+UUU or ddddddddHHMMSS.mmmmmm:000");
      }
    case "reference":
      return readPath(trimmed, name);
    case "real32":
    case "real64": {
      const real = Number(trimmed);
      if (!Number.isFinite(real)) throw wrong("a decimal number");
      return real;
    }
    default:
      return readInteger(trimmed, type, wrong);
  }
}

function readInteger(text: string, type: CimType, wrong: (expected: string) => Error): number | bigint {
  const range = integerRange[type];
  if (!range || !/^[+-]?\d{1,20}$|^0x[0-9a-f]{1,16}$/i.test(text)) throw wrong("a decimal number");
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  if (value < range[0] || value > range[1]) throw wrong(`a number from ${range[0]} to ${range[1]}`);
  return type === "uint64" || type === "sint64" ? value : Number(value);
}

/** Property by name without regard to case, as CIM names are compared. */
export function propertyOf(instance: CimInstance, name: string): CimProperty | undefined {
  const direct = Object.hasOwn(instance.properties, name) ? instance.properties[name] : undefined;
  if (direct) return direct;
  const lower = name.toLowerCase();
  const key = Object.keys(instance.properties).find((one) => one.toLowerCase() === lower);
  return key === undefined ? undefined : instance.properties[key];
}

export function valueOf(instance: CimInstance, name: string): CimValue {
  return propertyOf(instance, name)?.value ?? null;
}
