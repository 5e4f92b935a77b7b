import type { FastifyInstance, FastifyRequest } from "fastify";
import { DEFAULT_DOMAIN } from "../../identity/identity-id.ts";
import { notFound } from "../../identity/refusals.ts";
import type { Scope } from "../../identity/roles.ts";
import { requireAdmin, requireOverview } from "./access.ts";
import { collection, selfLink } from "./collection.ts";
import type { IdentityDeps } from "./index.ts";
import { describeRole } from "./roles.ts";

interface Params {
  readonly target?: string;
  readonly user: string;
  readonly role: string;
}
type OfRole = { Params: Params };

/** The three things a role can be for, with the path of each. */
const PLACES = [
  { path: "/v3/projects/:target/users/:user/roles", kind: "project" },
  { path: "/v3/domains/:target/users/:user/roles", kind: "domain" },
  { path: "/v3/system/users/:user/roles", kind: "system" },
] as const;

export function registerRoleAssignmentRoutes(scope: FastifyInstance, deps: IdentityDeps): void {
  for (const { path, kind } of PLACES) registerPlace(scope, deps, path, kind);
  registerOverview(scope, deps);
}

function registerPlace(scope: FastifyInstance, { store }: IdentityDeps, path: string, kind: Scope["kind"]): void {
  scope.get<OfRole>(path, async (request) => {
    requireOverview(request, "list_grants");
    const target = await findTarget(request.params);
    const rows = await store.selectFrom("roles").innerJoin("role_assignments", "role_assignments.role_id", "roles.id").selectAll("roles")
      .where("user_id", "=", request.params.user).where("scope_kind", "=", target.kind).where("scope_id", "=", target.id).orderBy("name").execute();
    return collection(request, "roles", rows.map((row) => describeRole(row, request)));
  });

  scope.put<OfRole>(`${path}/:role`, async (request, reply) => {
    requireAdmin(request, "create_grant");
    const grant = await findGrant(request.params);
    await store.insertInto("role_assignments").values(grant).onConflict((conflict) => conflict.doNothing()).execute();
    return reply.code(204).send();
  });

  scope.head<OfRole>(`${path}/:role`, async (request, reply) => {
    requireOverview(request, "check_grant");
    const grant = await findGrant(request.params);
    if (!(await exists(grant))) throw notFound("role", request.params.role);
    return reply.code(204).send();
  });

  scope.delete<OfRole>(`${path}/:role`, async (request, reply) => {
    requireAdmin(request, "revoke_grant");
    const grant = await findGrant(request.params);
    if (!(await exists(grant))) throw notFound("role", request.params.role);
    await store.deleteFrom("role_assignments").where("user_id", "=", grant.user_id).where("role_id", "=", grant.role_id).where("scope_kind", "=", grant.scope_kind).where("scope_id", "=", grant.scope_id).execute();
    return reply.code(204).send();
  });

  async function exists(grant: { user_id: string; role_id: string; scope_kind: Scope["kind"]; scope_id: string }): Promise<boolean> {
    const row = await store.selectFrom("role_assignments").select("role_id").where("user_id", "=", grant.user_id).where("role_id", "=", grant.role_id).where("scope_kind", "=", grant.scope_kind).where("scope_id", "=", grant.scope_id).executeTakeFirst();
    return row !== undefined;
  }

  async function findTarget({ target }: Params): Promise<Scope> {
    if (kind === "system") return { kind, id: "all" };
    if (kind === "domain") {
      if (target !== DEFAULT_DOMAIN.id) throw notFound("domain", target!);
      return { kind, id: target };
    }
    const row = await store.selectFrom("projects").select("id").where("id", "=", target!).executeTakeFirst();
    if (row === undefined) throw notFound("project", target!);
    return { kind, id: row.id };
  }

  async function findGrant(params: Params): Promise<{ user_id: string; role_id: string; scope_kind: Scope["kind"]; scope_id: string }> {
    const target = await findTarget(params);
    const user = await store.selectFrom("users").select("id").where("id", "=", params.user).executeTakeFirst();
    if (user === undefined) throw notFound("user", params.user);
    const role = await store.selectFrom("roles").select("id").where("id", "=", params.role).executeTakeFirst();
    if (role === undefined) throw notFound("role", params.role);
    return { user_id: user.id, role_id: role.id, scope_kind: target.kind, scope_id: target.id };
  }
}

function registerOverview(scope: FastifyInstance, { store }: IdentityDeps): void {
  scope.get("/v3/role_assignments", async (request) => {
    requireOverview(request, "list_role_assignments");
    const query = request.query as Record<string, string | undefined>;
    let rows = store.selectFrom("role_assignments").innerJoin("users", "users.id", "user_id").innerJoin("roles", "roles.id", "role_id")
      .leftJoin("projects", (join) => join.on("scope_kind", "=", "project").onRef("projects.id", "=", "scope_id"))
      .select(["users.id as user_id", "users.name as user_name", "roles.id as role_id", "roles.name as role_name", "scope_kind", "scope_id", "projects.name as project_name"]);
    if (query["user.id"] !== undefined) rows = rows.where("users.id", "=", query["user.id"]);
    if (query["role.id"] !== undefined) rows = rows.where("roles.id", "=", query["role.id"]);
    if (query["scope.project.id"] !== undefined) rows = rows.where("scope_kind", "=", "project").where("scope_id", "=", query["scope.project.id"]);
    if (query["scope.domain.id"] !== undefined) rows = rows.where("scope_kind", "=", "domain").where("scope_id", "=", query["scope.domain.id"]);
    if (query["scope.system"] !== undefined) rows = rows.where("scope_kind", "=", "system");
    const withNames = isTrue(query["include_names"]);
    return collection(request, "role_assignments", (await rows.orderBy("users.name").execute()).map((row) => describeAssignment(row, withNames, request)));
  });
}

interface AssignmentRow {
  readonly user_id: string; readonly user_name: string; readonly role_id: string; readonly role_name: string;
  readonly scope_kind: Scope["kind"]; readonly scope_id: string; readonly project_name: string | null;
}

function describeAssignment(row: AssignmentRow, withNames: boolean, request: FastifyRequest): Record<string, unknown> {
  const named = (id: string, name: string | null): Record<string, unknown> => (withNames ? { id, name, domain: { ...DEFAULT_DOMAIN } } : { id });
  const target = row.scope_kind === "system" ? { system: { all: true } }
    : row.scope_kind === "domain" ? { domain: withNames ? { ...DEFAULT_DOMAIN } : { id: row.scope_id } }
    : { project: named(row.scope_id, row.project_name) };
  const place = row.scope_kind === "system" ? "system" : `${row.scope_kind}s/${row.scope_id}`;
  return {
    scope: target, user: named(row.user_id, row.user_name), role: withNames ? { id: row.role_id, name: row.role_name } : { id: row.role_id },
    links: { assignment: selfLink(request, `${place}/users/${row.user_id}/roles/${row.role_id}`).self },
  };
}

/** A bare `include_names` counts as true, as in Keystone. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && !/^(false|0|no)$/i.test(value);
}
