import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { type Digest, type PublicKey, unusableKey } from "./crypto.ts";

export type { Digest, PublicKey } from "./crypto.ts";

/** @throws Error for a name that OpenSSL does not know */
export function startDigest(name: string): Digest {
  const hash = createHash(name);
  const digest: Digest = {
    update: (bytes) => {
      hash.update(bytes);
      return digest;
    },
    digest: () => Uint8Array.from(hash.digest()),
  };
  return digest;
}

/** Reads a SubjectPublicKeyInfo (RFC 5280, 4.1). Never throws. */
export function readPublicKey(info: Uint8Array): PublicKey {
  const key = parse(info);
  if (key === null) return unusableKey;
  return {
    kind: key.asymmetricKeyType === "rsa" ? "rsa" : key.asymmetricKeyType === "ec" ? "ec" : "other",
    verify: (digest, data, signature) => {
      try {
        return verify(digest, data, key, signature);
      } catch {
        return false;
      }
    },
  };
}

function parse(info: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(info), format: "der", type: "spki" });
  } catch {
    return null;
  }
}
