import type { CryptoCapabilities } from "../authenticode/chain.ts";
import { isSignedUnder } from "../authenticode/image-signature.ts";
import type { Program } from "../program.ts";
import { encodeSignatureList, joinSignatureLists } from "../signature-lists.ts";
import { parseSbatLevel } from "../shim/sbat.ts";
import { certificateById, decodeHex } from "../trust/certificate-data.ts";
import { revocations } from "../trust/revocations.ts";
import { newestSbatRelease, sbatLevelText } from "../trust/sbat-levels.ts";
import type { ShimVariable, Trust } from "../trust/trust.ts";
import { prepareTrust, type PreparedTrust } from "./trust-lists.ts";

/** The authorities whose time ended in 2026 and which the next revocation will name. */
const RETIRING = ["ms-uefi-ca-2011", "ms-windows-production-pca-2011"];
const NO_OWNER = "00000000-0000-0000-0000-000000000000";
const laterTrusts = new WeakMap<Trust, PreparedTrust>();

/**
 * The same trust after what has been announced: the authorities of 2011 in dbx (KB5025885), every program that Microsoft has published as
 * revoked, and the newest published SBAT level.
 */
export function afterNextRevocation({ trust }: PreparedTrust): PreparedTrust {
  const known = laterTrusts.get(trust);
  if (known !== undefined) return known;
  const later = prepareTrust({
    ...trust,
    variables: { ...trust.variables, dbx: joinSignatureLists([trust.variables.dbx ?? new Uint8Array(0), announcedRevocations()]) },
    shimVariables: { ...trust.shimVariables, SbatLevel: laterLevel(trust.shimVariables["SbatLevel"]) },
  });
  laterTrusts.set(trust, later);
  return later;
}

let announced: Uint8Array | null = null;

function announcedRevocations(): Uint8Array {
  announced ??= joinSignatureLists([
    ...RETIRING.map((id) => encodeSignatureList("x509", NO_OWNER, [certificateById(id).der])),
    encodeSignatureList("sha256", NO_OWNER, revocations.map(({ sha256 }) => decodeHex(sha256))),
  ]);
  return announced;
}

/** A stored level that is newer than the newest published one stays. */
function laterLevel(stored: ShimVariable | undefined): ShimVariable {
  const newest = sbatLevelText(newestSbatRelease());
  const kept = stored === undefined ? null : parseSbatLevel(new TextDecoder("latin1").decode(stored.data));
  if (stored !== undefined && kept !== null && kept.date >= (parseSbatLevel(newest)?.date ?? 0)) return stored;
  return { attributes: null, data: new TextEncoder().encode(newest) };
}

/**
 * Whether an authority that vouches for the program can still sign its successor: one in db that a signature leads to and whose own
 * time has not ended. Null when no certificate of db vouches for it (a digest does).
 */
export function isServiceable(program: Program, trust: PreparedTrust, crypto: CryptoCapabilities, now: Date): boolean | null {
  const anchors = (trust.db?.certificates ?? []).filter((anchor) =>
    program.signatures.some((signature) => {
      const digest = signature.firmwareDigest === null ? null : (program.digests?.firmware(signature.firmwareDigest) ?? null);
      return digest !== null && isSignedUnder(signature, digest, anchor, crypto);
    }),
  );
  return anchors.length === 0 ? null : anchors.some(({ notAfter }) => notAfter !== null && notAfter.getTime() > now.getTime());
}
