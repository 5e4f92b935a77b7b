import type { CimInstance, CimProperty, CimScalar, CimValue } from "./cim.ts";
import { textOf } from "./cim-xml.ts";
import { dateTimeFromIso, DateTimeError, isoFromDateTime, parseNativeDateTime } from "./date-time.ts";
import { schemaValidationError } from "./faults.ts";
import { NS } from "./namespaces.ts";
import { classUri, isReference, readReference, writeReferenceContent } from "./resource.ts";
import { attribute, child, type XmlElement } from "./xml/read.ts";
import { element, escapeText, textElement, type XmlAttributes } from "./xml/write.ts";

/**
 * CIM values as SOAP elements (DSP0230), in the form WinRM gives them: properties in alphabetical order, null scalars as
 * `xsi:nil`, null arrays left out, arrays as repeated elements, byte arrays as one base64 text.
 */
const nil: XmlAttributes = { "xsi:nil": "true" };

/** An instance as a Body child or enumeration item, with its own namespace declarations. */
export function writeInstance(namespace: string, instance: CimInstance): string {
  const attributes = {
    "xmlns:xsi": NS.xsi, "xmlns:p": classUri(namespace, instance.className), "xmlns:cim": NS.cim, "xsi:type": `p:${instance.className}_Type`,
  };
  return element(`p:${instance.className}`, attributes, writeProperties("p", namespace, instance));
}

/** What a projection (`SELECT a, b FROM …`) answers: a fragment with the chosen properties only. */
export function writeFragment(namespace: string, instance: CimInstance): string {
  const attributes = { "xmlns:xsi": NS.xsi, "xmlns:p": classUri(namespace, instance.className), "xmlns:cim": NS.cim };
  return element("w:XmlFragment", attributes, writeProperties("p", namespace, instance));
}

function writeProperties(prefix: string, namespace: string, instance: CimInstance): string {
  const names = Object.keys(instance.properties).toSorted((left, right) => (left.toLowerCase() < right.toLowerCase() ? -1 : 1));
  return names.map((name) => writeProperty(`${prefix}:${name}`, namespace, instance.properties[name] as CimProperty)).join("");
}

function writeProperty(tag: string, namespace: string, property: CimProperty): string {
  const { value } = property;
  if (value === null) return property.array ? "" : element(tag, nil, "");
  if (property.array && property.type === "uint8") return textElement(tag, Buffer.from((isList(value) ? value : [value]) as number[]).toString("base64"));
  return writeValue(tag, namespace, value);
}

/** A parameter or result of any kind. Byte arrays are recognised by `base64Bytes`, the form in which they are handed in. */
export function writeValue(tag: string, namespace: string, value: CimValue): string {
  if (value === null) return element(tag, nil, "");
  if (isList(value)) return value.map((item) => writeScalar(tag, namespace, item)).join("");
  return writeScalar(tag, namespace, value);
}

function isList(value: CimValue): value is readonly CimScalar[] {
  return Array.isArray(value);
}

function writeScalar(tag: string, namespace: string, value: CimScalar): string {
  if (typeof value !== "object") return textElement(tag, textOf(value));
  if (value.kind === "reference") return element(tag, { "xmlns:a": NS.a, "xmlns:w": NS.w }, writeReferenceContent(value));
  if (value.kind === "datetime") {
    const iso = isoFromDateTime(value);
    return element(tag, {}, element(`cim:${iso.element}`, { "xmlns:cim": NS.cim }, escapeText(iso.text)));
  }
  const attributes = { "xmlns:e": classUri(namespace, value.className), "xsi:type": `e:${value.className}_Type` };
  return element(tag, attributes, writeProperties("e", namespace, value));
}

/** An instance from a Body or an item. Types are not on the wire: scalars are strings, repeated elements are arrays. */
export function readInstance(root: XmlElement): CimInstance {
  const declared = attribute(root, "type", NS.xsi)?.replace(/^[^:]*:/, "").replace(/_Type$/, "");
  const properties: [string, CimProperty][] = [];
  for (const [name, value] of Object.entries(readValues(root))) {
    const first = isList(value) ? value[0] : value;
    const type = typeof first === "object" && first !== null ? (first.kind === "instance" ? "object" : first.kind) : "string";
    properties.push([name, { type, array: isList(value), value }]);
  }
  return { kind: "instance", className: root.local === "XmlFragment" ? "" : declared && root.local !== declared ? declared : root.local, properties: Object.fromEntries(properties) };
}

/** Child elements by name; repeated ones become arrays. */
export function readValues(parent: XmlElement): Record<string, CimValue> {
  const found = new Map<string, (CimScalar | null)[]>();
  for (const one of parent.children) {
    const values = found.get(one.local);
    if (values) values.push(readValue(one));
    else found.set(one.local, [readValue(one)]);
  }
  return Object.fromEntries([...found].map(([name, values]) => [name, joined(values)]));
}

/** A nil beside values of the same name says nothing; nothing but nils is null. */
function joined(values: readonly (CimScalar | null)[]): CimValue {
  if (values.length === 1) return values[0] ?? null;
  const given = values.filter((value) => value !== null);
  return given.length === 0 ? null : given;
}

function readValue(one: XmlElement): CimScalar | null {
  const isNil = attribute(one, "nil", NS.xsi);
  if (isNil === "true" || isNil === "1") return null;
  if (one.children.length === 0) return one.text;
  if (isReference(one)) return readReference(one);
  const wrapped = child(one, NS.a, "EndpointReference");
  if (wrapped) return readReference(wrapped);
  const time = child(one, NS.cim, "Datetime") ?? child(one, NS.cim, "Interval");
  if (time) return readTime(time);
  return readInstance(one);
}

function readTime(time: XmlElement): CimScalar {
  const text = time.text.trim();
  try {
    return /^\d{14}\.|^\d{14}$/.test(text) ? parseNativeDateTime(text) : dateTimeFromIso(text);
  } catch (cause) {
    if (cause instanceof DateTimeError) return text;
    throw cause;
  }
}

/**
 * Method parameters as a server must read them. A wrapped EPR, or an embedded instance as elements instead of CIM-XML text, is
 * what a real host refuses.
 * @throws WsmanFault w:SchemaValidationError
 */
export function readParameters(input: XmlElement): Record<string, CimValue> {
  for (const one of input.children) {
    if (one.children.length === 0 || isReference(one)) continue;
    if (child(one, NS.a, "EndpointReference")) throw schemaValidationError(`The parameter ${one.local} wraps its reference in EndpointReference; put Address and ReferenceParameters directly inside.`);
    if (!child(one, NS.cim, "Datetime") && !child(one, NS.cim, "Interval")) throw schemaValidationError(`The parameter ${one.local} holds elements; embedded instances travel as CIM-XML text.`);
  }
  return readValues(input);
}
