import type { FastifyInstance, FastifyRequest } from "fastify";

/** Methods that the path of a request does have, when it is not found with its own. Ask from a not-found handler. */
export type AllowedMethods = (request: FastifyRequest) => readonly string[];

/** Collects the routes that are registered in the scope from here on. */
export function collectMethods(scope: FastifyInstance): AllowedMethods {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  scope.addHook("onRoute", ({ url, method }) => {
    const pattern = url.replace(/\/$/, "").replaceAll(/[.+?^$()|[\]{}]/g, "\\$&").replaceAll(/:[A-Za-z]+/g, "[^/]+");
    routes.push({ pattern: new RegExp(`^${pattern}/?$`), methods: [method].flat() });
  });
  return (request) => {
    const path = request.url.replace(/\?.*$/s, "");
    return [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].toSorted();
  };
}
