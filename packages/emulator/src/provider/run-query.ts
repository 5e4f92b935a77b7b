import { cannotProcessFilter, classNotFound, formatObjectPath, namespaceNotFound, ObjectPathError, parseObjectPath, type SelectedInstance } from "@signet/wsman";
import type { CimInstance, CimReference } from "@signet/wsman/cim";
import { evaluateWhere, parseWql, type AssociatorsQuery, type ReferencesQuery, type SelectQuery, type WqlCondition, type WqlContext } from "@signet/wsman/wql";
import type { Host } from "../host/host.ts";
import type { AssociationSource, Link } from "./class-source.ts";
import { associationsOf, sourceOfClass } from "./classes/index.ts";
import { Narrowing } from "./narrowing.ts";
import { isA, isNamespace, wmiClass, wmiClassFamily, type WmiClass } from "./wmi-class.ts";
import { answersTo, referenceTo, toInstance, type WmiObject } from "./wmi-object.ts";

/** @throws WsmanFault for what WMI refuses: an unknown class, an unknown property, a query that cannot be read */
export async function runQuery(host: Host, namespace: string, wql: string): Promise<readonly SelectedInstance[]> {
  checkNamespace(namespace);
  const query = parseWql(wql);
  if (query.kind === "select") return select(host, namespace.toLowerCase(), query);
  const of = { ...query.object, namespace: namespace.toLowerCase() };
  const objects = query.kind === "associators" ? await associators(host, of, query) : references(host, of, query);
  return objects.map(selected);
}

export async function enumerateClass(host: Host, namespace: string, className: string): Promise<readonly SelectedInstance[]> {
  checkNamespace(namespace);
  return (await objectsOf(host, namespace.toLowerCase(), className, Narrowing.none)).map(selected);
}

/** The instance that a reference means, or null. Fewer keys than the class has are enough where they name one only. */
export async function findObject(host: Host, reference: CimReference): Promise<WmiObject | null> {
  const namespace = reference.namespace.toLowerCase();
  checkNamespace(namespace);
  const objects = await objectsOf(host, namespace, reference.className, Narrowing.ofKeys(reference));
  return objects.find((object) => answersTo(object, reference.keys)) ?? null;
}

export function checkNamespace(namespace: string): void {
  if (!isNamespace(namespace)) throw namespaceNotFound(namespace);
}

function selected(object: WmiObject): SelectedInstance {
  return { reference: referenceTo(object), instance: toInstance(object) };
}

async function objectsOf(host: Host, namespace: string, className: string, narrowing: Narrowing): Promise<WmiObject[]> {
  const family = wmiClassFamily(namespace, className, host.release.name);
  if (family.length === 0) throw classNotFound(className);
  const objects: WmiObject[] = [];
  for (const one of family) {
    const source = sourceOfClass(namespace, one.name);
    if (source) for (const values of await source(host, narrowing)) objects.push({ class: one, values });
    else objects.push(...linkObjects(host, one, narrowing));
  }
  return objects;
}

async function select(host: Host, namespace: string, query: SelectQuery): Promise<readonly SelectedInstance[]> {
  const family = wmiClassFamily(namespace, query.className, host.release.name);
  if (family.length === 0) throw classNotFound(query.className);
  checkProperties(family, query);
  const context = (reference: CimReference): WqlContext => ({ server: host.computerName, namespace, reference, isA: (className, ancestor) => isClassA(host, namespace, className, ancestor) });
  const found = (await objectsOf(host, namespace, query.className, Narrowing.of(query.where))).map(selected).filter(({ instance, reference }) => evaluateWhere(query.where, instance, context(reference)));
  const { properties } = query;
  return properties === "*" ? found : found.map(({ reference, instance }) => ({ reference, instance: project(host, reference, instance, properties) }));
}

function isClassA(host: Host, namespace: string, className: string, ancestor: string): boolean {
  const found = wmiClass(namespace, className, host.release.name);
  return found !== undefined && isA(found, ancestor);
}

/** WMI refuses a query that names a property which the class does not have. */
function checkProperties(family: readonly WmiClass[], query: SelectQuery): void {
  const known = (name: string) => name.startsWith("__") || family.some(({ properties }) => properties.has((name.split(".")[0] ?? "").toLowerCase()));
  const named = [...(query.properties === "*" ? [] : query.properties), ...(query.where ? propertiesIn(query.where) : [])];
  const unknown = named.find((name) => !known(name));
  if (unknown !== undefined) throw cannotProcessFilter(`The class ${query.className} has no property ${unknown}.`);
}

function propertiesIn(condition: WqlCondition): string[] {
  switch (condition.kind) {
    case "and":
    case "or": return condition.terms.flatMap(propertiesIn);
    case "not": return propertiesIn(condition.term);
    case "compare": return [condition.left, condition.right].flatMap((operand) => (operand.kind === "property" ? [operand.name] : []));
    default: return condition.operand.kind === "property" ? [condition.operand.name] : [];
  }
}

