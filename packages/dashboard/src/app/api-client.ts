/** What an API said instead of an answer. `message` is its own sentence, ready for people. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, message: string, code: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A list or a single answer that takes longer is given up, so that the page says so instead of waiting for ever. */
const ANSWER_TIMEOUT_MS = 20_000;

/** Requests to this origin. Throws `ApiProblem` for anything but success. */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), ...(options.signal ? [options.signal] : [])]) });
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw new ApiProblem(0, "The control plane does not answer. Check that `signet up` or `signet serve` still runs; this page tries again by itself.");
  }
  if (response.ok) return response;
  const { sentence, code } = readRefusal(await response.text(), response.status, response.headers.get("signet-refusal"));
  throw new ApiProblem(response.status, sentence, code);
}

/** One of Signet's own resources, `path` relative to /signet/v1. */
export async function readSignet<Answer>(path: string, token: string, signal?: AbortSignal): Promise<Answer> {
  const response = await request(`/signet/v1${path}`, { headers: { accept: "application/json", "x-auth-token": token }, ...(signal === undefined ? {} : { signal }) });
  return (await response.json()) as Answer;
}

/**
 * Each API wraps its refusals in its own envelope: `{"error": {"message"}}` (identity), `{"badRequest": {"message"}}` (compute),
 * `{"message", "remedy", "code"}`. The sentence is the first message found; a remedy that it does not hold yet follows it. OpenStack's
 * envelopes have no place for the stable code: the header Signet-Refusal carries it.
 */
export function readRefusal(text: string, status: number, headerCode: string | null = null): { readonly sentence: string; readonly code: string | null } {
  const fallback = { sentence: `The control plane answered ${status} without saying why. Its log says more.`, code: headerCode };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return fallback;
  }
  const envelopes = [body, ...(isRecord(body) ? Object.values(body) : [])].filter(isRecord);
  const found = envelopes.find((envelope) => typeof envelope["message"] === "string" && envelope["message"] !== "");
  if (found === undefined) return fallback;
  const message = String(found["message"]);
  const remedy = typeof found["remedy"] === "string" && !message.includes(found["remedy"]) ? found["remedy"] : null;
  const code = typeof found["code"] === "string" ? found["code"] : headerCode;
  return { sentence: [message, remedy].filter(Boolean).join(" "), code: code !== null && !message.includes(code) ? code : null };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
