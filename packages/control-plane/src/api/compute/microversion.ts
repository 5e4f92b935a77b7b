import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "../../refusal.ts";
import { notFound } from "./fault-envelope.ts";

/** Every shape between the two is honoured, on each route that exists (docs/decisions/microversions.md). */
export const microversionMin = 1;
export const microversionMax = 93;

declare module "fastify" {
  interface FastifyRequest {
    /** The N of compute microversion 2.N. */
    microversion: number;
  }
}

const HEADER = "OpenStack-API-Version";
const LEGACY_HEADER = "X-OpenStack-Nova-API-Version";

/** Reads the version that a request asks for, and says in every answer which one was used. */
export function negotiateMicroversion(scope: FastifyInstance): void {
  scope.decorateRequest("microversion", microversionMin);
  scope.addHook("onRequest", async (request, reply) => {
    const asked = askedVersion(request);
    request.microversion = asked === "latest" ? microversionMax : parseVersion(asked ?? `2.${microversionMin}`, reply);
    announce(reply, `2.${request.microversion}`);
  });
}

function parseVersion(text: string, reply: FastifyReply): number {
  const match = /^([1-9]\d*)\.([1-9]\d*|0)$/.exec(text);
  if (match === null) {
    throw new Refusal({ code: "SIG-COMPUTE-VERSION-FORMAT", httpStatus: 400, message: `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.` });
  }
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major === 2 && minor >= microversionMin && minor <= microversionMax) return minor;
  announce(reply, text);
  throw new Refusal({
    code: "SIG-COMPUTE-VERSION", httpStatus: 406, message: `Version ${text} is not supported by the API. Minimum is 2.${microversionMin} and maximum is 2.${microversionMax}.`,
  });
}

function askedVersion(request: FastifyRequest): string | null {
  const header = [request.headers[HEADER.toLowerCase()]].flat().join(",");
  for (const entry of header.split(",")) {
    const [service, version] = entry.trim().split(/\s+/);
    if (service?.toLowerCase() === "compute" && version !== undefined) return version;
  }
  const legacy = request.headers[LEGACY_HEADER.toLowerCase()];
  return typeof legacy === "string" && legacy !== "" ? legacy.trim() : null;
}

export function announce(reply: FastifyReply, version: string): void {
  void reply.header(HEADER, `compute ${version}`).header(LEGACY_HEADER, version).header("Vary", [HEADER, LEGACY_HEADER]).header("X-Compute-Request-Id", reply.request.id);
}

/** Hides a route from versions that do not have it. */
export function existsOnly(request: FastifyRequest, range: { readonly from?: number; readonly to?: number }): void {
  if (request.microversion < (range.from ?? microversionMin) || request.microversion > (range.to ?? microversionMax)) throw notFound();
}
