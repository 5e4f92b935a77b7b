import type { Certificate } from "./certificate.ts";
import { equalBytes } from "./der.ts";
import { objectIds } from "./algorithms.ts";
import type { CryptoCapabilities } from "./chain.ts";
import { hasValidSignerSignatures, isTrustedBy, parseSignedData, type SignedData } from "./signed-data.ts";
import { readTimestamp } from "./timestamp.ts";

export type ImageDigest = "sha1" | "sha256" | "sha384" | "sha512";

/** One PKCS#7 blob of an image's certificate table. */
export interface ImageSignature {
  readonly blob: Uint8Array;
  readonly data: SignedData | null;
  /** The algorithm that firmware takes for the image's digest; null makes it skip the signature. */
  readonly firmwareDigest: ImageDigest | null;
  /** The authorities of timestamps that vouch for the time of signing, asked for each in turn. */
  timestampUnder(anchor: Certificate, crypto: CryptoCapabilities): Date | null;
}

/** DER of the algorithm identifiers that EDK2 looks for; SHA-224 is known to it but has no hash code. */
const FIXED_IDENTIFIERS: readonly (readonly [ImageDigest, readonly number[]])[] = [
  ["sha1", [0x2b, 0x0e, 0x03, 0x02, 0x1a]],
  ["sha256", [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]],
  ["sha384", [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02]],
  ["sha512", [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03]],
];
const IDENTIFIER_OFFSET = 32;
const TWO_BYTE_LENGTH = 0x82;

export function readImageSignature(blob: Uint8Array): ImageSignature {
  const data = parseSignedData(blob);
  return { blob, data, firmwareDigest: digestAtFixedPlace(blob), timestampUnder: (anchor, crypto) => (data === null ? null : readTimestamp(data, anchor, crypto)) };
}

/** EDK2 does not parse for the algorithm: it compares identifiers at byte 32, given a length of two bytes at the front. */
function digestAtFixedPlace(blob: Uint8Array): ImageDigest | null {
  if (((blob[1] ?? 0) & TWO_BYTE_LENGTH) !== TWO_BYTE_LENGTH) return null;
  const found = FIXED_IDENTIFIERS.find(([, identifier]) => equalBytes(blob.subarray(IDENTIFIER_OFFSET, IDENTIFIER_OFFSET + identifier.length), Uint8Array.from(identifier)));
  return found?.[0] ?? null;
}

/**
 * AuthenticodeVerify of EDK2's CryptAuthenticode.c without its last step, the anchor: the content is SpcIndirectDataContent and ends with
 * the image's digest, and all signers' signatures are right.
 */
export function coversImage(signature: ImageSignature, imageDigest: Uint8Array, crypto: CryptoCapabilities): boolean {
  const { data } = signature;
  if (data === null || data.contentType !== objectIds.indirectData || data.content === null) return false;
  if (data.content.length < imageDigest.length || !equalBytes(data.content.subarray(data.content.length - imageDigest.length), imageDigest)) return false;
  return hasValidSignerSignatures(data, crypto);
}

/** AuthenticodeVerify: the signature covers the image, and all its signers lead to the anchor. */
export function isSignedUnder(signature: ImageSignature, imageDigest: Uint8Array, anchor: Certificate, crypto: CryptoCapabilities): boolean {
  return signature.data !== null && isTrustedBy(signature.data, anchor, crypto) && coversImage(signature, imageDigest, crypto);
}
