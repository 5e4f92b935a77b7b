import type { Certificate } from "../authenticode/certificate.ts";
import type { CryptoCapabilities } from "../authenticode/chain.ts";
import { coversImage, type ImageSignature, isSignedUnder } from "../authenticode/image-signature.ts";
import { isTrustedBy, signerCertificates } from "../authenticode/signed-data.ts";
import type { Program } from "../program.ts";
import type { FirmwareRules } from "../quirks/firmware-rules.ts";
import type { Reason } from "../report.ts";
import { toHex } from "../authenticode/der.ts";
import { commonName } from "../authenticode/distinguished-name.ts";
import { revocationOf } from "../trust/revocations.ts";
import { holdsImageHash, type PreparedTrust, readEfiTime, revocationTime, type TrustList } from "./trust-lists.ts";

/** What image verification answers about one program. */
export interface SecurityAnswer {
  readonly isAllowed: boolean;
  /** Sentences in which {It}, {Its}, {it}, {its} stand for the program's name. */
  readonly because: readonly Reason[];
  /** The entry of db that vouches for the program, where it is a certificate. */
  readonly anchor: Certificate | null;
}

const denied = (code: string, text: string): SecurityAnswer => ({ isAllowed: false, because: [{ code, text }], anchor: null });

/**
 * EDK2's DxeImageVerificationHandler, step by step in its order, for a program on removable or fixed media. Nothing is decided in another
 * order than there, as a valid but forbidden signature refuses what another one would allow.
 */
export function verifyByFirmware(program: Program, trust: PreparedTrust, rules: FirmwareRules, crypto: CryptoCapabilities): SecurityAnswer {
  if (!trust.trust.secureBootEnabled) return { isAllowed: true, because: [], anchor: null };
  if (program.image === null) return denied("SB-HEADER", `{Its} headers cannot be read: it ${program.headerProblem ?? "is not a program"}.`);
  if (program.table === null) return verifyUnsigned(program, trust, rules);
  return verifySigned(program, trust, crypto);
}

function verifyUnsigned(program: Program, trust: PreparedTrust, rules: FirmwareRules): SecurityAnswer {
  const digests = rules.unsignedDigests.flatMap((algorithm) => {
    const digest = program.digests?.firmware(algorithm) ?? null;
    return digest === null ? [] : [{ algorithm, digest }];
  });
  const findIn = (list: TrustList | null): Uint8Array | undefined => digests.find(({ algorithm, digest }) => holdsImageHash(list, algorithm, digest))?.digest;
  const revoked = findIn(trust.dbx);
  if (revoked !== undefined) return revokedByHash(revoked);
  if (findIn(trust.db) !== undefined) return { isAllowed: true, because: [], anchor: null };
  return denied("SB-UNSIGNED", "{It} is not signed, and its digest is not in db.");
}

/** What Microsoft has published of a revoked program says more than its digest. */
function revokedByHash(digest: Uint8Array): SecurityAnswer {
  const known = revocationOf(toHex(digest));
  const details = known === undefined ? "" : ` Microsoft listed it on ${known.addedOn}${known.product === null ? "" : ` (${known.product})`}.`;
  return denied("SB-REVOKED-HASH", `{Its} digest is in dbx, the list of revoked programs.${details}`);
}

function verifySigned(program: Program, trust: PreparedTrust, crypto: CryptoCapabilities): SecurityAnswer {
  let isVerified = false;
  let anchor: Certificate | null = null;
  for (const signature of program.signatures) {
    const algorithm = signature.firmwareDigest;
    const digest = algorithm === null ? null : (program.digests?.firmware(algorithm) ?? null);
    if (algorithm === null || digest === null) continue;
    const forbidden = findForbidden(signature, digest, trust, crypto);
    if (forbidden !== null) return forbidden;
    if (!isVerified) {
      const found = findAllowed(signature, digest, trust, crypto);
      if (found !== null) {
        isVerified = true;
        anchor = found;
      }
    }
    if (holdsImageHash(trust.dbx, algorithm, digest)) return revokedByHash(digest);
    if (!isVerified && holdsImageHash(trust.db, algorithm, digest)) isVerified = true;
  }
  if (program.table?.isWellFormed !== true) return denied("SB-TABLE-MALFORMED", "{Its} table of signatures does not end where its header says, which makes firmware refuse it whatever the signatures are.");
  return isVerified ? { isAllowed: true, because: [], anchor } : explainNotAllowed(program, trust, crypto);
}

