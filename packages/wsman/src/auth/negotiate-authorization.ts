import { WsmanTransportError } from "../client/transport-error.ts";
import { answeredToken, type Authorization, type ConnectionSession, type LoginAnswer, type LoginConnection, offeredSchemes, silentSession } from "./authorization.ts";
import { channelBinding } from "./channel-binding.ts";
import { NegotiateInitiator } from "./negotiate-initiator.ts";
import { NtlmError } from "./ntlm-error.ts";
import type { NtlmCredentials } from "./ntlm-initiator.ts";
import type { NtlmSession } from "./ntlm-session.ts";
import { isSealedContentType, openMessage, sealedContentType, sealMessage } from "./sealed-message.ts";

const scheme = "Negotiate";
const advice = "Write a local account of a host that is in a domain as .\\user, a domain's as DOMAIN\\user.";

/** How to go on where the host's answer to our first message holds no challenge and Negotiate is not among what it offers; null for not at all. */
export type WithoutNegotiate = (answer: LoginAnswer, offered: readonly string[]) => Promise<ConnectionSession> | null;

/** NTLMv2 in Negotiate: bound to the certificate over TLS, with sealed messages over plain HTTP. */
export function negotiateAuthorization(credentials: NtlmCredentials, otherwise: WithoutNegotiate = () => null): Authorization {
  return {
    async login(connection) {
      // NTLM as it is, which stock hosts take, else in SPNEGO.
      for (const wrapped of [false, true]) {
        const initiator = new NegotiateInitiator(credentials, wrapped);
        const answer = await connection.ask(`${scheme} ${initiator.begin().toString("base64")}`);
        const challenge = answer.status === 401 ? answeredToken(answer.challenges, scheme) : null;
        if (challenge) return prove(connection, initiator, challenge, answer.certificate);
        const offered = offeredSchemes(answer.challenges);
        if (answer.status !== 401 || !offered.includes(scheme.toLowerCase())) return await otherwise(answer, offered) ?? refuse(connection, answer, offered);
      }
      throw new WsmanTransportError("unauthorized", `${connection.address} takes no NTLM in Negotiate (HTTP 401). A policy of its domain may restrict it to Kerberos.`, { httpStatus: 401 });
    },
  };
}

async function prove(connection: LoginConnection, initiator: NegotiateInitiator, challenge: Buffer, certificate: Buffer | null): Promise<ConnectionSession> {
  const { token, session } = initiator.answer(challenge, certificate === null ? null : channelBinding(certificate));
  const { status, challenges } = await connection.ask(`${scheme} ${token.toString("base64")}`);
  if (status === 401) throw new WsmanTransportError("unauthorized", `${connection.address} refuses the user or password (HTTP 401). ${advice}`, { httpStatus: status });
  if (status !== 200) throw new WsmanTransportError("http", `${connection.address} answers HTTP ${status} to the last message of the log-on.`, { httpStatus: status });
  initiator.finish(answeredToken(challenges, scheme), session);
  // TLS protects what is said over it; no host asks for a seal within it.
  return certificate === null ? sealedSession(session) : silentSession(advice);
}

function refuse({ address }: LoginConnection, { status }: LoginAnswer, offered: readonly string[]): never {
  if (status !== 401) throw new WsmanTransportError("http", `${address} answers HTTP ${status} to the first message of the log-on, which WS-Management does not do.`, { httpStatus: status });
  throw new WsmanTransportError("unauthorized", `${address} offers no way of logging on that is asked for here (HTTP 401), but ${offered.join(", ") || "nothing"}. Allow Negotiate there: Set-Item WSMan:\\localhost\\Service\\Auth\\Negotiate $true`, { httpStatus: status });
}

function sealedSession(session: NtlmSession): ConnectionSession {
  return {
    isBound: true, advice,
    write: (message) => ({ headers: { "Content-Type": sealedContentType }, body: sealMessage(session, message) }),
    read({ status, contentType, body }) {
      if (body.length > 0 && isSealedContentType(contentType)) return openMessage(session, contentType, body).body;
      // Anybody on the way can say something without a seal: it is not listened to, and the connection is not used any more.
      if (status === 400) throw new NtlmError("The host could not open the sealed request: it was changed on the way, or is not the next one of this connection.");
      throw new NtlmError(status === 200 ? "The answer is not sealed, so it may be anybody's." : `The host answers HTTP ${status} without a sealed fault.`);
    },
  };
}
