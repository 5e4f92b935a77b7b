import { DER, type DerElement, readDer, readDerList, writeDer } from "./der.ts";
import { isNtlmMessage } from "./ntlm-messages.ts";
import { NtlmError } from "./ntlm-error.ts";

/** SPNEGO (RFC 4178): the envelope in which two ends agree on a mechanism. NTLM is the only one that is spoken here. */

const spnegoId = Buffer.from("06062b0601050502", "hex");
export const ntlmMechanism = Buffer.from("060a2b06010401823702020a", "hex");

/** negState. */
export const NEGOTIATION = { completed: 0, incomplete: 1, rejected: 2, requestMic: 3 } as const;

export type NegotiateToken =
  | { readonly kind: "raw"; readonly message: Buffer }
  | { readonly kind: "offer"; readonly mechanisms: readonly Buffer[]; /** DER of the list, over which signatures go. */ readonly list: Buffer; readonly message: Buffer | null }
  | { readonly kind: "response"; readonly state: number | null; readonly mechanism: Buffer | null; readonly message: Buffer | null; readonly signature: Buffer | null };

/** A token as it stands in an HTTP header, with or without the envelope. @throws NtlmError */
export function readNegotiateToken(bytes: Buffer): NegotiateToken {
  if (isNtlmMessage(bytes)) return { kind: "raw", message: bytes };
  const outer = readDer(bytes);
  if (outer.tag === DER.context(1)) return readResponse(outer);
  if (outer.tag !== DER.application0) throw new NtlmError("The token is neither NTLM nor SPNEGO.");
  const [id, choice] = readDerList(outer.content);
  if (!id?.bytes.equals(spnegoId) || choice?.tag !== DER.context(0)) throw new NtlmError("The token is no SPNEGO offer.");
  const fields = fieldsOf(choice);
  const list = fields.get(0);
  if (!list) throw new NtlmError("The SPNEGO offer names no mechanism.");
  return { kind: "offer", list, mechanisms: readDerList(readDer(list).content).map(({ bytes: one }) => one), message: octets(fields.get(2)) };
}

function readResponse(outer: DerElement): NegotiateToken {
  const fields = fieldsOf(outer);
  const state = fields.get(0);
  return { kind: "response", state: state ? readDer(state).content[0] ?? null : null, mechanism: fields.get(1) ?? null, message: octets(fields.get(2)), signature: octets(fields.get(3)) };
}

/** The fields of a sequence by the numbers of their tags. */
function fieldsOf(choice: DerElement): ReadonlyMap<number, Buffer> {
  return new Map(readDerList(readDer(choice.content).content).map(({ tag, content }) => [tag & 0x1f, content]));
}

function octets(field: Buffer | undefined): Buffer | null {
  return field ? readDer(field).content : null;
}

/** The DER of a list with NTLM alone. */
export const ntlmOnly: Buffer = writeDer(DER.sequence, ntlmMechanism);

/** The client's first token, for hosts that take no NTLM message as it is. */
export function writeOffer(message: Uint8Array): Buffer {
  const fields = writeDer(DER.sequence, writeDer(DER.context(0), ntlmOnly), writeDer(DER.context(2), writeDer(DER.octetString, message)));
  return writeDer(DER.application0, spnegoId, writeDer(DER.context(0), fields));
}

export interface NegotiateResponse {
  readonly state?: number;
  readonly mechanism?: Uint8Array;
  readonly message?: Uint8Array | null;
  readonly signature?: Uint8Array | null;
}

/** Every further token of either end. */
export function writeResponse({ state, mechanism, message, signature }: NegotiateResponse): Buffer {
  const fields: Buffer[] = [];
  if (state !== undefined) fields.push(writeDer(DER.context(0), writeDer(DER.enumerated, Uint8Array.of(state))));
  if (mechanism) fields.push(writeDer(DER.context(1), mechanism));
  if (message) fields.push(writeDer(DER.context(2), writeDer(DER.octetString, message)));
  if (signature) fields.push(writeDer(DER.context(3), writeDer(DER.octetString, signature)));
  return writeDer(DER.context(1), writeDer(DER.sequence, ...fields));
}
