import type { FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyInstance {
    /** The address that clients shall use, from the configuration; null: the one that they used. */
    publicUrl: string | null;
  }
}

/** Scheme, host and port that links in answers begin with, without a slash at the end: clients follow `self` links, not what they were given. */
export function baseOf(request: FastifyRequest): string {
  return request.server.publicUrl ?? `${request.protocol}://${request.host}`;
}
