import type { HostFaultShape } from "../ports.ts";
import { Refusal } from "../refusal.ts";
import { type Failure, NotYet } from "./definition.ts";

export type Retry = { readonly again: true; readonly delayMs: number; readonly counts: boolean } | { readonly again: false };

/** Waiting doubles from this for every attempt … */
const RETRY_DELAY_MS = 500;
/** … up to this, so that a host that comes back is used within half a minute. */
const RETRY_DELAY_MS_MAX = 30_000;

/** Whether another attempt makes sense, and after how long. */
export function retryAfter(error: unknown, attempts: number): Retry {
  if (error instanceof NotYet) return { again: true, delayMs: error.delayMs, counts: false };
  if (!isHostFault(error) || error.retry === "never") return { again: false };
  return { again: true, delayMs: error.retry === "now" ? 0 : Math.min(RETRY_DELAY_MS * 2 ** attempts, RETRY_DELAY_MS_MAX), counts: true };
}

/** What is kept and shown of an error. Causes are joined, because each layer says what it was trying to do. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof Refusal) {
    const { brief } = error.evidence;
    return { code: error.code, message: error.message, remedy: error.remedy, httpStatus: error.httpStatus, ...(typeof brief === "string" ? { brief } : {}) };
  }
  if (isHostFault(error)) return { code: error.code, message: `${error.where}: ${messagesOf(error)}`, remedy: null, httpStatus: 500 };
  return { code: "SIG-INTERNAL", message: messagesOf(error), remedy: null, httpStatus: 500 };
}

export function isHostFault(error: unknown): error is HostFaultShape {
  return error instanceof Error && "retry" in error && "where" in error && "code" in error;
}

function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let at: unknown = error; at instanceof Error && messages.length < 5; at = at.cause) if (!messages.includes(at.message)) messages.push(at.message);
  return messages.join(": ") || String(error);
}
