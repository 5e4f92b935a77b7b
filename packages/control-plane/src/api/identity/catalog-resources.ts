import type { FastifyInstance, FastifyRequest } from "fastify";
import { describeCatalog, REGION } from "../../identity/catalog.ts";
import { notFound } from "../../identity/refusals.ts";
import { baseOf } from "../http/base-url.ts";
import { requireOverview } from "./access.ts";
import { collection, matchesQuery, selfLink } from "./collection.ts";

type ById = { Params: { id: string } };

/** Services, endpoints and regions: what the catalog says, each as a resource that can be looked at. They are configuration, so nothing here changes them. */
export function registerCatalogResources(scope: FastifyInstance): void {
  const kinds = [
    { path: "services", key: "service", list: describeServices },
    { path: "endpoints", key: "endpoint", list: describeEndpoints },
    { path: "regions", key: "region", list: describeRegions },
  ] as const;
  for (const { path, key, list } of kinds) {
    scope.get(`/v3/${path}`, async (request) => {
      if (key !== "region") requireOverview(request, `list_${path}`);
      return collection(request, path, list(request).filter((item) => matchesQuery(item, request.query)));
    });
    scope.get<ById>(`/v3/${path}/:id`, async (request) => {
      if (key !== "region") requireOverview(request, `get_${key}`);
      const found = list(request).find(({ id }) => id === request.params.id);
      if (found === undefined) throw notFound(key, request.params.id);
      return { [key]: found };
    });
  }
}

type Resource = Readonly<Record<string, unknown>>;

function describeServices(request: FastifyRequest): readonly Resource[] {
  return describeCatalog(baseOf(request)).map(({ id, type, name }) => ({ id, type, name, enabled: true, links: selfLink(request, `services/${id}`) }));
}

function describeEndpoints(request: FastifyRequest): readonly Resource[] {
  return describeCatalog(baseOf(request)).flatMap((service) =>
    service.endpoints.map((endpoint) => ({ ...endpoint, service_id: service.id, enabled: true, links: selfLink(request, `endpoints/${endpoint.id}`) })));
}

function describeRegions(request: FastifyRequest): readonly Resource[] {
  return [{ id: REGION, description: "", parent_region_id: null, links: selfLink(request, `regions/${REGION}`) }];
}
