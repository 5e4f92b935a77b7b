import type { FastifyRequest } from "fastify";
import { forbidden } from "../../identity/refusals.ts";
import { sessionOf } from "../http/session.ts";

/** Keystone's defaults: these are for administrators. Throws 403 naming the action. */
export function requireAdmin(request: FastifyRequest, action: string): void {
  if (!sessionOf(request).roles.includes("admin")) throw forbidden(action);
}

/** Readers of the whole system may look at everything as well. */
export function requireOverview(request: FastifyRequest, action: string): void {
  const { roles, scope } = sessionOf(request);
  if (!roles.includes("admin") && !(scope?.kind === "system" && roles.includes("reader"))) throw forbidden(action);
}
