import type { FastifyInstance } from "fastify";
import { baseOf } from "../http/base-url.ts";

function describeVersion(base: string): Record<string, unknown> {
  return {
    id: "v3.14",
    status: "stable",
    updated: "2020-04-07T00:00:00Z",
    links: [{ rel: "self", href: `${base}/identity/v3/` }],
    "media-types": [{ base: "application/json", type: "application/vnd.openstack.identity-v3+json" }],
  };
}

/** Discovery as keystoneauth wants it: 300 at the root, and `values` one level deeper than in other services. */
export function registerIdentityVersions(scope: FastifyInstance): void {
  const config = { openToAll: true };
  scope.get("/", { config }, async (request, reply) =>
    reply.code(300).header("Location", `${baseOf(request)}/identity/v3/`).send({ versions: { values: [describeVersion(baseOf(request))] } }));
  scope.get("/v3", { config }, async (request) => ({ version: describeVersion(baseOf(request)) }));
}
