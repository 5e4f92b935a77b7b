import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type AgentOptions } from "node:https";
import type { Authorization } from "../auth/authorization.ts";
import { Connection, type PostOptions, type TransportAnswer } from "./connection.ts";
import { PinnedAgent } from "./pinned-agent.ts";
import { WsmanTransportError } from "./transport-error.ts";

export { basicAuthorization, type Authorization } from "../auth/authorization.ts";
export { answerBytesMax, type PostOptions, type TransportAnswer } from "./connection.ts";
export { WsmanTransportError } from "./transport-error.ts";

export interface TransportOptions {
  readonly url: string;
  readonly authorization: Authorization;
  /** SHA-256 of the server's certificate in hex; it then replaces ordinary verification. */
  readonly tlsFingerprint: string | null;
  /** PEM of our own certificate and its key, shown to a host that asks for one. */
  readonly clientCertificate?: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined;
  readonly connectionsMax: number;
}

// Windows' HTTP service ends connections that were idle for 120 s, ours after 65 s: below both, so that no request meets the end of one.
const idleMaxMs = 60_000;

/** A request that waits for a connection. */
interface Waiter {
  readonly use: (connection: Connection) => void;
  readonly giveUp: (error: unknown) => void;
}

/** A pool of connections to one host, each with at most one request in flight, and the posting of envelopes over them. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #url: URL;
  readonly #all: Connection[] = [];
  readonly #free: Connection[] = [];
  readonly #waiters: Waiter[] = [];
  /** Whether the host has let us in. Before that one connection tries alone: many wrong log-ons at once would lock the account. */
  #isWelcome = false;

  constructor(options: TransportOptions) {
    this.#url = new URL(options.url);
    if (this.#url.protocol !== "http:" && this.#url.protocol !== "https:") throw new TypeError(`The url "${options.url}" has the scheme ${this.#url.protocol}; use http or https.`);
    if (this.#url.username !== "" || this.#url.password !== "") throw new TypeError("The url holds credentials; give user and password as fields of their own.");
    this.#options = options;
    this.#free.push(this.#open());
  }

  /** The address without anything secret, for messages. */
  get address(): string {
    return this.#url.href;
  }

  /** @throws WsmanTransportError, or the signal's reason */
  async post(body: string, options: PostOptions): Promise<TransportAnswer> {
    options.signal?.throwIfAborted();
    const deadlineMs = performance.now() + options.timeoutMs;
    const connection = await this.#take(options, deadlineMs);
    try {
      return await connection.post(body, options, deadlineMs);
    } catch (error) {
      if (error instanceof WsmanTransportError && error.kind === "unauthorized") this.#turnAway(error);
      options.signal?.throwIfAborted();
      throw error instanceof WsmanTransportError ? error : this.#explain(error as NodeJS.ErrnoException);
    } finally {
      this.#free.push(connection);
      this.#serve();
    }
  }

  close(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.giveUp(new WsmanTransportError("unreachable", `The connection to ${this.address} was closed.`));
    for (const connection of this.#all) connection.close();
  }

  #open(): Connection {
    const connection = new Connection({
      url: this.#url, authorization: this.#options.authorization, agent: makeAgent(this.#url, this.#options),
      onLogin: () => {
        this.#isWelcome = true;
        this.#serve();
      },
    });
    this.#all.push(connection);
    return connection;
  }

  #take({ timeoutMs, signal }: PostOptions, deadlineMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
      };
      const waiter: Waiter = {
        use(connection) {
          leave();
          resolve(connection);
        },
        giveUp(error) {
          leave();
          reject(error);
        },
      };
      const abort = () => waiter.giveUp(signal?.reason);
      const timer = setTimeout(() => waiter.giveUp(new WsmanTransportError("timeout", `${this.address} did not answer within ${timeoutMs} ms.`)), deadlineMs - performance.now());
      signal?.addEventListener("abort", abort);
      this.#waiters.push(waiter);
      this.#serve();
    });
  }

  /** Gives connections to those that wait, first come first served. */
  #serve(): void {
    for (;;) {
      const waiter = this.#waiters[0];
      const connection = waiter ? this.#next() : null;
      if (!waiter || !connection) return;
      waiter.use(connection);
    }
  }

  #next(): Connection | null {
    if (!this.#isWelcome && this.#free.length < this.#all.length) return null;
    // The one that was used last, so that those that are too many grow idle and end.
    const index = Math.max(this.#free.findLastIndex((one) => one.isLoggedIn), 0);
    const [connection] = this.#free.splice(index, 1);
    return connection ?? (this.#all.length < this.#options.connectionsMax ? this.#open() : null);
  }

  /** What the host said to the one that tried is its answer to those that waited for it too. */
  #turnAway(error: WsmanTransportError): void {
    const wasAlone = !this.#isWelcome;
    this.#isWelcome = false;
    if (wasAlone) for (const waiter of this.#waiters.splice(0)) waiter.giveUp(error);
  }

  #explain(error: NodeJS.ErrnoException): WsmanTransportError {
    const code = error.code ?? "";
    if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/.test(code)) {
      return new WsmanTransportError("tls", `The TLS connection to ${this.address} failed: ${error.message}. Pin the certificate's SHA-256 fingerprint if it is the host's own.`, { cause: error });
    }
    return new WsmanTransportError("unreachable", `${this.address} cannot be reached: ${error.message}`, { cause: error });
  }
}

/** An agent that keeps one socket, for one connection. */
function makeAgent(url: URL, { tlsFingerprint, clientCertificate }: TransportOptions): HttpAgent {
  const keeping: AgentOptions = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1, timeout: idleMaxMs, ...clientCertificate };
  if (url.protocol === "http:") return new HttpAgent(keeping);
  return tlsFingerprint === null ? new HttpsAgent(keeping) : new PinnedAgent(keeping, tlsFingerprint);
}
