import type { FastifyInstance, FastifyRequest } from "fastify";
import { DEFAULT_DOMAIN } from "../../identity/identity-id.ts";
import { notFound } from "../../identity/refusals.ts";
import { requireOverview } from "./access.ts";
import { collection, matchesQuery, selfLink } from "./collection.ts";

export function describeDomain(request: FastifyRequest): Record<string, unknown> {
  return { ...DEFAULT_DOMAIN, description: "The default domain", enabled: true, tags: [], options: {}, links: selfLink(request, `domains/${DEFAULT_DOMAIN.id}`) };
}

/** There is one domain, and it can be looked at. */
export function registerDomainRoutes(scope: FastifyInstance): void {
  scope.get("/v3/domains", async (request) => {
    requireOverview(request, "list_domains");
    return collection(request, "domains", [describeDomain(request)].filter((domain) => matchesQuery(domain, request.query)));
  });
  scope.get<{ Params: { id: string } }>("/v3/domains/:id", async (request) => {
    if (request.params.id !== DEFAULT_DOMAIN.id) throw notFound("domain", request.params.id);
    return { domain: describeDomain(request) };
  });
}
