import { signatureByObjectId } from "./algorithms.ts";
import type { Certificate } from "./certificate.ts";

/** What the crypto library inside the firmware can do. */
export interface CryptoCapabilities {
  readonly ellipticCurves: boolean;
}

/** OpenSSL's own default depth is 100; a blob with more certificates than this has no honest maker. */
const CHAIN_LENGTH_MAX = 32;

/**
 * Whether `leaf` leads to `anchor`, as OpenSSL's X509_verify_cert answers it with one trusted certificate, PARTIAL_CHAIN, NO_CHECK_TIME
 * and purpose "any". It builds one chain and never goes back: at each step the anchor first, then the extras in their order. Only when
 * neither goes on is the leaf itself looked up among the trusted: what was built above it by then is judged with it (build_chain and
 * check_trust in x509_vfy.c).
 */
export function leadsTo(leaf: Certificate, extras: readonly Certificate[], anchor: Certificate, crypto: CryptoCapabilities): boolean {
  const chain: Certificate[] = [leaf];
  const isSound = (): boolean => isUsable(chain) && hasValidSignatures(chain);
  for (;;) {
    const top = chain.at(-1) ?? leaf;
    const isSelfSigned = isNamedAsIssuerOf(top, top);
    // A self-signed certificate at the top is replaced by its trusted twin, and by nothing that is merely named like it.
    if (isSelfSigned && top.sha256 === anchor.sha256) return isSound();
    if (!isSelfSigned && isIssuerOf(anchor, top, crypto)) {
      chain.push(anchor);
      return isSound();
    }
    const next = isSelfSigned ? undefined : extras.find((candidate) => isIssuerOf(candidate, top, crypto) && !chain.some(({ sha256 }) => sha256 === candidate.sha256));
    if (next === undefined || chain.length >= CHAIN_LENGTH_MAX) return leaf.sha256 === anchor.sha256 && isSound();
    chain.push(next);
  }
}

/** X509_check_issued: names, key identifiers, and a key of the kind that the signature needs. One that the library cannot use is none. */
function isIssuerOf(issuer: Certificate, subject: Certificate, crypto: CryptoCapabilities): boolean {
  const isKeyUsable = issuer.keyKind !== "ec" || crypto.ellipticCurves;
  return isKeyUsable && signatureByObjectId(subject.signature.objectId)?.key === issuer.keyKind && isNamedAsIssuerOf(issuer, subject);
}

function isNamedAsIssuerOf(issuer: Certificate, subject: Certificate): boolean {
  if (issuer.subject !== subject.issuer) return false;
  const { keyId, serial, issuer: issuersIssuer } = subject.authorityKeyId;
  if (keyId !== null && issuer.subjectKeyId !== null && keyId !== issuer.subjectKeyId) return false;
  if (serial !== null && serial !== issuer.serial) return false;
  return issuersIssuer === null || issuersIssuer === issuer.issuer;
}

/** check_chain_extensions: every certificate of the chain, the anchor included. Dates, purposes and the leaf's usages are not asked. */
function isUsable(chain: readonly Certificate[]): boolean {
  let authoritiesBelow = 0;
  for (const [depth, certificate] of chain.entries()) {
    if (certificate.hasUnknownCriticalExtension) return false;
    if (depth === 0) continue;
    if (!certificate.isCa) return false;
    if (depth > 1 && certificate.pathLengthMax !== null && authoritiesBelow > certificate.pathLengthMax) return false;
    if (certificate.subject !== certificate.issuer) authoritiesBelow += 1;
  }
  return true;
}

/** The topmost certificate's own signature is not looked at. */
function hasValidSignatures(chain: readonly Certificate[]): boolean {
  return chain.every((certificate, depth) => chain[depth + 1]?.hasSigned(certificate) ?? true);
}
