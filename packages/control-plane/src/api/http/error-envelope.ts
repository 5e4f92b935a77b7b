import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "../../refusal.ts";
import { baseOf } from "./base-url.ts";

/** Writes a refusal in the manner of one API. The status is set already. */
export type ErrorEnvelope = (refusal: Refusal, request: FastifyRequest, reply: FastifyReply) => unknown;

/** Header with the stable code of a refusal: bodies follow OpenStack's words, which have no place for it. */
export const REFUSAL_HEADER = "Signet-Refusal";

/** Makes every error of the scope, whoever threw it, an answer in the envelope. */
export function answerErrors(scope: FastifyInstance, envelope: ErrorEnvelope): void {
  scope.setErrorHandler((error, request, reply) => {
    const refusal = toRefusal(error, request);
    if (refusal.httpStatus >= 500) request.log.error({ err: error, code: refusal.code }, "request failed");
    return sendRefusal(refusal, envelope, request, reply);
  });
}

export function sendRefusal(refusal: Refusal, envelope: ErrorEnvelope, request: FastifyRequest, reply: FastifyReply): unknown {
  void reply.code(refusal.httpStatus).header(REFUSAL_HEADER, refusal.code);
  if (refusal.httpStatus === 401) void reply.header("WWW-Authenticate", `Keystone uri="${baseOf(request)}/identity/v3"`);
  return envelope(refusal, request, reply);
}

/** What people read: upstream's sentence alone where upstream has one; ours with remedy and code. */
export function wordsOf(refusal: Refusal): string {
  return refusal.remedy === null ? refusal.message : refusal.sentence;
}

export function titleOf(httpStatus: number): string {
  return STATUS_CODES[httpStatus] ?? "Error";
}

function toRefusal(error: unknown, request: FastifyRequest): Refusal {
  if (error instanceof Refusal) return error;
  const { statusCode, message } = error as Partial<FastifyError>;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refusal({ code: "SIG-HTTP-REQUEST", httpStatus: statusCode, message: message ?? titleOf(statusCode), cause: error });
  }
  return new Refusal({
    code: "SIG-INTERNAL", httpStatus: 500, message: `Signet failed to answer this request because of a fault of its own.`,
    remedy: `Report it with the log lines of request ${request.id}.`, cause: error,
  });
}
