import { type NtlmCredentials, NtlmInitiator } from "./ntlm-initiator.ts";
import { NtlmError } from "./ntlm-error.ts";
import type { NtlmSession } from "./ntlm-session.ts";
import { NEGOTIATION, ntlmOnly, readNegotiateToken, writeOffer, writeResponse } from "./spnego.ts";

/** The client's side of one Negotiate handshake: NTLM as it is, or in SPNEGO where `wrapped` or where the host answers so. */
export class NegotiateInitiator {
  readonly #ntlm: NtlmInitiator;
  readonly #wrapped: boolean;

  constructor(credentials: NtlmCredentials, wrapped: boolean) {
    this.#ntlm = new NtlmInitiator(credentials);
    this.#wrapped = wrapped;
  }

  /** The first token. */
  begin(): Buffer {
    return this.#wrapped ? writeOffer(this.#ntlm.begin()) : this.#ntlm.begin();
  }

  /** The second token, from the host's answer to the first. @throws NtlmError */
  answer(challenge: Buffer, channelBinding: Buffer | null): { readonly token: Buffer; readonly session: NtlmSession } {
    const read = readNegotiateToken(challenge);
    if (read.kind === "offer" || !read.message) throw new NtlmError("The host's answer holds no NTLM challenge.");
    const { message, session } = this.#ntlm.answer(read.message, channelBinding);
    if (read.kind === "raw") return { token: message, session };
    return { token: writeResponse({ message, signature: this.#wrapped ? session.signMechanisms(ntlmOnly) : null }), session };
  }

  /** The host's last word, if it has one. @throws NtlmError when it does not fit what was agreed */
  finish(token: Buffer | null, session: NtlmSession): void {
    if (token === null || !this.#wrapped) return;
    const read = readNegotiateToken(token);
    if (read.kind !== "response" || read.state !== NEGOTIATION.completed) throw new NtlmError("The host did not complete the negotiation.");
    if (read.signature && !session.verifyMechanisms(ntlmOnly, read.signature)) throw new NtlmError("The host's signature over the negotiation does not match.");
  }
}
