import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { createFlavor, deleteFlavor, findFlavor, type Flavor, listFlavors } from "../../compute/flavors.ts";
import { adminOf, requesterOf } from "./compute-caller.ts";
import { bodyMember, readBoolean, type Schema } from "./check-input.ts";
import { badRequest } from "./fault-envelope.ts";
import { linksOf, nextLink } from "./links.ts";
import type { ComputeParts } from "./compute-parts.ts";

const count = (min: number): Schema => ({ type: "integer", min });
const newFlavorSchema: Schema = {
  type: "object", required: ["name", "ram", "vcpus", "disk"],
  properties: {
    name: { type: "string", min: 1, max: 255 }, id: { type: "any" }, ram: count(1), vcpus: count(1), disk: count(0), swap: count(0), rxtx_factor: { type: "any" },
    "OS-FLV-EXT-DATA:ephemeral": count(0), "os-flavor-access:is_public": { type: "boolean" }, description: { type: "string", max: 65_535, nullable: true },
  },
};

export function serveFlavors(scope: FastifyInstance, { store }: ComputeParts): void {
  scope.get("/flavors", (request) => listPage(request, (flavor) => ({ id: flavor.id, name: flavor.name, links: linksOf(request, "flavors", flavor.id), ...(request.microversion >= 55 ? { description: flavor.description } : {}) })));
  scope.get("/flavors/detail", (request) => listPage(request, (flavor) => viewFlavor(request, flavor)));
  scope.get<{ Params: { id: string } }>("/flavors/:id", async (request) => {
    requesterOf(request);
    return { flavor: viewFlavor(request, await findFlavor(store, request.params.id)) };
  });
  scope.post("/flavors", async (request) => {
    adminOf(request, "os_compute_api:os-flavor-manage:create");
    return { flavor: viewFlavor(request, await createFlavor(store, readNewFlavor(request.body))) };
  });
  scope.delete<{ Params: { id: string } }>("/flavors/:id", async (request, reply) => {
    adminOf(request, "os_compute_api:os-flavor-manage:delete");
    await deleteFlavor(store, request.params.id);
    return reply.code(202).send();
  });

  async function listPage(request: FastifyRequest, view: (flavor: Flavor) => object) {
    const query = request.query as Record<string, string | undefined>;
    const flavors = await listFlavors(store, { isPublic: readIsPublic(request, query["is_public"]) });
    const fitting = flavors.filter((flavor) => flavor.memory_mib >= Number(query["minRam"] ?? 0) && flavor.disk_gib >= Number(query["minDisk"] ?? 0));
    const marker = query["marker"];
    const start = marker === undefined ? 0 : fitting.findIndex(({ id }) => id === marker) + 1;
    if (marker !== undefined && start === 0) throw badRequest(`marker [${marker}] not found`);
    const limit = query["limit"] === undefined ? PAGE_MAX : Math.min(Number(query["limit"]), PAGE_MAX);
    const page = fitting.slice(start, start + limit);
    const isFull = page.length === limit && limit > 0;
    return { flavors: page.map(view), ...(isFull ? { flavors_links: nextLink(request, "flavors", page.at(-1)!.id) } : {}) };
  }
}

/** Nova's max_limit. */
const PAGE_MAX = 1_000;

function readNewFlavor(body: unknown): Parameters<typeof createFlavor>[1] {
  const wish = bodyMember<Record<string, unknown>>(body, "flavor", newFlavorSchema);
  const id = wish["id"];
  const isPublic = wish["os-flavor-access:is_public"];
  return {
    id: id === undefined || id === null || id === "auto" ? randomUUID() : String(id), name: String(wish["name"]).trim(), vcpus: Number(wish["vcpus"]), memoryMib: Number(wish["ram"]), diskGib: Number(wish["disk"]),
    ephemeralGib: Number(wish["OS-FLV-EXT-DATA:ephemeral"] ?? 0), swapMib: Number(wish["swap"] ?? 0), rxtxFactor: Number(wish["rxtx_factor"] ?? 1),
    isPublic: isPublic === undefined ? true : (readBoolean(isPublic) ?? true), description: (wish["description"] as string | null | undefined) ?? null,
  };
}

/** `None` lists all, for administrators; others see what is public. */
function readIsPublic(request: FastifyRequest, asked: string | undefined): boolean | null {
  const { isAdmin } = requesterOf(request);
  if (!isAdmin || asked === undefined) return true;
  if (asked.toLowerCase() === "none") return null;
  const value = readBoolean(asked);
  if (value === null) throw badRequest(`Invalid is_public filter [${asked}]`);
  return value;
}

function viewFlavor(request: FastifyRequest, flavor: Flavor): object {
  const version = request.microversion;
  return {
    id: flavor.id, name: flavor.name, ram: flavor.memory_mib, disk: flavor.disk_gib, swap: flavor.swap_mib === 0 && version < 75 ? "" : flavor.swap_mib, "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
    "OS-FLV-DISABLED:disabled": false, vcpus: flavor.vcpus, "os-flavor-access:is_public": flavor.is_public, rxtx_factor: flavor.rxtx_factor, links: linksOf(request, "flavors", flavor.id),
    ...(version >= 55 ? { description: flavor.description } : {}), ...(version >= 61 ? { extra_specs: flavor.extra_specs } : {}),
  };
}
