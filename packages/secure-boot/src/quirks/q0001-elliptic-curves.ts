import type { Quirk } from "./quirk.ts";

export const q0001: Quirk<boolean | "uncertain"> = {
  id: "q0001",
  title: "Signatures made with elliptic-curve keys, and chains that contain such a key, verify only where the firmware's OpenSSL was built with them.",
  values: { "hyper-v": "uncertain", "edk2-2022.11": false, "edk2-2026.08": true },
  evidence: "CryptoPkg builds OpenSSL with OPENSSL_NO_EC in edk2-stable202211; OvmfTlsLibs.dsc.inc takes OpensslLibFull in later 4 MiB builds. Measured with a P-384 signer on both.",
};
