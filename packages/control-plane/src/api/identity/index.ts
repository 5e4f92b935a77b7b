import type { FastifyInstance } from "fastify";
import { malformed } from "../../identity/refusals.ts";
import type { Tokens } from "../../identity/tokens.ts";
import type { Store } from "../../store/database.ts";
import { collectMethods } from "../http/allowed-methods.ts";
import { parseAnyBodyAsJson } from "../http/body-parsing.ts";
import { answerErrors } from "../http/error-envelope.ts";
import { requireToken, type SessionReader } from "../http/session.ts";
import { registerCatalogResources } from "./catalog-resources.ts";
import { registerDomainRoutes } from "./domains.ts";
import { identityEnvelope, UNKNOWN_PATH_PAGE, WRONG_METHOD } from "./envelope.ts";
import { registerProjectRoutes } from "./projects.ts";
import { registerRoleAssignmentRoutes } from "./role-assignments.ts";
import { registerRoleRoutes } from "./roles.ts";
import { registerTokenRoutes } from "./tokens.ts";
import { registerUserRoutes } from "./users.ts";
import { registerIdentityVersions } from "./versions.ts";

export interface IdentityDeps {
  readonly store: Store;
  readonly tokens: Tokens;
  readonly readSession: SessionReader;
}

/** The identity API, version 3, below `/identity`. */
export async function registerIdentityApi(app: FastifyInstance, deps: IdentityDeps): Promise<void> {
  await app.register(async (scope) => {
    parseAnyBodyAsJson(scope, (cause) => malformed("valid JSON", cause));
    answerErrors(scope, identityEnvelope);
    requireToken(scope, deps.readSession, { unknownPathsToo: false });
    const allowedMethods = collectMethods(scope);
    scope.setNotFoundHandler(async (request, reply) => {
      const allowed = allowedMethods(request);
      if (allowed.length > 0) return reply.code(405).header("Allow", allowed.join(", ")).send(WRONG_METHOD);
      return reply.code(404).type("text/html; charset=utf-8").send(UNKNOWN_PATH_PAGE);
    });
    registerIdentityVersions(scope);
    registerTokenRoutes(scope, deps);
    registerDomainRoutes(scope);
    registerProjectRoutes(scope, deps);
    registerUserRoutes(scope, deps);
    registerRoleRoutes(scope, deps);
    registerRoleAssignmentRoutes(scope, deps);
    registerCatalogResources(scope);
  }, { prefix: "/identity" });
}