/** IsForbiddenByDbx: certificates as anchors first, then whether there is a signer at all, then the signers' own hashes. */
function findForbidden(signature: ImageSignature, digest: Uint8Array, trust: PreparedTrust, crypto: CryptoCapabilities): SecurityAnswer | null {
  const { dbx } = trust;
  const byThumbprint = thumbprintAnchors(signature, trust.trust.thumbprints.dbx);
  const revoked = [...(dbx?.certificates ?? []), ...byThumbprint].find((certificate) => isSignedUnder(signature, digest, certificate, crypto));
  if (revoked !== undefined) return denied("SB-REVOKED-CERTIFICATE", `A signature of {it} leads to "${commonName(revoked.subjectText)}", which is in dbx; one revoked signature refuses a program whatever the others are.`);
  if (dbx === null) return null;
  const signers = signature.data === null ? null : signerCertificates(signature.data);
  if (signers === null) return denied("SB-NO-SIGNER", "A signature of {it} does not contain the certificate of its signer, which firmware treats as revoked.");
  for (const signer of signers) {
    const time = revocationTime(dbx, signer);
    if (time !== null && !isSignedBefore(signature, time, trust, crypto)) return denied("SB-REVOKED-SIGNER", `The certificate of {its} signer, "${commonName(signer.subjectText)}", is revoked in dbx.`);
  }
  return null;
}

/** IsAllowedByDb: the first certificate of db that verifies ends the search, revoked by its hash or not. */
function findAllowed(signature: ImageSignature, digest: Uint8Array, trust: PreparedTrust, crypto: CryptoCapabilities): Certificate | null {
  const anchors = [...(trust.db?.certificates ?? []), ...thumbprintAnchors(signature, trust.trust.thumbprints.db)];
  const anchor = anchors.find((certificate) => isSignedUnder(signature, digest, certificate, crypto));
  if (anchor === undefined) return null;
  const time = revocationTime(trust.dbx, anchor);
  return time === null || isSignedBefore(signature, time, trust, crypto) ? anchor : null;
}

/** PassTimestampCheck: a countersignature under dbt proves that the signing came before the revocation. */
function isSignedBefore(signature: ImageSignature, revocation: Uint8Array, trust: PreparedTrust, crypto: CryptoCapabilities): boolean {
  const revokedAt = readEfiTime(revocation);
  if (revokedAt === null) return false;
  return (trust.dbt?.certificates ?? []).some((authority) => {
    const signedAt = signature.timestampUnder(authority, crypto);
    return signedAt !== null && signedAt.getTime() <= revokedAt.getTime();
  });
}

/** Of a certificate known by thumbprint only, the copy in the blob serves. */
function thumbprintAnchors(signature: ImageSignature, thumbprints: readonly string[]): readonly Certificate[] {
  if (thumbprints.length === 0) return [];
  return (signature.data?.certificates ?? []).filter(({ sha256 }) => thumbprints.includes(sha256));
}

function explainNotAllowed(program: Program, trust: PreparedTrust, crypto: CryptoCapabilities): SecurityAnswer {
  const anchors = trust.db?.certificates ?? [];
  const usable = program.signatures.filter(({ firmwareDigest }) => firmwareDigest !== null);
  if (usable.length === 0) return denied("SB-NO-USABLE-SIGNATURE", "{It} has a table of signatures, but none of a kind and digest that firmware reads.");
  const isBroken = (signature: ImageSignature): boolean => {
    const digest = signature.firmwareDigest === null ? null : (program.digests?.firmware(signature.firmwareDigest) ?? null);
    return digest === null || !coversImage(signature, digest, crypto);
  };
  const trustedButBroken = usable.find((signature) => signature.data !== null && anchors.some((anchor) => signature.data !== null && isTrustedBy(signature.data, anchor, crypto)) && isBroken(signature));
  if (trustedButBroken !== undefined) return denied("SB-CHANGED", "{Its} signer is trusted, but the signature does not fit the file: the file was changed after it was signed, or is damaged.");
  return denied("SB-NOT-IN-DB", "No signature of {it} leads to a certificate of this trust.");
}
