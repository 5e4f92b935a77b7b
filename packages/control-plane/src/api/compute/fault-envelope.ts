import type { ErrorEnvelope } from "../http/error-envelope.ts";
import { wordsOf } from "../http/error-envelope.ts";
import { Refusal } from "../../refusal.ts";

/** The one key of an error body, by status (nova/api/openstack/wsgi.py, `_fault_names`). */
const faultNames: Readonly<Record<number, string>> = {
  400: "badRequest", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
};

/** Errors as Nova writes them; beside code and message, what Signet knows more: stable code, remedy, evidence (the verdict, the policy). */
export const faultEnvelope: ErrorEnvelope = (refusal, _request, reply) => {
  void reply.type("application/json");
  if (refusal.httpStatus === 401) return { error: { code: 401, title: "Unauthorized", message: refusal.message } };
  const saysMore = refusal.remedy !== null || Object.keys(refusal.evidence).length > 0;
  return {
    [faultNames[refusal.httpStatus] ?? "computeFault"]: {
      code: refusal.httpStatus, message: wordsOf(refusal), ...(saysMore ? { signet: { code: refusal.code, remedy: refusal.remedy, ...refusal.evidence } } : {}),
    },
  };
};

export function badRequest(message: string, cause?: unknown): Refusal {
  return new Refusal({ code: "SIG-COMPUTE-REQUEST", httpStatus: 400, message, cause });
}

export function notFound(message = "The resource could not be found."): Refusal {
  return new Refusal({ code: "SIG-COMPUTE-UNKNOWN", httpStatus: 404, message });
}

export function conflict(message: string): Refusal {
  return new Refusal({ code: "SIG-COMPUTE-CONFLICT", httpStatus: 409, message });
}
