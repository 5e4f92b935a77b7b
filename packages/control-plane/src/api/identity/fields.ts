import { invalid, malformed } from "../../identity/refusals.ts";

type FieldType = "string" | "boolean" | "string or null";

export interface FieldRule {
  readonly type: FieldType;
  readonly required?: boolean;
  /** Characters; Keystone's column widths. */
  readonly lengthMax?: number;
}

export type FieldRules = Readonly<Record<string, FieldRule>>;

export interface Fields {
  readonly known: Readonly<Record<string, string | boolean | null>>;
  /** Fields outside the rules: kept as they came, as Keystone does. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Fields that the service itself decides; what a client sends for them back is not kept. */
const OWN = new Set(["id", "links", "domain_id", "parent_id", "is_domain", "options", "tags", "password_expires_at"]);

/** Reads `{"<key>": {…}}` by the rules. Throws Keystone's 400s. `partial` is for PATCH: nothing is required then. */
export function readFields(body: unknown, key: string, rules: FieldRules, options: { readonly partial: boolean }): Fields {
  const resource = (body as Record<string, unknown> | undefined | null)?.[key];
  if (typeof resource !== "object" || resource === null || Array.isArray(resource)) throw malformed(key);
  const known: Record<string, string | boolean | null> = {};
  const extra: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(resource)) {
    const rule = rules[name];
    if (rule === undefined) {
      if (!OWN.has(name)) extra[name] = value;
      continue;
    }
    known[name] = checkField(name, value, rule);
  }
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.required === true && !options.partial && known[name] === undefined) throw invalid(`'${name}' is a required property`);
  }
  return { known, extra };
}

function checkField(name: string, value: unknown, { type, lengthMax }: FieldRule): string | boolean | null {
  const wanted = type === "string or null" ? ["string", "null"] : [type];
  const actual = value === null ? "null" : typeof value;
  if (!wanted.includes(actual)) throw invalid(`Invalid input for field '${name}': ${JSON.stringify(value)} is not of type ${wanted.map((word) => `'${word}'`).join(", ")}`);
  if (typeof value === "string" && name === "name" && value.trim() === "") throw invalid(`Invalid input for field 'name': ${JSON.stringify(value)} is too short`);
  if (typeof value === "string" && value.length > (lengthMax ?? Number.POSITIVE_INFINITY)) throw invalid(`Invalid input for field '${name}': the value is too long: ${value.length} characters, of at most ${lengthMax}`);
  return value as string | boolean | null;
}
