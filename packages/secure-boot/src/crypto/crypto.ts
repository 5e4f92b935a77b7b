/**
 * What the judge asks of cryptography. Two implementations: node-crypto.ts, and web-crypto.ts for browsers, which have no synchronous
 * one of their own. `#crypto` in package.json chooses; tests hold the two against each other.
 */
export type HashName = "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

export interface Digest {
  update(bytes: Uint8Array): Digest;
  digest(): Uint8Array;
}

export interface PublicKey {
  readonly kind: "rsa" | "ec" | "other";
  /** RSA PKCS#1 v1.5 or ECDSA with a DER signature. False as well for digests and keys that cannot be used. */
  verify(digest: string, data: Uint8Array, signature: Uint8Array): boolean;
}

/** The key of a SubjectPublicKeyInfo that cannot be read. */
export const unusableKey: PublicKey = { kind: "other", verify: () => false };
