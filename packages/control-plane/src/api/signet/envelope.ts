import type { ErrorEnvelope } from "../http/error-envelope.ts";

/** Errors of Signet's own API: the refusal as it is. */
export const signetEnvelope: ErrorEnvelope = (refusal, _request, reply) => {
  void reply.type("application/json");
  return { error: { code: refusal.code, message: refusal.message, remedy: refusal.remedy, evidence: refusal.evidence } };
};
