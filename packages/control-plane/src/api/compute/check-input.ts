import { badRequest } from "./fault-envelope.ts";

/** The part of JSON Schema that Nova's request bodies use here. */
export type Schema =
  | { readonly type: "object"; readonly required?: readonly string[]; readonly properties: Readonly<Record<string, Schema>>; readonly open?: boolean; readonly keys?: RegExp; readonly values?: Schema }
  | { readonly type: "array"; readonly items: Schema }
  | { readonly type: "string"; readonly min?: number; readonly max?: number; readonly pattern?: RegExp; readonly values?: readonly string[]; readonly format?: "uuid"; readonly nullable?: boolean }
  /** Integers, also as strings of digits. */
  | { readonly type: "integer"; readonly min?: number; readonly max?: number; readonly nullable?: boolean }
  | { readonly type: "boolean" }
  | { readonly type: "any" };

export const uuidPattern = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** Throws a `Refusal` (400) in Nova's words for the first thing that is wrong. `where` names the value in them. */
export function checkInput(schema: Schema, value: unknown, where: string): void {
  const complain = (text: string): never => {
    throw badRequest(where === "" ? text : `Invalid input for field/attribute ${where}. Value: ${typeof value === "string" ? value : python(value)}. ${text}`);
  };
  switch (schema.type) {
    case "object": return checkObject(schema, value, complain);
    case "array":
      if (!Array.isArray(value)) return complain(`${python(value)} is not of type 'array'`);
      return value.forEach((item, index) => checkInput(schema.items, item, String(index)));
    case "string": return checkString(schema, value, complain);
    case "integer": return checkInteger(schema, value, complain);
    case "boolean":
      if (typeof value === "boolean" || (typeof value === "string" && /^(true|false|1|0|yes|no|on|off|t|f|y|n)$/i.test(value))) return;
      return complain(`${python(value)} is not one of [True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't', False, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f']`);
    case "any": return;
  }
}

type Complain = (text: string) => never;

function checkObject(schema: Extract<Schema, { type: "object" }>, value: unknown, complain: Complain): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return complain(`${python(value)} is not of type 'object'`);
  for (const name of schema.required ?? []) if (!(name in value)) complain(`'${name}' is a required property`);
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (known !== undefined) checkInput(known, member, name);
    else if (schema.values !== undefined && (schema.keys?.test(name) ?? true)) checkInput(schema.values, member, name);
    else if (schema.open !== true) complain(`Additional properties are not allowed ('${name}' was unexpected)`);
  }
}

function checkString(schema: Extract<Schema, { type: "string" }>, value: unknown, complain: Complain): void {
  if (value === null && schema.nullable === true) return;
  if (typeof value !== "string") return complain(`${python(value)} is not of type 'string'`);
  const length = [...value].length;
  if (length < (schema.min ?? 0)) complain(length === 0 ? `'' is too short` : `${python(value)} is too short`);
  if (length > (schema.max ?? Number.POSITIVE_INFINITY)) complain(`${python(value)} is too long`);
  if (schema.values !== undefined && !schema.values.includes(value)) complain(`${python(value)} is not one of ${python(schema.values)}`);
  if (schema.pattern !== undefined && !schema.pattern.test(value)) complain(`${python(value)} does not match '${schema.pattern.source}'`);
  if (schema.format === "uuid" && !uuidPattern.test(value)) complain(`${python(value)} is not a 'uuid'`);
}

function checkInteger(schema: Extract<Schema, { type: "integer" }>, value: unknown, complain: Complain): void {
  if (value === null && schema.nullable === true) return;
  const isDigits = typeof value === "string" && /^-?\d+$/.test(value);
  if (!isDigits && !Number.isInteger(value)) return complain(`${python(value)} is not of type 'integer', 'string'`);
  const number = Number(value);
  if (number < (schema.min ?? Number.NEGATIVE_INFINITY)) complain(`${number} is less than the minimum of ${schema.min}`);
  if (number > (schema.max ?? 0x7fffffff)) complain(`${number} is greater than the maximum of ${schema.max ?? 0x7fffffff}`);
}

/** A value as Python prints it: Nova's sentences quote what they got that way. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, member]) => `${python(key)}: ${python(member)}`).join(", ")}}`;
  return String(value);
}

/** The body's one member, checked. Throws Nova's words for a missing or malformed one. */
export function bodyMember<Body>(body: unknown, name: string, schema: Schema): Body {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw badRequest("Malformed request body");
  const member = (body as Record<string, unknown>)[name];
  if (member === undefined) throw badRequest(`'${name}' is a required property`);
  checkInput(schema, member, name);
  return member as Body;
}

/** A yes or no as clients write it; null for anything else. */
export function readBoolean(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return null;
  if (/^(true|1|yes|on|t|y)$/i.test(value)) return true;
  return /^(false|0|no|off|f|n)$/i.test(value) ? false : null;
}
