import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import { newIdentityId } from "../../identity/identity-id.ts";
import { BOOTSTRAP_ROLES } from "../../identity/roles.ts";
import { duplicate, inUse, notFound } from "../../identity/refusals.ts";
import type { RoleTable } from "../../store/tables/identity.ts";
import { isUniqueViolation } from "../../store/violations.ts";
import { requireAdmin, requireOverview } from "./access.ts";
import { collection, matchesQuery, selfLink } from "./collection.ts";
import { type FieldRules, readFields } from "./fields.ts";
import type { IdentityDeps } from "./index.ts";

const RULES: FieldRules = { name: { type: "string", required: true, lengthMax: 255 }, description: { type: "string or null" } };

type ById = { Params: { id: string } };

export function describeRole(row: Selectable<RoleTable>, request: FastifyRequest): Record<string, unknown> {
  return { id: row.id, name: row.name, domain_id: null, description: row.description, options: {}, links: selfLink(request, `roles/${row.id}`) };
}

export function registerRoleRoutes(scope: FastifyInstance, { store }: IdentityDeps): void {
  scope.get("/v3/roles", async (request) => {
    requireOverview(request, "list_roles");
    const rows = await store.selectFrom("roles").selectAll().orderBy("name").execute();
    return collection(request, "roles", rows.map((row) => describeRole(row, request)).filter((role) => matchesQuery(role, request.query)));
  });

  scope.post("/v3/roles", async (request, reply) => {
    requireAdmin(request, "create_role");
    const { known } = readFields(request.body, "role", RULES, { partial: false });
    const name = known["name"] as string;
    try {
      const row = await store.insertInto("roles").values({ id: newIdentityId(), name, description: (known["description"] as string | null) ?? null }).returningAll().executeTakeFirstOrThrow();
      return await reply.code(201).send({ role: describeRole(row, request) });
    } catch (error) {
      throw isUniqueViolation(error) ? duplicate("role", name) : error;
    }
  });

  scope.get<ById>("/v3/roles/:id", async (request) => {
    requireOverview(request, "get_role");
    return { role: describeRole(await find(request.params.id), request) };
  });

  scope.delete<ById>("/v3/roles/:id", async (request, reply) => {
    requireAdmin(request, "delete_role");
    const row = await find(request.params.id);
    if (BOOTSTRAP_ROLES.some((name) => name === row.name)) throw inUse(`Role ${row.name} is one of those that access is decided by.`, "Take it from users with \"openstack role remove\" instead.");
    await store.deleteFrom("roles").where("id", "=", row.id).execute();
    return reply.code(204).send();
  });

  async function find(id: string): Promise<Selectable<RoleTable>> {
    const row = await store.selectFrom("roles").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw notFound("role", id);
    return row;
  }
}
