import type { ImageDigest } from "../authenticode/image-signature.ts";
import type { Quirk } from "./quirk.ts";

const all: readonly ImageDigest[] = ["sha512", "sha384", "sha256", "sha1"];

export const q0002: Quirk<readonly ImageDigest[]> = {
  id: "q0002",
  title: "An unsigned image is looked up in db and dbx by its SHA-256 only, or by every digest that the firmware can compute.",
  values: { "hyper-v": all, "edk2-2022.11": ["sha256"], "edk2-2026.08": all },
  evidence: "DxeImageVerificationLib.c, DxeImageVerificationHandler, at edk2-stable202211 and 202605. Measured with SHA-384 digests in db.",
};
