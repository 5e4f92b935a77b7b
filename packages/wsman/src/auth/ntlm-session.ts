import { timingSafeEqual } from "node:crypto";
import { hasFlags, NTLM, sealingFlags } from "./ntlm-flags.ts";
import { type Direction, hmacMd5, sealingKey, signingKey } from "./ntlm-keys.ts";
import { NtlmError } from "./ntlm-error.ts";
import { Rc4 } from "./rc4.ts";

export interface SealedMessage {
  readonly signature: Buffer;
  readonly sealed: Buffer;
}

export const signatureBytes = 16;

/** One direction of one connection: keys, cipher stream and number of the next message. */
class Stream {
  readonly #signingKey: Buffer;
  readonly #sealingKey: Buffer;
  readonly #encryptsChecksum: boolean;
  #cipher: Rc4;
  #sequence = 0;

  constructor(exportedKey: Uint8Array, flags: number, direction: Direction) {
    this.#signingKey = signingKey(exportedKey, direction);
    this.#sealingKey = sealingKey(exportedKey, flags, direction);
    this.#encryptsChecksum = hasFlags(flags, NTLM.keyExchange);
    this.#cipher = new Rc4(this.#sealingKey);
  }

  process(data: Uint8Array): Buffer {
    return this.#cipher.process(data);
  }

  /** The signature of the next plain message (MS-NLMP 3.4.4.2). */
  nextSignature(message: Uint8Array): Buffer {
    const signature = Buffer.alloc(signatureBytes);
    signature.writeUInt32LE(1, 0);
    signature.writeUInt32LE(this.#sequence, 12);
    const checksum = hmacMd5(this.#signingKey, signature.subarray(12), message).subarray(0, 8);
    signature.set(this.#encryptsChecksum ? this.#cipher.process(checksum) : checksum, 4);
    this.#sequence = (this.#sequence + 1) >>> 0;
    return signature;
  }

  /** The key stream begins anew, the numbers go on: so do Windows and those who talk to it after SPNEGO's own signature. */
  resetCipher(): void {
    this.#cipher = new Rc4(this.#sealingKey);
  }
}

/**
 * Signing and sealing on one authenticated connection (MS-NLMP 3.4, extended session security). Both directions have states that go
 * on from message to message, so messages must be sealed and opened in the order in which they are on the wire.
 */
export class NtlmSession {
  /** Whether enough was agreed on to seal messages with 128 bits. */
  readonly canSeal: boolean;
  readonly #outgoing: Stream;
  readonly #incoming: Stream;

  constructor(exportedKey: Uint8Array, flags: number, side: "client" | "server") {
    this.canSeal = hasFlags(flags, sealingFlags);
    const toServer = new Stream(exportedKey, flags, "client-to-server");
    const toClient = new Stream(exportedKey, flags, "server-to-client");
    [this.#outgoing, this.#incoming] = side === "client" ? [toServer, toClient] : [toClient, toServer];
  }

  seal(message: Uint8Array): SealedMessage {
    const sealed = this.#outgoing.process(message);
    return { sealed, signature: this.#outgoing.nextSignature(message) };
  }

  /** @throws NtlmError when the message was changed, left out, repeated or made by another; the session is of no use then */
  unseal({ signature, sealed }: SealedMessage): Buffer {
    const message = this.#incoming.process(sealed);
    if (!this.#isNext(message, signature)) throw new NtlmError("The seal of a message does not match: it was changed on the way, or is not the next one of this connection.");
    return message;
  }

  /** Signs SPNEGO's list of mechanisms, for which the cipher stream is used once and begins anew. */
  signMechanisms(list: Uint8Array): Buffer {
    const signature = this.#outgoing.nextSignature(list);
    this.#outgoing.resetCipher();
    return signature;
  }

  verifyMechanisms(list: Uint8Array, signature: Uint8Array): boolean {
    const matches = this.#isNext(list, signature);
    this.#incoming.resetCipher();
    return matches;
  }

  #isNext(message: Uint8Array, signature: Uint8Array): boolean {
    return signature.length === signatureBytes && timingSafeEqual(this.#incoming.nextSignature(message), signature);
  }
}
