import { NtlmAcceptor, type AcceptedUser, type NtlmAcceptorOptions } from "./ntlm-acceptor.ts";
import { NtlmError } from "./ntlm-error.ts";
import { NEGOTIATION, type NegotiateToken, ntlmMechanism, readNegotiateToken, writeResponse } from "./spnego.ts";

export type AcceptorStep =
  | { readonly kind: "continue"; readonly token: Buffer }
  /** `token` is the last word to the client, null where none is due. */
  | { readonly kind: "accepted"; readonly token: Buffer | null; readonly accepted: AcceptedUser }
  | { readonly kind: "refused" };

/** The server's side of one Negotiate handshake, NTLM as it is or in SPNEGO. Any step out of order is a refusal. */
export class NegotiateAcceptor {
  readonly #ntlm: NtlmAcceptor;
  /** What the client's list was, for the signatures over it; null outside SPNEGO. */
  #list: Buffer | null = null;
  /** The client's favourite was another mechanism, so that its list must be signed (RFC 4178, 5). */
  #needsSignature = false;
  #next: "offer" | "first message" | "last message" | "nothing" = "offer";

  constructor(options: NtlmAcceptorOptions) {
    this.#ntlm = new NtlmAcceptor(options);
  }

  async step(token: Buffer): Promise<AcceptorStep> {
    const expected = this.#next;
    this.#next = "nothing";
    try {
      const read = readNegotiateToken(token);
      if (expected === "offer") return this.#begin(read);
      if (expected === "first message" && read.kind === "response" && read.message) return this.#challenge(read.message);
      if (expected === "last message") return await this.#finish(read);
    } catch (error) {
      if (!(error instanceof NtlmError)) throw error;
    }
    return { kind: "refused" };
  }

  #begin(token: NegotiateToken): AcceptorStep {
    if (token.kind === "raw") return this.#challenge(token.message);
    if (token.kind !== "offer" || !token.mechanisms.some((one) => one.equals(ntlmMechanism))) return { kind: "refused" };
    this.#list = token.list;
    const isFavourite = token.mechanisms[0]?.equals(ntlmMechanism) === true;
    if (isFavourite && token.message) return this.#challenge(token.message);
    this.#needsSignature = !isFavourite;
    this.#next = "first message";
    return { kind: "continue", token: writeResponse({ state: isFavourite ? NEGOTIATION.incomplete : NEGOTIATION.requestMic, mechanism: ntlmMechanism }) };
  }

  #challenge(negotiate: Buffer): AcceptorStep {
    const message = this.#ntlm.challenge(negotiate);
    this.#next = "last message";
    return { kind: "continue", token: this.#list === null ? message : writeResponse({ state: NEGOTIATION.incomplete, mechanism: ntlmMechanism, message }) };
  }

  async #finish(token: NegotiateToken): Promise<AcceptorStep> {
    if (token.kind === "offer" || (token.kind === "raw") !== (this.#list === null) || !token.message) return { kind: "refused" };
    const accepted = await this.#ntlm.accept(token.message);
    if (!accepted) return { kind: "refused" };
    if (token.kind === "raw" || this.#list === null) return { kind: "accepted", token: null, accepted };
    const { signature } = token;
    if (signature ? !accepted.session.verifyMechanisms(this.#list, signature) : this.#needsSignature) return { kind: "refused" };
    const own = signature ? accepted.session.signMechanisms(this.#list) : null;
    return { kind: "accepted", token: writeResponse({ state: NEGOTIATION.completed, signature: own }), accepted };
  }
}
