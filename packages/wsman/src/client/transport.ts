import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** A failure before any WS-Management answer: nothing is known about the host's mind. */
export class WsmanTransportError extends Error {
  override readonly name = "WsmanTransportError";
  readonly kind: "unreachable" | "tls" | "timeout" | "unauthorized" | "http";
  readonly httpStatus: number | null;

  constructor(kind: WsmanTransportError["kind"], message: string, options: { httpStatus?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.httpStatus = options.httpStatus ?? null;
  }
}

export interface TransportOptions {
  readonly url: string;
  readonly authorization: Authorization;
  /** SHA-256 of the server's certificate in hex; it then replaces ordinary verification. */
  readonly tlsFingerprint: string | null;
  readonly connectionsMax: number;
}

/** How a request proves who sends it. Basic is one header; a scheme of several legs takes this place with its own. */
export interface Authorization {
  header(): string;
}

export function basicAuthorization(user: string, password: string): Authorization {
  const header = `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
  return { header: () => header };
}

export interface TransportAnswer {
  readonly status: number;
  readonly text: string;
}

// WinRM answers at most MaxEnvelopeSizekb (500 by default, and seldom raised beyond 8 MiB); more is not an answer.
export const answerBytesMax = 16 * 1024 * 1024;

/** Keep-alive connections to one host and the posting of envelopes over them. */
export class Transport {
  readonly #url: URL;
  readonly #authorization: Authorization;
  readonly #agent: HttpAgent;

  constructor(options: TransportOptions) {
    this.#url = new URL(options.url);
    if (this.#url.protocol !== "http:" && this.#url.protocol !== "https:") throw new TypeError(`The url "${options.url}" has the scheme ${this.#url.protocol}; use http or https.`);
    if (this.#url.username !== "" || this.#url.password !== "") throw new TypeError("The url holds credentials; give user and password as fields of their own.");
    this.#authorization = options.authorization;
    const pooling = { keepAlive: true, maxSockets: options.connectionsMax, maxFreeSockets: options.connectionsMax };
    if (this.#url.protocol === "http:") this.#agent = new HttpAgent(pooling);
    else this.#agent = options.tlsFingerprint === null ? new HttpsAgent(pooling) : new PinnedAgent(pooling, options.tlsFingerprint);
  }

  /** The address without anything secret, for messages. */
  get address(): string {
    return this.#url.href;
  }

  async post(body: string, options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined; readonly headers?: Readonly<Record<string, string>> }): Promise<TransportAnswer> {
    options.signal?.throwIfAborted();
    try {
      return await this.#exchange(body, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error instanceof WsmanTransportError ? error : this.#explain(error as NodeJS.ErrnoException);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(body: string, options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined; readonly headers?: Readonly<Record<string, string>> }): Promise<TransportAnswer> {
    const bytes = Buffer.from(body, "utf8");
    const send = this.#url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request: ClientRequest = send(this.#url, {
        method: "POST",
        agent: this.#agent,
        headers: {
          "Content-Type": "application/soap+xml;charset=UTF-8", "Content-Length": bytes.length, "User-Agent": "signet",
          Authorization: this.#authorization.header(), ...options.headers,
        },
        ...(options.signal ? { signal: options.signal } : {}),
      });
      const timer = setTimeout(() => request.destroy(new WsmanTransportError("timeout", `${this.address} did not answer within ${options.timeoutMs} ms.`)), options.timeoutMs);
      request.on("error", reject);
      request.on("close", () => clearTimeout(timer));
      request.on("response", (response) => {
        readAll(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
      });
      request.end(bytes);
    });
  }

  #explain(error: NodeJS.ErrnoException): WsmanTransportError {
    const code = error.code ?? "";
    if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/.test(code)) {
      return new WsmanTransportError("tls", `The TLS connection to ${this.address} failed: ${error.message}. Pin the certificate's SHA-256 fingerprint if it is the host's own.`, { cause: error });
    }
    return new WsmanTransportError("unreachable", `${this.address} cannot be reached: ${error.message}`, { cause: error });
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > answerBytesMax) throw new WsmanTransportError("http", `The answer is larger than ${answerBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Hands a connection out only after its certificate was found to be the pinned one, so that no password goes to another. */
class PinnedAgent extends HttpsAgent {
  readonly #fingerprint: string;

  constructor(options: ConstructorParameters<typeof HttpsAgent>[0], fingerprint: string) {
    super(options);
    this.#fingerprint = fingerprint.replaceAll(":", "").toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(this.#fingerprint)) throw new TypeError("The TLS fingerprint must be the SHA-256 of the certificate: 64 hex digits.");
  }

  override createConnection(options: ConnectionOptions, callback?: (error: Error | null, socket: Duplex) => void): TLSSocket | undefined {
    const socket = tlsConnect({ ...options, rejectUnauthorized: false });
    const settle = (error: Error | null) => {
      socket.off("error", settle);
      callback?.(error, socket);
    };
    socket.once("error", settle);
    socket.once("secureConnect", () => {
      const found = socket.getPeerCertificate().fingerprint256?.replaceAll(":", "").toLowerCase();
      if (found === this.#fingerprint) return settle(null);
      socket.destroy();
      settle(new WsmanTransportError("tls", `The certificate's SHA-256 is ${found ?? "missing"}, but ${this.#fingerprint} is pinned. Pin the new one only if the host's certificate was renewed.`));
    });
    // Returning nothing makes the agent wait for the callback.
    return undefined;
  }
}
