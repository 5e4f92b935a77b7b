import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import type { HostRegistry } from "../../hosts/registry.ts";
import { Refusal } from "../../refusal.ts";
import type { ComputeStore, HostTable } from "../../store/tables/compute.ts";
import { callerOf } from "../http/session.ts";
import type { SignetHost } from "./shapes.ts";

/** `/signet/v1/hosts`, for administrators: what each host is, can boot and holds; adding and removing. */
export function registerSignetHosts(scope: FastifyInstance, { store, registry }: { readonly store: ComputeStore; readonly registry: HostRegistry }): void {
  scope.get("/hosts", async (request): Promise<{ hosts: readonly SignetHost[] }> => {
    refuseOthers(request);
    return { hosts: (await store.selectFrom("hosts").selectAll().orderBy("name").execute()).map(viewHost) };
  });
  scope.get<{ Params: { id: string } }>("/hosts/:id", async (request) => {
    refuseOthers(request);
    return findHost(store, request.params.id);
  });
  scope.post("/hosts", async (request, reply) => {
    refuseOthers(request);
    const id = await registry.register(readConnection(request.body));
    return reply.code(201).send(await findHost(store, id));
  });
  scope.delete<{ Params: { id: string } }>("/hosts/:id", async (request, reply) => {
    refuseOthers(request);
    const host = await findHost(store, request.params.id);
    await registry.remove(host.id);
    return reply.code(204).send();
  });
}

function refuseOthers(request: FastifyRequest): void {
  if (!callerOf(request).isAdmin) throw new Refusal({ code: "SIG-HOST-FORBIDDEN", httpStatus: 403, message: "Only an administrator sees and changes hosts.", remedy: "Ask for a token of a user with the role admin." });
}

/** By id or by name. */
async function findHost(store: ComputeStore, idOrName: string): Promise<SignetHost> {
  const isId = /^[0-9a-f-]{36}$/i.test(idOrName);
  const host = await store.selectFrom("hosts").selectAll().where(isId ? "id" : "name", "=", idOrName).executeTakeFirst();
  if (host === undefined) throw new Refusal({ code: "SIG-HOST-UNKNOWN", httpStatus: 404, message: `There is no host ${idOrName}.` });
  return viewHost(host);
}

function viewHost(host: Selectable<HostTable>): SignetHost {
  return {
    id: host.id, name: host.name, state: host.up ? "up" : "down", enabled: host.enabled, reason: host.enabled ? host.down_reason : host.disabled_reason, release: host.facts?.release ?? null, osVersion: host.facts?.osVersion ?? null,
    templates: host.facts?.secureBoot.templates ?? [], families: host.facts?.secureBoot.families ?? [], cpuCount: host.facts?.cpuCount ?? 0, memoryBytes: host.facts?.memoryBytes ?? 0,
    memoryClaimedBytes: Number(host.memory_claimed_bytes), diskBytes: host.facts?.diskBytes ?? 0, diskClaimedBytes: Number(host.disk_claimed_bytes), lastSeenAt: host.last_seen_at?.toISOString() ?? null,
  };
}

function readConnection(body: unknown): Parameters<HostRegistry["register"]>[0] {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== "string" || value === "") throw invalid(`"${name}" must be a text that is not empty.`);
    return value;
  };
  const url = text("url");
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw invalid(`"url" is ${url}, and must be an address such as https://host:5986/wsman.`);
  const fingerprint = fields["tlsFingerprint"] ?? null;
  if (fingerprint !== null && (typeof fingerprint !== "string" || !/^[0-9a-f]{64}$/.test(fingerprint))) throw invalid('"tlsFingerprint" must be the SHA-256 of the certificate as 64 lower-case hexadecimal digits, or null.');
  const name = text("name");
  if (name.length > NAME_MAX) throw invalid(`"name" has ${name.length} characters; at most ${NAME_MAX} are allowed.`);
  return { name, url, user: text("user"), password: text("password"), tlsFingerprint: fingerprint };
}

/** As long as OpenStack's names of hosts. */
const NAME_MAX = 255;

const invalid = (message: string): Refusal =>
  new Refusal({ code: "SIG-HOST-CONNECTION", httpStatus: 400, message, remedy: 'Send {"name", "url", "user", "password", "tlsFingerprint"}.' });
