import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { findServer, type ServerWish } from "../../compute/servers.ts";
import { Refusal } from "../../refusal.ts";
import { memberOf, requesterOf } from "./compute-caller.ts";
import { bodyMember, checkInput, readBoolean, type Schema } from "./check-input.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { badRequest, notFound } from "./fault-envelope.ts";
import { linksOf, versionBase } from "./links.ts";
import { queryServers } from "./server-query.ts";
import { viewServer, viewServerBriefly } from "./server-view.ts";

const text = (max = 255): Schema => ({ type: "string", max });
const anything: Schema = { type: "any" };
const metadataSchema: Schema = { type: "object", properties: {}, keys: /^[a-zA-Z0-9-_:. ]{1,255}$/, values: text() };
const serverSchema = (version: number): Schema => ({
  type: "object", required: ["name", "flavorRef", ...(version >= 37 ? ["networks"] : [])],
  properties: {
    name: { type: "string", min: 1, max: 255 }, imageRef: anything, flavorRef: anything, min_count: { type: "integer", min: 1 }, max_count: { type: "integer", min: 1 }, networks: anything, metadata: metadataSchema,
    user_data: { type: "string", max: 65_535 }, config_drive: { type: "boolean" }, key_name: text(), availability_zone: text(), security_groups: anything, adminPass: text(), accessIPv4: anything, accessIPv6: anything,
    return_reservation_id: { type: "boolean" }, "OS-DCF:diskConfig": { type: "string", values: ["AUTO", "MANUAL"] }, block_device_mapping_v2: anything, block_device_mapping: anything,
    ...(version < 57 ? { personality: anything } : {}), ...(version >= 19 ? { description: { type: "string", max: 255, nullable: true } } : {}), ...(version >= 74 ? { host: text(), hypervisor_hostname: text() } : {}),
    ...(version >= 90 ? { hostname: text(63) } : {}), "os:scheduler_hints": anything,
  },
});

interface ServerBody {
  readonly name: string;
  readonly imageRef?: unknown;
  readonly flavorRef: string | number;
  readonly min_count?: number | string;
  readonly max_count?: number | string;
  readonly networks?: unknown;
  readonly metadata?: Record<string, string>;
  readonly user_data?: string;
  readonly config_drive?: unknown;
  readonly key_name?: string;
  readonly availability_zone?: string;
  readonly adminPass?: string;
  readonly description?: string | null;
  readonly return_reservation_id?: unknown;
  readonly block_device_mapping_v2?: unknown;
  readonly host?: string;
  readonly hypervisor_hostname?: string;
}

export function serveServers(scope: FastifyInstance, { store, servers }: ComputeParts): void {
  scope.get("/servers", async (request) => {
    const page = await queryServers(store, request);
    return { servers: page.servers.map((server) => viewServerBriefly(request, server)), ...page.links };
  });
  scope.get("/servers/detail", async (request) => {
    const page = await queryServers(store, request);
    return { servers: page.servers.map((server) => viewServer(request, server, "list")), ...page.links };
  });
  scope.get<{ Params: { id: string } }>("/servers/:id", async (request) => ({ server: viewServer(request, await findServer(store, request.params.id, requesterOf(request)), "show") }));
  scope.post("/servers", async (request, reply) => {
    const who = memberOf(request, "os_compute_api:servers:create");
    const body = bodyMember<ServerBody>(request.body, "server", serverSchema(request.microversion));
    const wish = readWish(request, body);
    if (wish.keyName !== null) await refuseUnknownKey(wish.keyName, who.userId);
    const { ids, reservationId } = await servers.create(wish, who);
    void reply.code(202);
    if (readBoolean(body.return_reservation_id) === true) return { reservation_id: reservationId };
    void reply.header("Location", `${versionBase(request)}/servers/${ids[0]!}`);
    return {
      server: {
        id: ids[0]!, links: linksOf(request, "servers", ids[0]!), "OS-DCF:diskConfig": "MANUAL", security_groups: [{ name: "default" }],
        // Nothing sets a password inside the guest; the field is there because clients print it.
        adminPass: body.adminPass ?? randomBytes(9).toString("base64url"),
      },
    };
  });
  scope.delete<{ Params: { id: string } }>("/servers/:id", async (request, reply) => {
    const who = memberOf(request, "os_compute_api:servers:delete");
    await servers.remove(await findServer(store, request.params.id, who), who);
    return reply.code(204).send();
  });
  scope.get<{ Params: { id: string } }>("/servers/:id/metadata", async (request) => ({ metadata: (await findServer(store, request.params.id, requesterOf(request))).metadata }));
  scope.get<{ Params: { id: string; key: string } }>("/servers/:id/metadata/:key", async (request) => {
    const { metadata } = await findServer(store, request.params.id, requesterOf(request));
    const value = Object.hasOwn(metadata, request.params.key) ? metadata[request.params.key] : undefined;
    if (value === undefined) throw notFound("Metadata item was not found");
    return { meta: { [request.params.key]: value } };
  });
  // What servers here do not have, said in the way clients ask: no fixed addresses, ports, volumes.
  for (const [path, answer] of [["ips", { addresses: {} }], ["os-interface", { interfaceAttachments: [] }], ["os-volume_attachments", { volumeAttachments: [] }], ["os-security-groups", { security_groups: [] }]] as const) {
    scope.get<{ Params: { id: string } }>(`/servers/:id/${path}`, async (request) => {
      await findServer(store, request.params.id, requesterOf(request));
      return answer;
    });
  }

  async function refuseUnknownKey(name: string, userId: string): Promise<void> {
    const key = await store.selectFrom("keypairs").select("name").where("user_id", "=", userId).where("name", "=", name).executeTakeFirst();
    if (key === undefined) throw badRequest("Invalid key_name provided.");
  }
}

