import type { FastifyRequest } from "fastify";
import { type Expression, type SqlBool, sql } from "kysely";
import type { Server } from "../../compute/servers.ts";
import type { ComputeStore } from "../../store/tables/compute.ts";
import { forbidden, requesterOf } from "./compute-caller.ts";
import { python, readBoolean } from "./check-input.ts";
import { badRequest } from "./fault-envelope.ts";
import { nextLink } from "./links.ts";

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Nova's max_limit. */
const PAGE_MAX = 1_000;
const sortColumns: Readonly<Record<string, "created_at" | "updated_at" | "name" | "vm_state" | "task_state" | "id" | "image_id" | "host_name" | "power_state" | "launched_at" | "project_id" | "user_id">> = {
  created_at: "created_at", updated_at: "updated_at", display_name: "name", vm_state: "vm_state", task_state: "task_state", uuid: "id", image_ref: "image_id", host: "host_name", power_state: "power_state",
  launched_at: "launched_at", project_id: "project_id", user_id: "user_id",
};
const knownParameters = new Set([
  "name", "status", "image", "flavor", "ip", "ip6", "tags", "tags-any", "not-tags", "not-tags-any", "changes-since", "changes-before", "reservation_id", "locked", "limit", "marker", "sort_key", "sort_dir", "all_tenants",
  "project_id", "tenant_id", "host", "node", "user_id", "deleted", "availability_zone", "vm_state", "task_state", "power_state", "key_name", "uuid", "hostname", "description", "launched_at", "terminated_at", "progress", "locked_by", "auto_disk_config",
]);
const statesOfStatus: Readonly<Record<string, readonly string[]>> = { BUILD: ["building"], ACTIVE: ["active"], REBOOT: ["active"], HARD_REBOOT: ["active", "stopped", "error"], SHUTOFF: ["stopped"], ERROR: ["error"], DELETED: ["deleted"] };
/** States that Nova has and servers here never are in. */
const emptyStatuses = new Set(["PAUSED", "SUSPENDED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED", "VERIFY_RESIZE", "RESIZE", "REBUILD", "MIGRATING", "PASSWORD", "REVERT_RESIZE", "UNKNOWN"]);

/** One page of the servers that the query asks for and the caller may see. */
export async function queryServers(store: ComputeStore, request: FastifyRequest): Promise<{ readonly servers: readonly Server[]; readonly links: object }> {
  const query = request.query as Query;
  refuseUnknownParameters(request, query);
  const limit = readLimit(query);
  const { column, direction } = readSort(query);
  let select = store.selectFrom("servers").selectAll().where((builder) => builder.and(conditionsOf(request, query)));
  const marker = one(query["marker"]);
  if (marker !== undefined) {
    const at = /^[0-9a-f-]{36}$/i.test(marker) ? await store.selectFrom("servers").selectAll().where("id", "=", marker).executeTakeFirst() : undefined;
    if (at === undefined) throw badRequest(`marker [${marker}] not found`);
    const beyond = sql.raw(direction === "desc" ? "<" : ">");
    // The row is compared in the store: a JavaScript date has lost the microseconds by which the rows are in order.
    select = select.where(sql<SqlBool>`(${sql.ref(column)}, id) ${beyond} (SELECT ${sql.ref(column)}, id FROM servers WHERE id = ${marker})`);
  }
  const servers = limit === 0 ? [] : await select.orderBy(column, direction).orderBy("id", direction).limit(limit).execute().catch(explainPattern);
  return { servers, links: servers.length === limit && limit > 0 ? { servers_links: nextLink(request, request.url.includes("/detail") ? "servers/detail" : "servers", servers.at(-1)!.id) } : {} };
}

