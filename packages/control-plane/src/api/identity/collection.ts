import type { FastifyRequest } from "fastify";
import { baseOf } from "../http/base-url.ts";

/** `{"users": […], "links": …}`: identity lists come whole. */
export function collection(request: FastifyRequest, key: string, items: readonly unknown[]): Record<string, unknown> {
  return { [key]: items, links: { next: null, self: `${baseOf(request)}${request.url}`, previous: null } };
}

export function selfLink(request: FastifyRequest, path: string): { self: string } {
  return { self: `${baseOf(request)}/identity/v3/${path}` };
}

/** Filters by equality that Keystone knows; unknown ones are ignored, as there. */
export function matchesQuery(item: Readonly<Record<string, unknown>>, query: unknown): boolean {
  return Object.entries((query ?? {}) as Record<string, string>).every(([name, wanted]) => {
    if (!["name", "domain_id", "enabled", "id", "parent_id", "type", "interface", "service_id", "is_domain"].includes(name) || !(name in item)) return true;
    if (typeof item[name] === "boolean") return item[name] === !/^(false|0|no)$/i.test(wanted);
    return String(item[name]) === wanted;
  });
}
