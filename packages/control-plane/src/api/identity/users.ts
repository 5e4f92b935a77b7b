import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import { DEFAULT_DOMAIN, newIdentityId } from "../../identity/identity-id.ts";
import { hashPassword, PASSWORD_MAX, verifyPassword } from "../../identity/password-hash.ts";
import { duplicate, malformed, notFound } from "../../identity/refusals.ts";
import type { UserTable } from "../../store/tables/identity.ts";
import { isUniqueViolation } from "../../store/violations.ts";
import { sessionOf, unauthenticated } from "../http/session.ts";
import { requireAdmin, requireOverview } from "./access.ts";
import { collection, matchesQuery, selfLink } from "./collection.ts";
import { type Fields, type FieldRules, readFields } from "./fields.ts";
import type { IdentityDeps } from "./index.ts";
import { describeProject } from "./projects.ts";

const RULES: FieldRules = {
  name: { type: "string", required: true, lengthMax: 255 },
  password: { type: "string or null", lengthMax: PASSWORD_MAX },
  email: { type: "string or null" },
  description: { type: "string or null" },
  default_project_id: { type: "string or null" },
  enabled: { type: "boolean" },
};

type ById = { Params: { id: string } };

function describeUser(row: Selectable<UserTable>, request: FastifyRequest): Record<string, unknown> {
  const { email, description, default_project_id } = row;
  const given = Object.entries({ email, description, default_project_id }).filter(([, value]) => value !== null);
  return {
    ...row.extra, ...Object.fromEntries(given),
    id: row.id, name: row.name, domain_id: DEFAULT_DOMAIN.id, enabled: row.enabled, password_expires_at: null, options: {}, links: selfLink(request, `users/${row.id}`),
  };
}

export function registerUserRoutes(scope: FastifyInstance, { store, tokens }: IdentityDeps): void {
  scope.get("/v3/users", async (request) => {
    requireOverview(request, "list_users");
    const rows = await store.selectFrom("users").selectAll().orderBy("name").execute();
    return collection(request, "users", rows.map((row) => describeUser(row, request)).filter((user) => matchesQuery(user, request.query)));
  });

  scope.post("/v3/users", async (request, reply) => {
    requireAdmin(request, "create_user");
    const fields = readFields(request.body, "user", RULES, { partial: false });
    const row = await refuseDuplicate(fields, async () =>
      store.insertInto("users").values({ id: newIdentityId(), name: fields.known["name"] as string, password_hash: null, email: null, description: null, default_project_id: null, ...(await toColumns(fields, {})) })
        .returningAll().executeTakeFirstOrThrow());
    return reply.code(201).send({ user: describeUser(row, request) });
  });

  scope.get<ById>("/v3/users/:id", async (request) => {
    if (sessionOf(request).userId !== request.params.id) requireOverview(request, "get_user");
    return { user: describeUser(await find(request.params.id), request) };
  });

  scope.patch<ById>("/v3/users/:id", async (request) => {
    requireAdmin(request, "update_user");
    const before = await find(request.params.id);
    const fields = readFields(request.body, "user", RULES, { partial: true });
    const columns = await toColumns(fields, before.extra);
    const row = await refuseDuplicate(fields, () => store.updateTable("users").set(columns).where("id", "=", before.id).returningAll().executeTakeFirstOrThrow());
    // A new password or a closed account ends what was opened with the old one.
    if (fields.known["password"] !== undefined || fields.known["enabled"] === false) await tokens.revokeAllOf(row.id);
    return { user: describeUser(row, request) };
  });

  scope.delete<ById>("/v3/users/:id", async (request, reply) => {
    requireAdmin(request, "delete_user");
    const { id } = await find(request.params.id);
    await store.deleteFrom("users").where("id", "=", id).execute();
    return reply.code(204).send();
  });

  // Who knows the old password needs no token: an expired one could not be changed otherwise.
  scope.post<ById>("/v3/users/:id/password", { config: { openToAll: true } }, async (request, reply) => {
    const { user } = (request.body ?? {}) as { user?: { original_password?: unknown; password?: unknown } };
    if (typeof user?.original_password !== "string" || typeof user.password !== "string") throw malformed("original_password and password");
    const row = await store.selectFrom("users").selectAll().where("id", "=", request.params.id).executeTakeFirst();
    if (!(await verifyPassword(user.original_password, row?.password_hash ?? null)) || row?.enabled !== true) throw unauthenticated();
    await store.updateTable("users").set({ password_hash: await hashPassword(user.password) }).where("id", "=", row.id).execute();
    await tokens.revokeAllOf(row.id);
    return reply.code(204).send();
  });

  scope.get<ById>("/v3/users/:id/projects", async (request) => {
    if (sessionOf(request).userId !== request.params.id) requireOverview(request, "list_user_projects");
    const rows = await store.selectFrom("projects").selectAll().orderBy("name")
      .where("id", "in", store.selectFrom("role_assignments").select("scope_id").where("user_id", "=", request.params.id).where("scope_kind", "=", "project")).execute();
    return collection(request, "projects", rows.map((row) => describeProject(row, request)));
  });

  async function find(id: string): Promise<Selectable<UserTable>> {
    const row = await store.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw notFound("user", id);
    return row;
  }
}

async function toColumns({ known, extra }: Fields, extraBefore: Readonly<Record<string, unknown>>): Promise<Record<string, string | boolean | null>> {
  const { password, ...rest } = known;
  const hash = password === undefined ? {} : { password_hash: password === null ? null : await hashPassword(password as string) };
  return { ...rest, ...hash, extra: JSON.stringify({ ...extraBefore, ...extra }) };
}

async function refuseDuplicate<Result>({ known }: Fields, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isUniqueViolation(error)) throw duplicate("user", String(known["name"]));
    throw error;
  }
}
