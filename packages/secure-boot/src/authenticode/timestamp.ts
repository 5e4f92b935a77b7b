import { startDigest } from "#crypto";
import { digestByObjectId, objectIds } from "./algorithms.ts";
import type { Certificate } from "./certificate.ts";
import type { CryptoCapabilities } from "./chain.ts";
import { childAt, derChildren, derTags, equalBytes, expectDer, objectIdText } from "./der.ts";
import { hasValidSignerSignatures, isTrustedBy, parseSignedData, type SignedData } from "./signed-data.ts";

/**
 * The time of signing that an RFC 3161 countersignature of the first signer vouches for, given that its authority leads to `anchor`
 * (EDK2's CryptTs.c). Null without one, or when it is over something else.
 */
export function readTimestamp(data: SignedData, anchor: Certificate, crypto: CryptoCapabilities): Date | null {
  const signer = data.signers[0];
  const token = signer?.unsignedAttributes.get(objectIds.timestampToken);
  const stamp = token === undefined ? null : parseSignedData(token.whole);
  if (signer === undefined || stamp?.content == null || stamp.contentType !== objectIds.timestampInfo) return null;
  if (!isTrustedBy(stamp, anchor, crypto) || !hasValidSignerSignatures(stamp, crypto)) return null;
  return stampedTime(stamp.content, signer.signature);
}

/** TSTInfo (RFC 3161, 2.4.2): version, policy, imprint, serial number, time. */
function stampedTime(info: Uint8Array, signature: Uint8Array): Date | null {
  try {
    const fields = derChildren(expectDer(info, derTags.sequence).content);
    const imprint = derChildren(childAt(fields, 2, derTags.sequence).content);
    const digest = digestByObjectId(objectIdText(childAt(derChildren(childAt(imprint, 0).content), 0)));
    if (digest === null || !equalBytes(startDigest(digest).update(signature).digest(), childAt(imprint, 1, derTags.octetString).content)) return null;
    const text = String.fromCharCode(...childAt(fields, 4).content);
    const match = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d+)?Z$/.exec(text);
    if (match === null) return null;
    const [year = 0, month = 0, ...rest] = match.slice(1).map(Number);
    return new Date(Date.UTC(year, month - 1, ...rest));
  } catch {
    return null;
  }
}
