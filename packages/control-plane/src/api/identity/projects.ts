import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import { DEFAULT_DOMAIN, newIdentityId } from "../../identity/identity-id.ts";
import { duplicateProject, forbidden, notFound } from "../../identity/refusals.ts";
import type { ProjectTable } from "../../store/tables/identity.ts";
import { isUniqueViolation } from "../../store/violations.ts";
import { sessionOf } from "../http/session.ts";
import { requireAdmin, requireOverview } from "./access.ts";
import { collection, matchesQuery, selfLink } from "./collection.ts";
import { type FieldRules, readFields } from "./fields.ts";
import type { IdentityDeps } from "./index.ts";

const RULES: FieldRules = { name: { type: "string", required: true, lengthMax: 64 }, description: { type: "string or null" }, enabled: { type: "boolean" } };

export function describeProject(row: Selectable<ProjectTable>, request: FastifyRequest): Record<string, unknown> {
  return {
    ...row.extra,
    id: row.id, name: row.name, domain_id: DEFAULT_DOMAIN.id, description: row.description, enabled: row.enabled,
    parent_id: DEFAULT_DOMAIN.id, is_domain: false, tags: row.tags, options: {}, links: selfLink(request, `projects/${row.id}`),
  };
}

type ById = { Params: { id: string } };

export function registerProjectRoutes(scope: FastifyInstance, { store }: IdentityDeps): void {
  scope.get("/v3/projects", async (request) => {
    requireOverview(request, "list_projects");
    const rows = await store.selectFrom("projects").selectAll().orderBy("name").execute();
    return collection(request, "projects", rows.map((row) => describeProject(row, request)).filter((project) => matchesQuery(project, request.query)));
  });

  scope.post("/v3/projects", async (request, reply) => {
    requireAdmin(request, "create_project");
    const { known, extra } = readFields(request.body, "project", RULES, { partial: false });
    const row = await refuseDuplicate(known["name"] as string, () =>
      store.insertInto("projects").values({ id: newIdentityId(), name: known["name"] as string, description: (known["description"] as string | null) ?? "", enabled: known["enabled"] !== false, extra: JSON.stringify(extra) })
        .returningAll().executeTakeFirstOrThrow());
    return reply.code(201).send({ project: describeProject(row, request) });
  });

  scope.get<ById>("/v3/projects/:id", async (request) => {
    const own = sessionOf(request).scope;
    if (!(own?.kind === "project" && own.projectId === request.params.id)) {
      // Who may not list learns nothing about which ids exist.
      try {
        requireOverview(request, "get_project");
      } catch {
        throw forbidden("get_project");
      }
    }
    return { project: describeProject(await find(request.params.id), request) };
  });

  scope.patch<ById>("/v3/projects/:id", async (request) => {
    requireAdmin(request, "update_project");
    const before = await find(request.params.id);
    const { known, extra } = readFields(request.body, "project", RULES, { partial: true });
    const { description, ...rest } = known;
    const change = { ...rest, ...(description === undefined ? {} : { description: (description as string | null) ?? "" }), extra: JSON.stringify({ ...before.extra, ...extra }) };
    const row = await refuseDuplicate(String(known["name"]), () => store.updateTable("projects").set(change).where("id", "=", before.id).returningAll().executeTakeFirstOrThrow());
    return { project: describeProject(row, request) };
  });

  scope.delete<ById>("/v3/projects/:id", async (request, reply) => {
    requireAdmin(request, "delete_project");
    const { id } = await find(request.params.id);
    await store.transaction().execute(async (transaction) => {
      await transaction.deleteFrom("role_assignments").where("scope_kind", "=", "project").where("scope_id", "=", id).execute();
      await transaction.deleteFrom("projects").where("id", "=", id).execute();
    });
    return reply.code(204).send();
  });

  async function find(id: string): Promise<Selectable<ProjectTable>> {
    const row = await store.selectFrom("projects").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw notFound("project", id);
    return row;
  }

  async function refuseDuplicate<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const existing = await store.selectFrom("projects").select("id").where("name", "=", name).executeTakeFirst();
      throw duplicateProject(name, existing?.id ?? "");
    }
  }
}
