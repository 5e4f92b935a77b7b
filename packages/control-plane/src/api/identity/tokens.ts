import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { authenticate } from "../../identity/authenticate.ts";
import { describeCatalog } from "../../identity/catalog.ts";
import { DEFAULT_DOMAIN } from "../../identity/identity-id.ts";
import { forbidden } from "../../identity/refusals.ts";
import { domainReference, type TokenFacts } from "../../identity/tokens.ts";
import { Refusal } from "../../refusal.ts";
import { baseOf } from "../http/base-url.ts";
import { sessionOf } from "../http/session.ts";
import { collection, selfLink } from "./collection.ts";
import type { IdentityDeps } from "./index.ts";
import { describeDomain } from "./domains.ts";
import { describeProject } from "./projects.ts";

/** `/v3/auth`: get, look at and give back tokens, and what they could be for. */
export function registerTokenRoutes(scope: FastifyInstance, { store, tokens }: IdentityDeps): void {
  scope.post("/v3/auth/tokens", { config: { openToAll: true } }, async (request, reply) => {
    const token = await tokens.issue(await authenticate(store, tokens, request.body));
    const facts = await tokens.read(token);
    return reply.code(201).headers({ "X-Subject-Token": token, Vary: "X-Auth-Token" }).send({ token: describeToken(facts!, baseOf(request), wantsCatalog(request)) });
  });

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { token, facts } = await readSubject(request);
    return reply.headers({ "X-Subject-Token": token, Vary: "X-Auth-Token" }).send({ token: describeToken(facts, baseOf(request), wantsCatalog(request)) });
  };
  scope.get("/v3/auth/tokens", show);
  scope.head("/v3/auth/tokens", show);
  scope.delete("/v3/auth/tokens", async (request, reply) => {
    const { token } = await readSubject(request);
    await tokens.revoke(token);
    return reply.code(204).send();
  });

  scope.get("/v3/auth/catalog", async (request) => collection(request, "catalog", describeCatalog(baseOf(request))));
  scope.get("/v3/auth/domains", async (request) => {
    const found = await store.selectFrom("role_assignments").select("role_id").where("user_id", "=", sessionOf(request).userId).where("scope_kind", "=", "domain").executeTakeFirst();
    return collection(request, "domains", found === undefined ? [] : [describeDomain(request)]);
  });
  scope.get("/v3/auth/projects", async (request) => {
    const rows = await store.selectFrom("projects").selectAll().where("enabled", "=", true).orderBy("name")
      .where("id", "in", store.selectFrom("role_assignments").select("scope_id").where("user_id", "=", sessionOf(request).userId).where("scope_kind", "=", "project")).execute();
    return collection(request, "projects", rows.map((row) => describeProject(row, request)));
  });
  scope.get("/v3/auth/system", async (request) => {
    const found = await store.selectFrom("role_assignments").select("role_id").where("user_id", "=", sessionOf(request).userId).where("scope_kind", "=", "system").executeTakeFirst();
    return { system: found === undefined ? [] : [{ all: true }], links: selfLink(request, "auth/system") };
  });

  /** Everybody may look at and end their own tokens; administrators and services anybody's. */
  async function readSubject(request: FastifyRequest): Promise<{ token: string; facts: TokenFacts }> {
    const token = request.headers["x-subject-token"];
    if (typeof token !== "string" || token === "") throw new Refusal({ code: "SIG-IDENTITY-NO-SUBJECT", httpStatus: 404, message: "No token in the request" });
    const facts = await tokens.read(token);
    if (facts === null) throw new Refusal({ code: "SIG-IDENTITY-UNKNOWN-TOKEN", httpStatus: 404, message: "Could not recognize Fernet token" });
    const { userId, roles } = sessionOf(request);
    if (facts.user.id !== userId && !roles.includes("admin") && !roles.includes("service")) throw forbidden(request.method === "DELETE" ? "revoke_token" : "validate_token");
    return { token, facts };
  }
}

function wantsCatalog(request: FastifyRequest): boolean {
  return !("nocatalog" in (request.query as Record<string, string>));
}

function describeToken(facts: TokenFacts, base: string, withCatalog: boolean): Record<string, unknown> {
  const { scope, project } = facts;
  return {
    methods: facts.methods,
    user: { domain: domainReference, id: facts.user.id, name: facts.user.name, password_expires_at: null },
    audit_ids: facts.auditIds,
    expires_at: tokenTime(facts.expiresAt),
    issued_at: tokenTime(facts.issuedAt),
    ...(project === null ? {} : { project: { domain: domainReference, ...project }, is_domain: false }),
    ...(scope?.kind === "domain" ? { domain: { ...DEFAULT_DOMAIN } } : {}),
    ...(scope?.kind === "system" ? { system: { all: true } } : {}),
    ...(scope === null ? {} : { roles: facts.roles }),
    ...(scope === null || !withCatalog ? {} : { catalog: describeCatalog(base) }),
  };
}

/** Six digits after the second, as Keystone writes them. */
function tokenTime(time: Date): string {
  return time.toISOString().replace("Z", "000Z");
}
