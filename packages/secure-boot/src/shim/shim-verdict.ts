import { objectIds } from "../authenticode/algorithms.ts";
import { type Certificate, parseCertificate } from "../authenticode/certificate.ts";
import type { CryptoCapabilities } from "../authenticode/chain.ts";
import { commonName } from "../authenticode/distinguished-name.ts";
import { coversImage, type ImageSignature, isSignedUnder, readImageSignature } from "../authenticode/image-signature.ts";
import { isTrustedBy, signerCertificates } from "../authenticode/signed-data.ts";
import { type PeImage, sectionContent, securityDirectory, textUpToNul, viewOf } from "../pe/pe-image.ts";
import type { Program } from "../program.ts";
import type { SecurityAnswer } from "../verdict/firmware-verdict.ts";
import { holdsImageHash, type PreparedTrust, type TrustList } from "../verdict/trust-lists.ts";
import { findRevokedRow, parseSbat } from "./sbat.ts";
import { isCertificate, type ShimProgram } from "./shim-program.ts";
import type { ShimState } from "./shim-state.ts";

/** Shim is built without elliptic curves (16.1). */
const SHIM_CRYPTO: CryptoCapabilities = { ellipticCurves: false };
const PKCS_SIGNED_DATA = 0x0002;
const RELOCATIONS_STRIPPED = 0x0001;

const denied = (code: string, text: string): SecurityAnswer => ({ isAllowed: false, because: [{ code, text }], anchor: null });

/** Shim's look at itself, before anything else: is its own SBAT table below the machine's level? */
export function verifyShimItself(shim: ShimProgram, state: ShimState): SecurityAnswer {
  const revoked = state.isVerifying && shim.sbat !== null && state.level !== null ? findRevokedRow(shim.sbat, state.level) : null;
  if (revoked === null) return { isAllowed: true, because: [], anchor: null };
  return denied("SB-SBAT-SELF", `{It} is ${revoked.row.component} generation ${revoked.row.generation}, and the machine's SBAT level demands ${revoked.demanded}; shim stops itself.`);
}

/**
 * Shim's verify_buffer for a program that it starts (`second`) or that a later stage asks it about (`kernel`, for which an SBAT table is
 * optional). Its rules are not firmware's: SHA-256 only, no elliptic curves, one good signature is enough.
 */
export function verifyByShim(program: Program, shim: ShimProgram, state: ShimState, trust: PreparedTrust, stage: "second" | "kernel"): SecurityAnswer {
  if (!state.isVerifying) return { isAllowed: true, because: [], anchor: null };
  const { image } = program;
  if (image === null) return denied("SB-SHIM-HEADER", `Shim cannot read {its} headers: it ${program.headerProblem ?? "is not a program"}.`);
  if ((image.characteristics & RELOCATIONS_STRIPPED) !== 0) return denied("SB-SHIM-HEADER", "{It} has no relocations, which shim's loader refuses.");
  const directory = image.directories[securityDirectory];
  if (directory !== undefined && directory.sizeBytes > 0 && directory.address + directory.sizeBytes !== image.file.length) {
    return denied("SB-SHIM-TRAILING-BYTES", "Bytes follow {its} table of signatures; shim demands that the table is the end of the file.");
  }
  const bySignature = verifySignatures(program, shim, state, trust);
  return bySignature.isAllowed ? verifySbat(image, state, stage, bySignature) : bySignature;
}

function verifySignatures(program: Program, shim: ShimProgram, state: ShimState, trust: PreparedTrust): SecurityAnswer {
  const forbidden = [shim.vendorDbx, trust.dbx, state.mokListX];
  const allowed = [...(state.ignoresDb ? [] : [trust.db]), shim.vendorDb, state.mokList];
  const digest = program.digests?.shim("sha256") ?? null;
  if (digest === null) return denied("SB-SHIM-HEADER", "Shim cannot compute {its} digest: the sizes in its headers contradict each other.");
  if (forbidden.some((list) => holdsHash(list, program))) return denied("SB-REVOKED-HASH", "{Its} digest is in a list of revoked programs (dbx, shim's own, or the owner's).");
  if (allowed.some((list) => holdsHash(list, program))) return { isAllowed: true, because: [], anchor: null };
  const blobs = shimBlobs(program);
  if (blobs === null) return denied("SB-SHIM-TABLE", "An entry of {its} table of signatures has a wrong length, which shim refuses.");
  if (blobs.length === 0) return denied("SB-UNSIGNED", "{It} is not signed, and shim knows its digest from no list.");
  const forbiddenCertificates = forbidden.flatMap(firstCertificates);
  const allowedCertificates = [...allowed.flatMap(firstCertificates), ...shim.vendorCertificates];
  const isUnder = (signature: ImageSignature, certificate: Certificate): boolean => isSignedUnder(signature, digest, certificate, SHIM_CRYPTO);
  let revokedBy: Certificate | undefined;
  for (const signature of blobs) {
    const revoked = forbiddenCertificates.find((certificate) => isUnder(signature, certificate));
    revokedBy ??= revoked;
    const anchor = revoked === undefined ? allowedCertificates.find((certificate) => isUnder(signature, certificate)) : undefined;
    if (anchor !== undefined) return { isAllowed: true, because: [], anchor };
  }
  if (revokedBy !== undefined) return denied("SB-REVOKED-CERTIFICATE", `{Its} signature leads to "${commonName(revokedBy.subjectText)}", which is revoked.`);
  return explain(blobs, digest, allowedCertificates);
}