function project(host: Host, reference: CimReference, instance: CimInstance, names: readonly string[]): CimInstance {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const properties = Object.fromEntries(Object.entries(instance.properties).filter(([name]) => wanted.has(name.toLowerCase())));
  const system: Readonly<Record<string, string>> = {
    __server: host.computerName, __namespace: reference.namespace.replaceAll("/", "\\"), __class: reference.className, __path: formatObjectPath(reference, host.computerName), __relpath: formatObjectPath({ ...reference, namespace: "" }),
  };
  for (const name of names) {
    const value = system[name.toLowerCase()];
    if (value !== undefined) properties[name] = { type: "string", array: false, value };
  }
  return { ...instance, properties };
}

interface Touching {
  readonly source: AssociationSource;
  readonly link: Link;
  /** Which end of the link the object is: 0 or 1. */
  readonly near: 0 | 1;
}

/** The links of which the object is an end. */
function linksOf(host: Host, of: CimReference, isWanted: (one: WmiClass) => boolean): Touching[] {
  const found: Touching[] = [];
  const target = completed(host, of);
  for (const source of associationsOf(of.namespace)) {
    const one = wmiClass(of.namespace, source.className, host.release.name);
    if (!one || !isWanted(one)) continue;
    for (const link of source.links(host, of)) {
      for (const near of [0, 1] as const) if (isEnd(link.ends[near], target)) found.push({ source, link, near });
    }
  }
  return found;
}

/** An object is often named by a key or two less than it has, and its class in another case. */
function completed(host: Host, of: CimReference): CimReference {
  const found = wmiClass(of.namespace, of.className, host.release.name);
  if (!found) throw classNotFound(of.className);
  const [onlyKey] = found.keys;
  // `Class="value"` names the one key there is.
  const keys = onlyKey !== undefined && found.keys.length === 1 && Object.hasOwn(of.keys, "") ? { [onlyKey]: of.keys[""] ?? "" } : of.keys;
  return { ...of, className: found.name, keys };
}

function isEnd(end: WmiObject, target: CimReference): boolean {
  return end.class.name === target.className && answersTo(end, target.keys);
}

function same(name: string, wanted: string | null): boolean {
  return wanted === null || name.toLowerCase() === wanted.toLowerCase();
}

async function associators(host: Host, of: CimReference, query: AssociatorsQuery): Promise<WmiObject[]> {
  for (const name of [query.assocClass, query.resultClass]) if (name !== null && wmiClassFamily(of.namespace, name, host.release.name).length === 0) throw classNotFound(name);
  const found = new Map<string, WmiObject>();
  for (const { source, link, near } of linksOf(host, of, (one) => query.assocClass === null || isA(one, query.assocClass))) {
    const far = link.ends[near === 0 ? 1 : 0];
    if (!same(source.roles[near], query.role) || !same(source.roles[near === 0 ? 1 : 0], query.resultRole)) continue;
    if (query.resultClass !== null && !isA(far.class, query.resultClass)) continue;
    const object = far.partial ? await findObject(host, referenceTo(far)) : far;
    // Two associations may lead to one object, which is answered once.
    if (object) found.set(formatObjectPath(referenceTo(object)).toLowerCase(), object);
  }
  return [...found.values()];
}

function references(host: Host, of: CimReference, query: ReferencesQuery): WmiObject[] {
  if (query.resultClass !== null && wmiClassFamily(of.namespace, query.resultClass, host.release.name).length === 0) throw classNotFound(query.resultClass);
  return linksOf(host, of, (one) => query.resultClass === null || isA(one, query.resultClass))
    .filter(({ source, near }) => same(source.roles[near], query.role))
    .flatMap(({ source, link }) => linkObject(host, of.namespace, source, link) ?? []);
}

function linkObjects(host: Host, one: WmiClass, narrowing: Narrowing): WmiObject[] {
  return associationsOf(one.namespace).filter(({ className }) => className === one.name)
    .flatMap((source) => [...source.links(host, endNamed(source, narrowing))].flatMap((link) => linkObject(host, one.namespace, source, link) ?? []));
}

/** The object that a query such as `… WHERE SystemElement = '<path>'` fixes one end to. */
function endNamed(source: AssociationSource, narrowing: Narrowing): CimReference | null {
  const path = source.roles.map((role) => narrowing.equals(role)).find((value) => value !== undefined);
  try {
    return path === undefined ? null : parseObjectPath(path);
  } catch (error) {
    if (error instanceof ObjectPathError) return null;
    throw error;
  }
}

function linkObject(host: Host, namespace: string, source: AssociationSource, link: Link): WmiObject | undefined {
  const one = wmiClass(namespace, source.className, host.release.name);
  return one && { class: one, values: { ...link.values, [source.roles[0]]: referenceTo(link.ends[0]), [source.roles[1]]: referenceTo(link.ends[1]) } };
}

