import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { AuthenticationScheme } from "../server/authentication.ts";
import { channelBinding } from "./channel-binding.ts";
import { NegotiateAcceptor } from "./negotiate-acceptor.ts";
import type { NtlmAcceptorOptions } from "./ntlm-acceptor.ts";

export type NegotiateSchemeOptions = Omit<NtlmAcceptorOptions, "channelBinding">;

/**
 * Negotiate (RFC 4559) with NTLMv2 behind it. Hosts offer it by that name only; who says NTLM, as curl does, is answered in kind.
 * A handshake belongs to one connection and lasts for its life.
 */
export function negotiateScheme(options: NegotiateSchemeOptions): AuthenticationScheme {
  const handshakes = new WeakMap<Socket, NegotiateAcceptor>();
  return {
    challenge: "Negotiate",
    async authenticate(authorization, connection) {
      const match = /^(Negotiate|NTLM)(?:\s+([A-Za-z0-9+/=]+))?\s*$/i.exec(authorization);
      if (!match) return /^(Negotiate|NTLM)\b/i.test(authorization) ? { kind: "refused" } : undefined;
      const [, scheme = "", text = ""] = match;
      // A handshake that went wrong is over; the next token begins another.
      const handshake = handshakes.get(connection) ?? new NegotiateAcceptor({ ...options, channelBinding: bindingOf(connection) });
      handshakes.delete(connection);
      const step = await handshake.step(Buffer.from(text, "base64"));
      if (step.kind === "refused") return step;
      const answer = step.token === null ? null : `${scheme} ${step.token.toString("base64")}`;
      if (step.kind === "accepted") return { kind: "accepted", caller: step.accepted, lasts: true, answer };
      handshakes.set(connection, handshake);
      return { kind: "challenged", answer: answer ?? "" };
    },
  };
}

function bindingOf(connection: Socket): Buffer | null {
  const own: X509Certificate | undefined = connection instanceof TLSSocket ? connection.getX509Certificate() : undefined;
  return own ? channelBinding(own.raw) : null;
}
