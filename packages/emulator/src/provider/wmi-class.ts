import { classesOf, classSchema, cimv2Namespace, releaseHas, virtualizationNamespace, type ClassSchema, type MethodSignature, type ReleaseName } from "@signet/hyperv/schema";
import type { CimType } from "@signet/wsman/cim";

/** A class as one release of Windows has it: members that came later do not exist. Names are looked up without case. */
export interface WmiClass {
  readonly name: string;
  readonly namespace: string;
  readonly ancestors: readonly string[];
  readonly keys: readonly string[];
  /** By lower-case name. */
  readonly properties: ReadonlyMap<string, WmiProperty>;
  readonly methods: Readonly<Record<string, MethodSignature>>;
}

export interface WmiProperty {
  readonly name: string;
  readonly type: CimType;
  readonly array: boolean;
}

const namespaces: ReadonlySet<string> = new Set([virtualizationNamespace, cimv2Namespace]);
// Shared by all hosts of the process: a thousand hosts of five releases have some five hundred classes between them.
const known = new Map<string, WmiClass>();
const families = new Map<string, readonly WmiClass[]>();

export function isNamespace(namespace: string): boolean {
  return namespaces.has(namespace.toLowerCase());
}

export function wmiClass(namespace: string, className: string, release: ReleaseName): WmiClass | undefined {
  const id = `${release}:${namespace}:${className}`.toLowerCase();
  const found = known.get(id);
  if (found) return found;
  const schema = classSchema(namespace, className);
  if (!schema || !releaseHas(release, schema.since)) return undefined;
  const made = readClass(schema, release);
  known.set(id, made);
  return made;
}

/** The class itself, or all that derive from it; empty for a name that no class has. */
export function wmiClassFamily(namespace: string, className: string, release: ReleaseName): readonly WmiClass[] {
  const id = `${release}:${namespace}:${className}`.toLowerCase();
  const found = families.get(id);
  if (found) return found;
  const family = classesOf(namespace, className).flatMap((schema) => wmiClass(namespace, schema.name, release) ?? []);
  // Names that do not exist come from clients without limit; they are not worth keeping.
  if (family.length > 0) families.set(id, family);
  return family;
}

export function isA(one: WmiClass, ancestor: string): boolean {
  const wanted = ancestor.toLowerCase();
  return one.name.toLowerCase() === wanted || one.ancestors.some((name) => name.toLowerCase() === wanted);
}

function readClass(schema: ClassSchema, release: ReleaseName): WmiClass {
  const properties = new Map<string, WmiProperty>();
  for (const [name, member] of Object.entries(schema.properties)) {
    if (releaseHas(release, member.since)) properties.set(name.toLowerCase(), { name, type: member.type as CimType, array: member.array });
  }
  return { name: schema.name, namespace: schema.namespace, ancestors: schema.ancestors, keys: schema.keys, properties, methods: schema.methods };
}
