import type { FastifyInstance, FastifyRequest } from "fastify";
import { changeExtraSpecs, findFlavor } from "../../compute/flavors.ts";
import { adminOf, requesterOf } from "./compute-caller.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { bodyMember, checkInput, python, type Schema } from "./check-input.ts";
import { badRequest, notFound } from "./fault-envelope.ts";

type Specs = Record<string, string | number>;
interface KeyParams {
  readonly id: string;
  readonly key: string;
}

const KEY = /^[a-zA-Z0-9-_:. ]{1,255}$/;
const specsSchema: Schema = { type: "object", properties: {}, keys: KEY, values: { type: "any" } };

/** From 2.86 on values are checked (Nova's extra-spec validators): namespaces with fixed members, and the values they allow. */
const validatedFrom = 86;
const knownSpecs: Readonly<Record<string, Readonly<Record<string, readonly string[] | null>>>> = {
  os: { secure_boot: ["disabled", "required"], resolution: null, monitors: null, vram: null },
};

export function serveExtraSpecs(scope: FastifyInstance, { store }: ComputeParts): void {
  const path = "/flavors/:id/os-extra_specs";
  scope.get<{ Params: { id: string } }>(path, async (request) => {
    requesterOf(request);
    return { extra_specs: (await findFlavor(store, request.params.id)).extra_specs };
  });
  scope.post<{ Params: { id: string } }>(path, async (request) => {
    adminOf(request, "os_compute_api:os-flavor-extra-specs:create");
    const added = bodyMember<Specs>(request.body, "extra_specs", specsSchema);
    for (const [key, value] of Object.entries(added)) checkSpec(request, key, value);
    await changeExtraSpecs(store, request.params.id, (specs) => ({ ...specs, ...added }));
    return { extra_specs: added };
  });
  scope.get<{ Params: KeyParams }>(`${path}/:key`, async (request) => {
    requesterOf(request);
    const { id, key } = request.params;
    const { extra_specs: specs } = await findFlavor(store, id);
    if (!Object.hasOwn(specs, key)) throw noSuchKey(id, key);
    return { [key]: specs[key] };
  });
  scope.put<{ Params: KeyParams }>(`${path}/:key`, async (request) => {
    adminOf(request, "os_compute_api:os-flavor-extra-specs:update");
    const { id, key } = request.params;
    checkInput(specsSchema, request.body, "");
    const value = (request.body as Specs)[key];
    if (value === undefined) throw badRequest("Request body and URI mismatch");
    checkSpec(request, key, value);
    await changeExtraSpecs(store, id, (specs) => ({ ...specs, [key]: value }));
    return { [key]: value };
  });
  scope.delete<{ Params: KeyParams }>(`${path}/:key`, async (request, reply) => {
    adminOf(request, "os_compute_api:os-flavor-extra-specs:delete");
    const { id, key } = request.params;
    await changeExtraSpecs(store, id, (specs) => {
      if (!Object.hasOwn(specs, key)) throw noSuchKey(id, key);
      const { [key]: _removed, ...rest } = specs;
      return rest;
    });
    return reply.code(200).send();
  });
}

const noSuchKey = (id: string, key: string): Error => notFound(`Flavor ${id} has no extra specs with key ${key}.`);

function checkSpec(request: FastifyRequest, key: string, value: unknown): void {
  if (typeof value !== "string" && typeof value !== "number") throw badRequest(`Invalid input for field/attribute ${key}. Value: ${python(value)}. ${python(value)} is not of type 'string', 'number'`);
  if (String(value).length > 255) throw badRequest(`Invalid input for field/attribute ${key}. Value: ${value}. ${python(value)} is too long`);
  if (request.microversion < validatedFrom) return;
  const [namespace, ...rest] = key.split(":");
  const members = rest.length === 0 ? undefined : knownSpecs[namespace ?? ""];
  if (members === undefined) return;
  const name = rest.join(":");
  if (!Object.hasOwn(members, name)) throw badRequest(`Validation failed; extra spec '${key}' does not appear to be a valid extra spec.`);
  const allowed = members[name];
  if (allowed != null && !allowed.includes(String(value))) throw badRequest(`Validation failed; '${value}' is not one of: ${allowed.join(", ")}.`);
}