function conditionsOf(request: FastifyRequest, query: Query): Expression<SqlBool>[] {
  const who = requesterOf(request);
  const conditions: Expression<SqlBool>[] = [];
  const equal = (column: string, value: string | undefined): void => {
    if (value !== undefined) conditions.push(sql<SqlBool>`${sql.ref(column)}::text = ${value}`);
  };
  const wantsDeleted = who.isAdmin && query["deleted"] !== undefined && readBoolean(one(query["deleted"])) === true;
  conditions.push(wantsDeleted ? sql<SqlBool>`deleted_at IS NOT NULL` : sql<SqlBool>`deleted_at IS NULL`);
  if (!wantsAllProjects(request, query)) equal("project_id", who.projectId);
  else equal("project_id", one(query["project_id"]) ?? one(query["tenant_id"]));
  const name = one(query["name"]);
  if (name !== undefined) conditions.push(sql<SqlBool>`name ~ ${name}`);
  conditions.push(...statusConditions(request, [query["status"] ?? []].flat()));
  equal("image_id", one(query["image"])?.split("/").at(-1));
  equal("reservation_id", one(query["reservation_id"]));
  equal("key_name", one(query["key_name"]));
  const flavor = one(query["flavor"])?.split("/").at(-1);
  if (flavor !== undefined) conditions.push(sql<SqlBool>`flavor->>'id' = ${flavor}`);
  const since = one(query["changes-since"]);
  if (since !== undefined) conditions.push(sql<SqlBool>`updated_at >= ${readTime("changes-since", since)}`);
  // Addresses and tags: servers here have none, so asking for one finds nothing.
  if (["ip", "ip6", "tags", "tags-any"].some((parameter) => query[parameter] !== undefined)) conditions.push(sql<SqlBool>`false`);
  // What others ask of these is dropped in silence, as Nova does.
  if (who.isAdmin) {
    equal("host_name", one(query["host"]) ?? one(query["node"]));
    for (const column of ["user_id", "vm_state", "task_state", "power_state"]) equal(column, one(query[column]));
    equal("id", one(query["uuid"]));
  }
  return conditions;
}

function wantsAllProjects(request: FastifyRequest, query: Query): boolean {
  const asked = one(query["all_tenants"]);
  const { isAdmin } = requesterOf(request);
  if (asked === undefined) return isAdmin && (query["project_id"] !== undefined || query["tenant_id"] !== undefined);
  const value = asked === "" ? true : readBoolean(asked);
  if (value === null) throw badRequest(`Unrecognized value '${asked}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`);
  if (value && !isAdmin) throw forbidden("os_compute_api:servers:index:get_all_tenants");
  return value;
}

function statusConditions(request: FastifyRequest, statuses: readonly string[]): Expression<SqlBool>[] {
  if (statuses.length === 0) return [];
  const wanted = statuses.map((status) => status.toUpperCase());
  if (request.microversion >= 38 && wanted.some((status) => statesOfStatus[status] === undefined && !emptyStatuses.has(status))) throw badRequest("Invalid status value");
  const alternatives = wanted.filter((status) => statesOfStatus[status] !== undefined).map((status) => {
    const states = sql`vm_state IN (${sql.join(statesOfStatus[status]!)})`;
    const rebooting = { ACTIVE: sql`task_state IS DISTINCT FROM 'rebooting' AND task_state IS DISTINCT FROM 'rebooting_hard'`, REBOOT: sql`task_state = 'rebooting'`, HARD_REBOOT: sql`task_state = 'rebooting_hard'` }[status];
    return rebooting === undefined ? sql`(${states})` : sql`(${states} AND ${rebooting})`;
  });
  return [alternatives.length === 0 ? sql<SqlBool>`false` : sql<SqlBool>`(${sql.join(alternatives, sql` OR `)})`];
}

function readSort(query: Query): { column: (typeof sortColumns)[string]; direction: "asc" | "desc" } {
  const key = one(query["sort_key"]) ?? "created_at";
  const direction = one(query["sort_dir"]) ?? "desc";
  if (sortColumns[key] === undefined) throw badRequest(`Invalid input for query parameters sort_key. Value: ${key}. '${key}' is not one of ${python(Object.keys(sortColumns))}`);
  if (direction !== "asc" && direction !== "desc") throw badRequest("Invalid input received: Unknown sort direction, must be 'desc' or 'asc'");
  return { column: sortColumns[key], direction };
}

function readLimit(query: Query): number {
  const text = one(query["limit"]);
  if (text === undefined) return PAGE_MAX;
  if (!/^[0-9]*$/.test(text)) throw badRequest(`Invalid input for query parameters limit. Value: ${text}. '${text}' does not match '^[0-9]*$'`);
  return Math.min(Number(text), PAGE_MAX);
}

function readTime(parameter: string, text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw badRequest(`Invalid input for query parameters ${parameter}. Value: ${text}. '${text}' is not a 'date-time'`);
  return time;
}

function refuseUnknownParameters(request: FastifyRequest, query: Query): void {
  const unknown = Object.keys(query).find((name) => !knownParameters.has(name) && !name.startsWith("_"));
  if (request.microversion >= 75 && unknown !== undefined) throw badRequest(`Invalid input for query parameters ${unknown}. Value: ${String(query[unknown])}. '${unknown}' does not match any of the regexes: '^_'`);
}

/** PostgreSQL's invalid_regular_expression: the user's pattern, not our fault. */
function explainPattern(error: unknown): never {
  if ((error as { code?: string }).code === "2201B") throw badRequest("Invalid input for query parameters name: it is not a regular expression.", error);
  throw error;
}

const one = (value: string | readonly string[] | undefined): string | undefined => (typeof value === "object" ? value.at(-1) : value);
