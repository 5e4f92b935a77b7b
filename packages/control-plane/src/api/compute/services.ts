import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import type { HostTable } from "../../store/tables/compute.ts";
import { adminOf, requesterOf } from "./compute-caller.ts";
import { bodyMember, checkInput, type Schema } from "./check-input.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { badRequest, notFound } from "./fault-envelope.ts";
import { existsOnly } from "./microversion.ts";

type Host = Selectable<HostTable>;

const BINARY = "nova-compute";
const uuidsFrom = 53;
const changeSchema: Schema = { type: "object", properties: { status: { type: "string", values: ["enabled", "disabled"] }, disabled_reason: { type: "string", min: 1, max: 255 }, forced_down: { type: "boolean" } } };
const legacySchema: Schema = { type: "object", required: ["host", "binary"], properties: { host: { type: "string" }, binary: { type: "string" }, disabled_reason: { type: "string", min: 1, max: 255 } } };

/** Hosts as compute services, zones and the aggregates that there are none of. */
export function serveServices(scope: FastifyInstance, { store }: ComputeParts): void {
  scope.get("/os-services", async (request) => {
    adminOf(request, "os_compute_api:os-services:list");
    const { host, binary } = request.query as { host?: string; binary?: string };
    const hosts = binary === undefined || binary === BINARY ? await store.selectFrom("hosts").selectAll().orderBy("number").execute() : [];
    return { services: hosts.filter(({ name }) => host === undefined || name === host).map((found) => viewService(request, found)) };
  });
  scope.put<{ Params: { id: string } }>("/os-services/:id", async (request) => {
    adminOf(request, "os_compute_api:os-services:update");
    return request.microversion >= uuidsFrom ? changeById(request, request.params.id) : changeByName(request, request.params.id);
  });
  scope.get("/os-availability-zone", async (request) => {
    requesterOf(request);
    const up = await store.selectFrom("hosts").select("id").where("enabled", "=", true).where("up", "=", true).executeTakeFirst();
    return { availabilityZoneInfo: [{ zoneName: "nova", zoneState: { available: up !== undefined }, hosts: null }] };
  });
  scope.get("/os-availability-zone/detail", async (request) => {
    adminOf(request, "os_compute_api:os-availability-zone:detail");
    const hosts = await store.selectFrom("hosts").selectAll().orderBy("number").execute();
    const services = hosts.map((host) => [host.name, { [BINARY]: { available: host.up, active: host.enabled, updated_at: updatedAt(host) } }]);
    return { availabilityZoneInfo: [{ zoneName: "nova", zoneState: { available: hosts.some(({ up, enabled }) => up && enabled) }, hosts: Object.fromEntries(services) }] };
  });
  scope.get("/os-aggregates", async (request) => {
    adminOf(request, "os_compute_api:os-aggregates:index");
    return { aggregates: [] };
  });

  async function changeById(request: FastifyRequest, id: string): Promise<object> {
    checkInput(changeSchema, request.body, "");
    const { status, disabled_reason: reason } = request.body as { status?: "enabled" | "disabled"; disabled_reason?: string };
    if (reason !== undefined && status !== "disabled") throw badRequest("Specifying disabled_reason requires that status is 'disabled'.");
    const change = status === undefined ? {} : { enabled: status === "enabled", disabled_reason: status === "enabled" ? null : (reason ?? null) };
    const host = status === undefined
      ? await store.selectFrom("hosts").selectAll().where("id", "=", id).executeTakeFirst()
      : await store.updateTable("hosts").set(change).where("id", "=", id).returningAll().executeTakeFirst();
    if (host === undefined) throw notFound(`Service ${id} could not be found.`);
    return { service: viewService(request, host) };
  }

  /** Before 2.53 the verb stands in the path and the host in the body. */
  async function changeByName(request: FastifyRequest, verb: string): Promise<object> {
    existsOnly(request, { to: uuidsFrom - 1 });
    if (!["enable", "disable", "disable-log-reason"].includes(verb)) throw notFound();
    const body = bodyMember<{ host: string; binary: string; disabled_reason?: string }>({ body: request.body }, "body", legacySchema);
    const enabled = verb === "enable";
    const host = await store.updateTable("hosts").set({ enabled, disabled_reason: enabled ? null : (body.disabled_reason ?? null) }).where("name", "=", body.host).returningAll().executeTakeFirst();
    if (host === undefined || body.binary !== BINARY) throw notFound(`Could not find binary ${body.binary} on host ${body.host}.`);
    return { service: { host: host.name, binary: BINARY, status: enabled ? "enabled" : "disabled", ...(host.disabled_reason === null ? {} : { disabled_reason: host.disabled_reason }) } };
  }
}

function viewService(request: FastifyRequest, host: Host): object {
  return {
    id: request.microversion >= uuidsFrom ? host.id : host.number, binary: BINARY, host: host.name, zone: "nova", status: host.enabled ? "enabled" : "disabled", state: host.up ? "up" : "down",
    updated_at: updatedAt(host), disabled_reason: host.disabled_reason, ...(request.microversion >= 11 ? { forced_down: false } : {}),
  };
}

const updatedAt = (host: Host): string => `${(host.last_seen_at ?? host.created_at).toISOString().slice(0, 23)}000`;
