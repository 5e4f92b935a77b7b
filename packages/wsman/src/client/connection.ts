import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Authorization, ConnectionSession, LoginAnswer } from "../auth/authorization.ts";
import { NtlmError } from "../auth/ntlm-error.ts";
import { WsmanTransportError } from "./transport-error.ts";

export interface TransportAnswer {
  readonly status: number;
  readonly text: string;
}

export interface PostOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ConnectionOptions {
  readonly url: URL;
  readonly authorization: Authorization;
  /** For this connection alone: it keeps one socket. */
  readonly agent: HttpAgent;
  /** Told when the host has let us in. */
  readonly onLogin: () => void;
}

// WinRM answers at most MaxEnvelopeSizekb (500 by default, and seldom raised beyond 8 MiB); more is not an answer.
export const answerBytesMax = 16 * 1024 * 1024;
const soapContentType = "application/soap+xml;charset=UTF-8";

interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly challenges: readonly string[];
  readonly body: Buffer;
}

interface RawRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** True for what is worth nothing on another socket than the last one. */
  readonly isBound: boolean;
}

/** The socket that a bound request belongs to is gone; nothing was sent. */
class SocketChanged extends Error {}

/** One connection to a host, with one request in flight on it: the host's log-on belongs to it, and is repeated when it had to be opened anew. */
export class Connection {
  readonly #options: ConnectionOptions;
  #socket: Socket | null = null;
  #session: ConnectionSession | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** True while the next request needs no log-on. */
  get isLoggedIn(): boolean {
    return this.#session !== null && (!this.#session.isBound || this.#socket?.destroyed === false);
  }

  /** `deadlineMs` by `performance.now()`: what is left of the time-out. @throws WsmanTransportError, or Node's own errors */
  async post(text: string, options: PostOptions, deadlineMs: number): Promise<TransportAnswer> {
    const message = { contentType: soapContentType, body: Buffer.from(text, "utf8") };
    const attempt = async (session: ConnectionSession) => {
      const { headers, body } = session.write(message);
      return this.#exchange({ headers: { ...headers, ...options.headers }, body, isBound: session.isBound }, options, deadlineMs);
    };
    let httpStatus: number | undefined;
    try {
      const known = this.isLoggedIn ? this.#session : null;
      let session = known ?? await this.#login(options, deadlineMs);
      // A log-on of before may have ended on the host's side; one that was just made has not.
      let answer = await attempt(session).catch((error: unknown) => (error instanceof SocketChanged ? null : Promise.reject(error as Error)));
      if (known?.isBound && (answer === null || answer.status === 401)) {
        session = await this.#login(options, deadlineMs);
        answer = await attempt(session);
      }
      if (answer === null) throw new WsmanTransportError("unreachable", `${this.#options.url.href} closes the connection after the log-on.`);
      if (answer.status === 401) throw new WsmanTransportError("unauthorized", `${this.#options.url.href} refuses the user or password (HTTP 401). ${session.advice}`.trimEnd(), { httpStatus: 401 });
      httpStatus = answer.status;
      return { status: answer.status, text: session.read(answer).toString("utf8") };
    } catch (error) {
      // What is known of this connection is of no use after any trouble.
      this.#drop();
      if (error instanceof NtlmError) throw new WsmanTransportError("http", `${this.#options.url.href}: ${error.message}`, { cause: error, ...(httpStatus === undefined ? {} : { httpStatus }) });
      throw error;
    }
  }

  close(): void {
    this.#options.agent.destroy();
  }

  async #login(options: PostOptions, deadlineMs: number): Promise<ConnectionSession> {
    this.#session = null;
    const { url, authorization, onLogin } = this.#options;
    let isBound = false;
    const ask = async (header: string): Promise<LoginAnswer> => {
      const { status, challenges } = await this.#exchange({ headers: { "Content-Type": soapContentType, Authorization: header }, body: Buffer.alloc(0), isBound }, options, deadlineMs);
      isBound = true;
      return { status, challenges, certificate: this.#socket instanceof TLSSocket ? this.#socket.getPeerX509Certificate()?.raw ?? null : null };
    };
    try {
      this.#session = await authorization.login({ address: url.href, ask });
    } catch (error) {
      throw error instanceof SocketChanged ? new WsmanTransportError("unreachable", `${url.href} closes the connection in the middle of the log-on.`, { cause: error }) : error;
    }
    onLogin();
    return this.#session;
  }

  #drop(): void {
    this.#session = null;
    this.#socket?.destroy();
    this.#socket = null;
  }

  #exchange({ headers, body, isBound }: RawRequest, { timeoutMs, signal }: PostOptions, deadlineMs: number): Promise<RawAnswer> {
    const { url, agent } = this.#options;
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request: ClientRequest = send(url, {
        method: "POST", agent, headers: { "Content-Length": body.length, "User-Agent": "signet", ...headers }, ...(signal ? { signal } : {}),
      });
      const timer = setTimeout(() => request.destroy(new WsmanTransportError("timeout", `${url.href} did not answer within ${timeoutMs} ms.`)), Math.max(deadlineMs - performance.now(), 0));
      request.on("error", reject);
      request.on("close", () => clearTimeout(timer));
      // Nothing is written before it is known where to: a log-on and its seals belong to one socket.
      request.on("socket", (socket) => {
        if (isBound && socket !== this.#socket) return request.destroy(new SocketChanged());
        this.#socket = socket;
        request.end(body);
      });
      request.on("response", (response) => {
        const { "content-type": contentType = "" } = response.headers;
        readAll(response).then((bytes) => resolve({ status: response.statusCode ?? 0, contentType, challenges: response.headersDistinct["www-authenticate"] ?? [], body: bytes }), reject);
      });
    });
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > answerBytesMax) throw new WsmanTransportError("http", `The answer is larger than ${answerBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
