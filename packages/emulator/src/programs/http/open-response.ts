import { request as requestPlainly, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestSecurely } from "node:https";
import type { Readable } from "node:stream";

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable;
  readonly signal: AbortSignal;
  /** For the connection, TLS included; 0 waits as long as the system does. */
  readonly connectTimeoutMs: number;
  readonly acceptAnyCertificate: boolean;
  /** PEM; null trusts what the emulating computer's Node trusts. */
  readonly authorities: Buffer | null;
}

/** What went wrong with an exchange, as far as a program tells it apart. */
export type HttpProblem = "host-not-found" | "cannot-connect" | "timed-out" | "untrusted" | "reset" | "cut-off" | "no-answer" | "no-http" | "tls";

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly problem: HttpProblem;

  constructor(problem: HttpProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** Sends one request on a connection of its own and waits for the answer's head. @throws HttpError, or the signal's reason */
export function openResponse({ url, method, headers, body, signal, connectTimeoutMs, acceptAnyCertificate, authorities }: HttpRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions & { rejectUnauthorized: boolean; ca?: Buffer } = { method, headers, agent: false, signal, rejectUnauthorized: !acceptAnyCertificate, ...(authorities ? { ca: authorities } : {}) };
    const request = (url.protocol === "https:" ? requestSecurely : requestPlainly)(url, options);
    let connected = false;
    const timer = connectTimeoutMs > 0 ? setTimeout(() => request.destroy(new HttpError("timed-out", `No connection within ${connectTimeoutMs} ms.`)), connectTimeoutMs) : undefined;
    request.on("socket", (socket) => socket.on(url.protocol === "https:" ? "secureConnect" : "connect", () => {
      connected = true;
      clearTimeout(timer);
    }));
    request.on("response", resolve);
    request.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(signal.aborted || error instanceof HttpError ? error : asHttpError(error, connected));
    });
    if (body) body.on("error", (error) => request.destroy(error)).pipe(request);
    else request.end();
  });
}

/** The answer's body, piece by piece. @throws HttpError when it ends too early, or the signal's reason */
export async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  let socketError: NodeJS.ErrnoException | null = null;
  response.socket.on("error", (error) => {
    socketError = error;
  });
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HttpError) throw error;
    throw new HttpError((socketError as NodeJS.ErrnoException | null)?.code === "ECONNRESET" ? "reset" : "cut-off", "The connection ended before the answer did.", { cause: error });
  }
}

const untrustedCodes: ReadonlySet<string> = new Set(["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "ERR_TLS_CERT_ALTNAME_INVALID", "CERT_UNTRUSTED", "CERT_REVOKED"]);

function asHttpError(error: NodeJS.ErrnoException, connected: boolean): HttpError {
  const code = error.code ?? "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EAI_FAIL") return new HttpError("host-not-found", error.message, { cause: error });
  if (untrustedCodes.has(code)) return new HttpError("untrusted", error.message, { cause: error });
  if (code.startsWith("HPE_")) return new HttpError("no-http", error.message, { cause: error });
  if (code === "ECONNRESET" || code === "EPIPE") return new HttpError(error.message === "socket hang up" ? "no-answer" : "reset", error.message, { cause: error });
  if (code.startsWith("ERR_SSL") || code === "EPROTO") return new HttpError("tls", error.message, { cause: error });
  return new HttpError(connected ? "reset" : "cannot-connect", error.message, { cause: error });
}
