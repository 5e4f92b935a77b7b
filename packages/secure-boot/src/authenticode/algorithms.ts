/** Digest algorithms by object identifier, with the names that #crypto uses. */
const DIGESTS: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.5": "md5",
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.4": "sha224",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** Signature algorithms of certificates: the digest inside, and the kind of key that must have made them. */
const SIGNATURES: Readonly<Record<string, { readonly digest: string; readonly key: "rsa" | "ec" }>> = {
  "1.2.840.113549.1.1.4": { digest: "md5", key: "rsa" },
  "1.2.840.113549.1.1.5": { digest: "sha1", key: "rsa" },
  "1.2.840.113549.1.1.14": { digest: "sha224", key: "rsa" },
  "1.2.840.113549.1.1.11": { digest: "sha256", key: "rsa" },
  "1.2.840.113549.1.1.12": { digest: "sha384", key: "rsa" },
  "1.2.840.113549.1.1.13": { digest: "sha512", key: "rsa" },
  "1.2.840.10045.4.1": { digest: "sha1", key: "ec" },
  "1.2.840.10045.4.3.2": { digest: "sha256", key: "ec" },
  "1.2.840.10045.4.3.3": { digest: "sha384", key: "ec" },
  "1.2.840.10045.4.3.4": { digest: "sha512", key: "ec" },
};

export const objectIds = {
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  indirectData: "1.3.6.1.4.1.311.2.1.4",
  messageDigest: "1.2.840.113549.1.9.4",
  timestampToken: "1.3.6.1.4.1.311.3.3.1",
  timestampInfo: "1.2.840.113549.1.9.16.1.4",
  authorityKeyId: "2.5.29.35",
  subjectKeyId: "2.5.29.14",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  kernelModuleSigning: "1.3.6.1.4.1.2312.16.1.2",
} as const;

export const digestByObjectId = (objectId: string): string | null => DIGESTS[objectId] ?? null;
export const signatureByObjectId = (objectId: string): { readonly digest: string; readonly key: "rsa" | "ec" } | null => SIGNATURES[objectId] ?? null;
