import { stableIdentityId } from "./identity-id.ts";

export const REGION = "RegionOne";

interface Service {
  readonly type: string;
  readonly name: string;
  readonly path: string;
}

/** What is served. Clients look services up by type and interface; the names are those of the programs that first spoke these APIs. */
const SERVICES: readonly Service[] = [
  { type: "identity", name: "keystone", path: "/identity/v3" },
  { type: "image", name: "glance", path: "/image" },
  { type: "compute", name: "nova", path: "/compute/v2.1" },
];
const INTERFACES = ["public", "internal", "admin"] as const;

export interface CatalogEndpoint {
  readonly id: string;
  readonly interface: string;
  readonly region_id: string;
  readonly region: string;
  readonly url: string;
}

export interface CatalogService {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly CatalogEndpoint[];
}

/** The catalog for a client that reached us at this base address. */
export function describeCatalog(base: string): readonly CatalogService[] {
  return SERVICES.map(({ type, name, path }) => ({
    id: stableIdentityId(`service:${type}`),
    type,
    name,
    endpoints: INTERFACES.map((face) => ({ id: stableIdentityId(`endpoint:${type}:${face}`), interface: face, region_id: REGION, region: REGION, url: `${base}${path}` })),
  }));
}