function explain(blobs: readonly ImageSignature[], digest: Uint8Array, anchors: readonly Certificate[]): SecurityAnswer {
  const other = blobs.find(({ firmwareDigest }) => firmwareDigest !== null && firmwareDigest !== "sha256");
  if (other !== undefined) return denied("SB-SHIM-DIGEST", `{Its} signature is over a ${other.firmwareDigest ?? ""} digest; shim verifies SHA-256 only.`);
  const trustedButBroken = blobs.some((signature) => signature.data !== null && !coversImage(signature, digest, SHIM_CRYPTO) && anchors.some((anchor) => signature.data !== null && isTrustedBy(signature.data, anchor, SHIM_CRYPTO)));
  if (trustedButBroken) return denied("SB-CHANGED", "{Its} signer is known to shim, but the signature does not fit the file: the file was changed after it was signed, or is damaged.");
  const names = blobs.flatMap(({ data }) => (data === null ? [] : (signerCertificates(data) ?? []))).map(({ subjectText }) => `"${commonName(subjectText)}"`);
  const signers = names.length === 0 ? "" : ` It is signed by ${[...new Set(names)].join(" and ")}.`;
  return denied("SB-NOT-TRUSTED-BY-SHIM", `No signature of {it} leads to a certificate that shim, firmware or the owner trusts.${signers}`);
}

function holdsHash(list: TrustList | null, program: Program): boolean {
  return (["sha256", "sha1"] as const).some((algorithm) => {
    if (!(list?.lists.some(({ kind }) => kind === algorithm) ?? false)) return false;
    const digest = program.digests?.shim(algorithm) ?? null;
    return digest !== null && holdsImageHash(list, algorithm, digest);
  });
}

/** Shim looks at the first entry of each list only, and skips keys that are for kernel modules. */
function firstCertificates(list: TrustList | null): readonly Certificate[] {
  return (list?.lists ?? []).flatMap(({ kind, entries }) => {
    const data = kind === "x509" ? entries[0]?.data : undefined;
    const certificate = data !== undefined && isCertificate(data) ? parseCertificate(data) : null;
    return certificate === null || certificate.extendedKeyUsages.includes(objectIds.kernelModuleSigning) ? [] : [certificate];
  });
}

/** The signatures that shim sees: entries of type PKCS#7 only. Null where an entry's length is impossible. */
function shimBlobs(program: Program): readonly ImageSignature[] | null {
  const directory = program.image?.directories[securityDirectory];
  if (program.image === null || directory === undefined || directory.sizeBytes === 0) return [];
  const view = viewOf(program.file);
  const blobs: ImageSignature[] = [];
  for (let offset = 0; offset < directory.sizeBytes; ) {
    const place = directory.address + offset;
    if (offset + 8 > directory.sizeBytes) return null;
    const length = view.getUint32(place, true);
    if (length < 8 || length > directory.sizeBytes - offset) return null;
    if (view.getUint16(place + 6, true) === PKCS_SIGNED_DATA) blobs.push(readImageSignature(program.file.subarray(place + 8, place + length)));
    offset = Math.ceil((offset + length) / 8) * 8;
  }
  return blobs;
}

function verifySbat(image: PeImage, state: ShimState, stage: "second" | "kernel", allowed: SecurityAnswer): SecurityAnswer {
  if (state.level === null) return allowed;
  const section = sectionContent(image, ".sbat");
  if (section === null || section.length === 0) return stage === "kernel" ? allowed : denied("SB-SBAT-MISSING", "{It} has no SBAT table, without which shim starts nothing.");
  const rows = parseSbat(textUpToNul(section));
  if (rows === null) return denied("SB-SBAT-MALFORMED", "{Its} SBAT table is malformed: each row needs six fields, none of them empty.");
  const revoked = findRevokedRow(rows, state.level);
  if (revoked === null) return allowed;
  return denied("SB-SBAT-REVOKED", `{It} is ${revoked.row.component} generation ${revoked.row.generation}, and the SBAT level ${state.level.date} demands ${revoked.demanded}.`);
}
