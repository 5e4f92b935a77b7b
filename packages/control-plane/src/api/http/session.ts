import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "../../refusal.ts";

/** What a valid token says about who asks. Scope null: the token is for nothing but getting another one. */
export interface Session {
  readonly userId: string;
  readonly userName: string;
  readonly roles: readonly string[];
  readonly scope:
    | { readonly kind: "project"; readonly projectId: string; readonly projectName: string }
    | { readonly kind: "domain" }
    | { readonly kind: "system" }
    | null;
}

/** Who asks, as the image and compute services see it: always on behalf of a project. */
export interface Caller {
  readonly userId: string;
  readonly userName: string;
  readonly projectId: string;
  readonly projectName: string;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
}

/** Who a token belongs to; null when it is unknown, expired or revoked. */
export type SessionReader = (token: string) => Promise<Session | null>;

declare module "fastify" {
  interface FastifyRequest {
    session: Session | null;
  }
  interface FastifyContextConfig {
    /** Answers without a token. Each such route stands in the golden list of open-routes.test.ts. */
    openToAll?: boolean;
  }
}

/** Asks every request of the scope for a token in X-Auth-Token, except routes marked `openToAll`. */
export function requireToken(scope: FastifyInstance, readSession: SessionReader, options: { readonly unknownPathsToo: boolean }): void {
  scope.addHook("onRequest", async (request) => {
    if (request.is404 ? !options.unknownPathsToo : request.routeOptions.config.openToAll === true) return;
    const token = request.headers["x-auth-token"];
    request.session = typeof token === "string" && token !== "" ? await readSession(token) : null;
    if (request.session === null) throw unauthenticated();
  });
}

/** The sentence never says what was wrong: it would tell a stranger which half of a guess was right. */
export function unauthenticated(): Refusal {
  return new Refusal({ code: "SIG-AUTH-REQUIRED", httpStatus: 401, message: "The request you have made requires authentication." });
}

export function sessionOf(request: FastifyRequest): Session {
  if (request.session === null) throw unauthenticated();
  return request.session;
}

/** Throws a `Refusal` (403) for a token without a project. */
export function callerOf(request: FastifyRequest): Caller {
  const { userId, userName, roles, scope } = sessionOf(request);
  if (scope?.kind !== "project") {
    throw new Refusal({
      code: "SIG-AUTH-SCOPE", httpStatus: 403, message: "This token is not for a project, and this service works on behalf of projects.",
      remedy: "Ask for a token with a project (OS_PROJECT_NAME).",
    });
  }
  return { userId, userName, projectId: scope.projectId, projectName: scope.projectName, roles, isAdmin: roles.includes("admin") };
}
