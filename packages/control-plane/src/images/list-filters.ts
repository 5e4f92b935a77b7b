import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";
import { VISIBILITIES } from "./image-record.ts";
import type { ListQuery } from "./list-images.ts";
import { invalidQuery } from "./refusals.ts";

export interface ListFilters {
  readonly visibility: string | null;
  readonly memberStatus: string;
  readonly hidden: boolean;
  readonly conditions: readonly Expression<SqlBool>[];
}

/** Not filters: paging, sorting, and what is read apart. */
const OTHER = new Set(["limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "os_hidden"]);
const MEMBER_STATUSES = ["pending", "accepted", "rejected", "all"];
const COMPARISONS: Readonly<Record<string, string>> = { gt: ">", gte: ">=", lt: "<", lte: "<=", eq: "=", neq: "<>" };

const texts: Readonly<Record<string, RawBuilder<unknown>>> = {
  id: sql`images.id::text`, name: sql`images.name`, status: sql`images.status`, owner: sql`images.owner`, checksum: sql`images.md5`, os_hash_value: sql`images.sha512`,
  disk_format: sql`images.disk_format`, container_format: sql`images.container_format`, min_ram: sql`images.min_ram_mib::text`, min_disk: sql`images.min_disk_gib::text`, size: sql`images.size_bytes::text`,
};
/** Those that take `in:a,b`. */
const LISTED = new Set(["id", "name", "status", "disk_format", "container_format"]);

/** Reads what a list is to be narrowed to. Throws a `Refusal` in Glance's words. */
export function readFilters(query: ListQuery): ListFilters {
  const visibility = last(query["visibility"]) ?? null;
  if (visibility !== null && visibility !== "all" && !VISIBILITIES.some((known) => known === visibility)) throw invalidQuery(`Invalid visibility value: ${visibility}`);
  const memberStatus = last(query["member_status"]) ?? "accepted";
  if (!MEMBER_STATUSES.includes(memberStatus)) throw invalidQuery(`Invalid status: ${memberStatus}`);
  const conditions = Object.entries(query).filter(([name]) => !OTHER.has(name)).flatMap(([name, value]) => (typeof value === "string" ? [value] : value).map((text) => readCondition(name, text)));
  return { visibility, memberStatus, hidden: readBoolean("os_hidden", last(query["os_hidden"]) ?? "false"), conditions };
}

function readCondition(name: string, value: string): Expression<SqlBool> {
  if (name === "tag") return sql<SqlBool>`images.tags @> ${JSON.stringify([value])}::jsonb`;
  if (name === "protected") return sql<SqlBool>`images.protected = ${readBoolean(name, value)}`;
  if (name === "size_min" || name === "size_max") return sql<SqlBool>`images.size_bytes ${sql.raw(name === "size_min" ? ">=" : "<=")} ${readNumber(value)}`;
  if (name === "created_at" || name === "updated_at") return readTimeCondition(name, value);
  const column = texts[name];
  if (column === undefined) return sql<SqlBool>`images.properties ->> ${name} = ${value}`;
  if (LISTED.has(name) && value.startsWith("in:")) return sql<SqlBool>`${column} = ANY(${splitList(value.slice(3))}::text[])`;
  return sql<SqlBool>`${column} = ${value}`;
}

/** Values between commas; one in double quotes may hold commas. */
function splitList(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)].map((match) => (match[1] === undefined ? match[2]! : match[1].replaceAll(/\\(.)/g, "$1")));
}

function readTimeCondition(name: "created_at" | "updated_at", value: string): Expression<SqlBool> {
  const [, word, text] = /^(?:([a-z]+):)?(.*)$/s.exec(value)!;
  const comparison = COMPARISONS[word ?? "eq"];
  const time = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text!) ? Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text!.slice(10)) ? text! : `${text!.replace(" ", "T")}${text!.length > 10 ? "Z" : ""}`) : Number.NaN;
  if (comparison === undefined || Number.isNaN(time)) throw invalidQuery(`Bad "${name}" query filter format. Use ISO 8601 DateTime notation.`);
  // Clients see whole seconds, so they compare whole seconds.
  return sql<SqlBool>`date_trunc('second', ${sql.ref(`images.${name}`)}) ${sql.raw(comparison)} ${new Date(time)}`;
}

function readBoolean(name: string, value: string): boolean {
  if (/^true$/i.test(value)) return true;
  if (/^false$/i.test(value)) return false;
  throw invalidQuery(`Invalid value '${value}' for '${name}' filter. Valid values are 'true' or 'false'.`);
}

function readNumber(value: string): number {
  if (!/^-?\d+$/.test(value)) throw invalidQuery("Unable to filter on a range with a non-numeric value.");
  return Number(value);
}

function last(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.at(-1);
}
