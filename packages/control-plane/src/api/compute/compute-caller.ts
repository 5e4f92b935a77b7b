import type { FastifyRequest } from "fastify";
import type { Requester } from "../../compute/servers.ts";
import { Refusal } from "../../refusal.ts";
import { callerOf } from "../http/session.ts";

/** Who asks, under the id of this request. */
export function requesterOf(request: FastifyRequest): Requester {
  const { userId, userName, projectId, isAdmin } = callerOf(request);
  return { userId, userName, projectId, isAdmin, requestId: request.id };
}

/** Changing something needs the role member; readers only look. */
export function memberOf(request: FastifyRequest, rule: string): Requester {
  const { roles, isAdmin } = callerOf(request);
  if (!isAdmin && !roles.includes("member")) throw forbidden(rule);
  return requesterOf(request);
}

export function adminOf(request: FastifyRequest, rule: string): Requester {
  if (!callerOf(request).isAdmin) throw forbidden(rule);
  return requesterOf(request);
}

export function forbidden(rule: string): Refusal {
  return new Refusal({ code: "SIG-COMPUTE-POLICY", httpStatus: 403, message: `Policy doesn't allow ${rule} to be performed.` });
}
