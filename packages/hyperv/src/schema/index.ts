/**
 * Facts about the classes of `root/virtualization/v2` and `root/cimv2` that the driver and the emulated host share: property
 * names and types, keys, method signatures, and the first release that has each member.
 */
import { readFileSync } from "node:fs";

/** Releases in the order in which they came; "23h2" stands between 2022 and 2025 in time and brings what 2025 has. */
export const releaseNames = ["2012r2", "2016", "2019", "2022", "23h2", "2025"] as const;
export type ReleaseName = (typeof releaseNames)[number];

export interface MemberType {
  /** A CIM type, or "reference" or "object". */
  readonly type: string;
  readonly array: boolean;
  /** The class a reference points at or an embedded object has; null for plain values. */
  readonly target: string | null;
  readonly since: ReleaseName;
}

export interface MethodSignature {
  readonly in: Readonly<Record<string, MemberType>>;
  readonly out: Readonly<Record<string, MemberType>>;
}

export interface ClassSchema {
  readonly name: string;
  readonly namespace: string;
  /** Nearest first. */
  readonly ancestors: readonly string[];
  readonly keys: readonly string[];
  readonly since: ReleaseName;
  readonly properties: Readonly<Record<string, MemberType>>;
  readonly methods: Readonly<Record<string, MethodSignature>>;
}

export const virtualizationNamespace = "root/virtualization/v2";
export const cimv2Namespace = "root/cimv2";

interface ClassData {
  readonly ancestors: readonly string[];
  readonly keys: readonly string[];
  readonly since?: ReleaseName;
  readonly properties: Readonly<Record<string, string>>;
  readonly methods?: Readonly<Record<string, { readonly in: Readonly<Record<string, string>>; readonly out: Readonly<Record<string, string>> }>>;
}

let schemas: Map<string, ClassSchema> | undefined;

/** The class by name (case does not matter) in a namespace written with slashes; undefined when it is not in our data. */
export function classSchema(namespace: string, className: string): ClassSchema | undefined {
  schemas ??= loadSchemas();
  return schemas.get(`${namespace}:${className}`.toLowerCase());
}

/** All classes of a namespace that are `className` or derive from it. */
export function classesOf(namespace: string, className: string): readonly ClassSchema[] {
  schemas ??= loadSchemas();
  const wanted = className.toLowerCase();
  return [...schemas.values()].filter((schema) => schema.namespace === namespace.toLowerCase()
    && (schema.name.toLowerCase() === wanted || schema.ancestors.some((ancestor) => ancestor.toLowerCase() === wanted)));
}

/** Whether `release` already has what came with `since`. */
export function releaseHas(release: ReleaseName, since: ReleaseName): boolean {
  return releaseNames.indexOf(release) >= releaseNames.indexOf(since);
}

// Read on first use: a process that never speaks to Hyper-V does not pay for parsing it.
function loadSchemas(): Map<string, ClassSchema> {
  const data = JSON.parse(readFileSync(new URL("./classes.json", import.meta.url), "utf8")) as
    Record<"virtualization" | "cimv2", Readonly<Record<string, ClassData>>>;
  const all = new Map<string, ClassSchema>();
  for (const [namespace, classes] of [[virtualizationNamespace, data.virtualization], [cimv2Namespace, data.cimv2]] as const) {
    for (const [name, entry] of Object.entries(classes)) all.set(`${namespace}:${name}`.toLowerCase(), readClass(namespace, name, entry));
  }
  return all;
}

function readClass(namespace: string, name: string, entry: ClassData): ClassSchema {
  const since = entry.since ?? "2012r2";
  const methods = Object.entries(entry.methods ?? {}).map(([method, signature]) => [method, { in: readMembers(signature.in), out: readMembers(signature.out) }] as const);
  return { name, namespace, ancestors: entry.ancestors, keys: entry.keys, since, properties: readMembers(entry.properties), methods: Object.fromEntries(methods) };
}

function readMembers(members: Readonly<Record<string, string>>): Record<string, MemberType> {
  return Object.fromEntries(Object.entries(members).map(([name, text]) => [name, readMember(text)]));
}

/** Reads `string[]@2016`, `ref:CIM_System`, `object:Msvm_SummaryInformationBase[]`. */
function readMember(text: string): MemberType {
  const [, prefix, word, array, since] = /^(?:(ref|object):)?(\w+)(\[\])?(?:@(\w+))?$/.exec(text) ?? [];
  if (word === undefined) throw new Error(`classes.json has a type that cannot be read: ${text}`);
  const type = prefix === "ref" ? "reference" : prefix === "object" ? "object" : word;
  return { type, array: array !== undefined, target: prefix === undefined ? null : word, since: (since ?? "2012r2") as ReleaseName };
}
