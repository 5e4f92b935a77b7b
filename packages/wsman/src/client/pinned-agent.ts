import { Agent as HttpsAgent, type AgentOptions } from "node:https";
import type { Duplex } from "node:stream";
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { WsmanTransportError } from "./transport-error.ts";

/** Hands a connection out only after its certificate was found to be the pinned one, so that no password goes to another. */
export class PinnedAgent extends HttpsAgent {
  readonly #fingerprint: string;

  constructor(options: AgentOptions, fingerprint: string) {
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
