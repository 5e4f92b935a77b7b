import type { FastifyRequest } from "fastify";
import { baseOf } from "../http/base-url.ts";

export interface Link {
  readonly rel: string;
  readonly href: string;
}

/** Self and bookmark of a resource; the bookmark has no version segment, and both have the project where the request's path has it. */
export function linksOf(request: FastifyRequest, collection: string, id: string): readonly Link[] {
  return [{ rel: "self", href: `${versionBase(request)}/${collection}/${id}` }, bookmarkOf(request, collection, id)];
}

export function bookmarkOf(request: FastifyRequest, collection: string, id: string): Link {
  return { rel: "bookmark", href: `${baseOf(request)}/compute${projectPart(request)}/${collection}/${id}` };
}

/** The address of the next page: the same query, from the last id on. */
export function nextLink(request: FastifyRequest, collection: string, markerId: string): readonly Link[] {
  const query = new URLSearchParams(request.url.split("?")[1] ?? "");
  query.set("marker", markerId);
  return [{ rel: "next", href: `${versionBase(request)}/${collection}?${query.toString()}` }];
}

export function versionBase(request: FastifyRequest): string {
  return `${baseOf(request)}/compute/v2.1${projectPart(request)}`;
}

function projectPart(request: FastifyRequest): string {
  const project = (request.params as { urlProject?: string }).urlProject;
  return project === undefined ? "" : `/${project}`;
}
