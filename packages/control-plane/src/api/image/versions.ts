import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { baseOf } from "../http/base-url.ts";

/** As Glance of release Zed with one store: no v2.14, which comes with its cache. */
const CURRENT = "v2.15";
const SUPPORTED = ["v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"];

function describeVersions(request: FastifyRequest): Record<string, unknown> {
  const links = [{ rel: "self", href: `${baseOf(request)}/image/v2/` }];
  return { versions: [{ id: CURRENT, status: "CURRENT", links }, ...SUPPORTED.map((id) => ({ id, status: "SUPPORTED", links }))] };
}

/** 300 at the root and for versions that do not exist: clients read the body, and break on a redirect or a 404. */
export function registerImageVersions(scope: FastifyInstance): void {
  const config = { openToAll: true };
  scope.get("/", { config }, async (request, reply) => reply.code(300).send(describeVersions(request)));
  scope.get("/versions", { config }, async (request) => describeVersions(request));
}

export function answerUnknownVersion(request: FastifyRequest, reply: FastifyReply): unknown {
  return reply.code(300).send(describeVersions(request));
}
