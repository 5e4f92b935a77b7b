import type { FastifyInstance } from "fastify";
import { parseAnyBodyAsJson } from "../http/body-parsing.ts";
import { answerErrors } from "../http/error-envelope.ts";
import { callerOf, requireToken, type SessionReader } from "../http/session.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { serveExtraSpecs } from "./extra-specs.ts";
import { badRequest, faultEnvelope } from "./fault-envelope.ts";
import { serveFlavors } from "./flavors.ts";
import { serveHypervisors } from "./hypervisors.ts";
import { serveKeypairs } from "./keypairs.ts";
import { serveLimits } from "./limits.ts";
import { negotiateMicroversion } from "./microversion.ts";
import { serveServerActions } from "./server-actions.ts";
import { serveServers } from "./servers.ts";
import { serveServices } from "./services.ts";
import { serveUsage } from "./usage.ts";
import { serveVersions } from "./versions.ts";

export interface ComputeDeps extends ComputeParts {
  readonly readSession: SessionReader;
}

/** The compute API, version 2.1, below `/compute`. */
export async function registerComputeApi(app: FastifyInstance, deps: ComputeDeps): Promise<void> {
  await app.register(async (scope) => {
    parseAnyBodyAsJson(scope, (cause) => badRequest("Malformed request body", cause));
    answerErrors(scope, faultEnvelope);
    // Nova answers a path that no version knows in plain text, to everybody.
    scope.setNotFoundHandler((_request, reply) => reply.code(404).type("text/plain; charset=UTF-8").send("404 Not Found\n\nThe resource could not be found.\n\n   "));
    serveVersions(scope);
    await scope.register(routes(deps), { prefix: "/v2.1" });
    await scope.register(routes(deps), { prefix: "/v2.1/:urlProject" });
  }, { prefix: "/compute" });
}

function routes({ readSession, ...parts }: ComputeDeps): (scope: FastifyInstance) => Promise<void> {
  return async (scope) => {
    requireToken(scope, readSession, { unknownPathsToo: false });
    negotiateMicroversion(scope);
    scope.addHook("preHandler", async (request) => {
      const asked = (request.params as { urlProject?: string } | undefined)?.urlProject;
      const { projectId } = callerOf(request);
      if (asked !== undefined && asked !== projectId) throw badRequest(`Malformed request URL: URL's project_id '${asked}' doesn't match Context's project_id '${projectId}'`);
    });
    for (const serve of [serveFlavors, serveExtraSpecs, serveServers, serveServerActions, serveHypervisors, serveServices, serveKeypairs, serveLimits, serveUsage]) serve(scope, parts);
  };
}