function readWish(request: FastifyRequest, body: ServerBody): ServerWish {
  refuseForeignWishes(body);
  const minimum = Number(body.min_count ?? 1);
  const count = Number(body.max_count ?? minimum);
  if (minimum > count) throw badRequest("min_count must be <= max_count");
  if (count > SERVERS_MAX) throw badRequest(`Invalid input for field/attribute max_count. Value: ${count}. ${count} is greater than the maximum of ${SERVERS_MAX}`);
  return {
    name: body.name.trim(), imageId: readImageRef(body), flavorId: String(body.flavorRef), count, metadata: body.metadata ?? {}, keyName: body.key_name ?? null, userData: body.user_data ?? null,
    configDrive: readBoolean(body.config_drive) ?? false, description: body.description ?? null, wantsNetwork: readNetworks(request, body.networks), force: readForce(request, body),
  };
}

/** One request becomes at most this many servers: each is a workflow of its own. */
const SERVERS_MAX = 100;

function readImageRef({ imageRef }: ServerBody): string {
  if (imageRef === undefined || imageRef === "" || imageRef === null) throw badRequest("Missing imageRef attribute");
  checkInput({ type: "string", format: "uuid" }, imageRef, "imageRef");
  return imageRef as string;
}

function refuseForeignWishes(body: ServerBody): void {
  const zone = body.availability_zone;
  if (zone !== undefined && zone !== "nova") throw badRequest("The requested availability zone is not available");
  for (const name of ["block_device_mapping_v2", "host", "hypervisor_hostname"] as const) {
    if (body[name] === undefined || (Array.isArray(body[name]) && isRootImageOnly(body[name]))) continue;
    throw new Refusal({ code: "SIG-COMPUTE-UNSUPPORTED", httpStatus: 400, message: `This cloud does not take "${name}" when a server is created.`, remedy: "Leave it out: servers boot from an image, on a host that the scheduler chooses." });
  }
}

/** What `nova boot` sends beside `imageRef` for an ordinary boot. */
function isRootImageOnly(mapping: readonly unknown[]): boolean {
  return mapping.length === 1 && (mapping[0] as Record<string, unknown>)["source_type"] === "image" && (mapping[0] as Record<string, unknown>)["destination_type"] === "local";
}

/** `none` is no adapter; `auto`, absent or a network's id is one, on the host's first switch. */
function readNetworks(request: FastifyRequest, networks: unknown): boolean {
  if (networks === undefined) return true;
  if (typeof networks === "string" && request.microversion >= 37 && (networks === "none" || networks === "auto")) return networks === "auto";
  checkInput({ type: "array", items: { type: "object", properties: {}, open: true } }, networks, "networks");
  return (networks as readonly unknown[]).length > 0;
}

function readForce(request: FastifyRequest, body: ServerBody): boolean {
  const whole = request.body as Record<string, unknown>;
  const hints = whole["os:scheduler_hints"] ?? whole["OS-SCH-HNT:scheduler_hints"] ?? (body as unknown as Record<string, unknown>)["os:scheduler_hints"];
  if (hints === undefined || hints === null) return false;
  checkInput({ type: "object", properties: {}, open: true }, hints, "os:scheduler_hints");
  const asked = (hints as Record<string, unknown>)["signet:force"];
  if (asked === undefined) return false;
  const force = readBoolean(asked);
  if (force === null) throw badRequest(`Invalid input for field/attribute signet:force. Value: ${JSON.stringify(asked)}. It must be true or false.`);
  return force;
}
