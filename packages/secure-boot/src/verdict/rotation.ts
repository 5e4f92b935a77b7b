import type { CryptoCapabilities } from "../authenticode/chain.ts";
import { isSignedUnder } from "../authenticode/image-signature.ts";
import type { Program } from "../program.ts";
import { encodeSignatureList, joinSignatureLists } from "../signature-lists.ts";
import { certificateById } from "../trust/certificate-data.ts";
import { prepareList, type PreparedTrust } from "./trust-lists.ts";

/** The authorities whose time ended in 2026 and which the next revocation will name. */
const RETIRING = ["ms-uefi-ca-2011", "ms-windows-production-pca-2011"];
const NO_OWNER = "00000000-0000-0000-0000-000000000000";
const revokedDbx = new WeakMap<Uint8Array, Uint8Array>();
const revokedAlone = retiringLists();

function retiringLists(): Uint8Array {
  return joinSignatureLists(RETIRING.map((id) => encodeSignatureList("x509", NO_OWNER, [certificateById(id).der])));
}

/** The same trust after the revocation of the authorities of 2011. */
export function afterNextRevocation(trust: PreparedTrust): PreparedTrust {
  const { dbx } = trust.trust.variables;
  const data = dbx === null ? revokedAlone : (revokedDbx.get(dbx) ?? joinSignatureLists([dbx, revokedAlone]));
  if (dbx !== null) revokedDbx.set(dbx, data);
  return { ...trust, dbx: prepareList(data) };
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
