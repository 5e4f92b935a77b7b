import type { FastifyInstance, FastifyRequest } from "fastify";
import { baseOf } from "../http/base-url.ts";
import { announce, microversionMax, microversionMin } from "./microversion.ts";

/** What clients read before their first call; no token is asked for. */
export function serveVersions(scope: FastifyInstance): void {
  const open = { config: { openToAll: true } };
  scope.get("/", open, async (request) => ({ versions: [describeVersion(request)] }));
  scope.get("/v2.1", open, async (request, reply) => {
    announce(reply, `2.${microversionMin}`);
    const version = describeVersion(request);
    return {
      version: {
        ...version,
        links: [...version.links, { rel: "describedby", type: "text/html", href: "http://docs.openstack.org/" }],
        "media-types": [{ base: "application/json", type: "application/vnd.openstack.compute+json;version=2.1" }],
      },
    };
  });
}

function describeVersion(request: FastifyRequest) {
  return {
    id: "v2.1", status: "CURRENT", version: `2.${microversionMax}`, min_version: `2.${microversionMin}`, updated: "2013-07-23T11:33:21Z",
    links: [{ rel: "self", href: `${baseOf(request)}/compute/v2.1/` }],
  };
}
