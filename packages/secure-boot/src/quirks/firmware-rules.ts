import type { ImageDigest } from "../authenticode/image-signature.ts";
import type { CryptoCapabilities } from "../authenticode/chain.ts";
import { q0001 } from "./q0001-elliptic-curves.ts";
import { q0002 } from "./q0002-digests-of-unsigned-images.ts";
import { q0003 } from "./q0003-recovery-after-refusal.ts";
import type { FirmwareName, Quirk } from "./quirk.ts";

/** Every known difference between releases, by number. */
export const quirks: readonly Quirk<unknown>[] = [q0001, q0002, q0003];

/** What one release of firmware does where releases differ. */
export interface FirmwareRules {
  readonly name: FirmwareName;
  /** More than one where it is not known what its crypto library can do: an answer must then hold under all. */
  readonly crypto: readonly CryptoCapabilities[];
  readonly unsignedDigests: readonly ImageDigest[];
  readonly recovers: boolean | "uncertain";
}

export function firmwareRules(name: FirmwareName): FirmwareRules {
  const curves = q0001.values[name];
  return {
    name,
    crypto: curves === "uncertain" ? [{ ellipticCurves: false }, { ellipticCurves: true }] : [{ ellipticCurves: curves }],
    unsignedDigests: q0002.values[name],
    recovers: q0003.values[name],
  };
}
