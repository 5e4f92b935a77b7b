import certificatesFile from "./data/certificates.json" with { type: "json" };

/** Where an item of trust data was read: a file of a Debian package, or a published document at a commit. */
export interface DataSource {
  readonly kind: string;
  readonly package?: string;
  readonly version?: string;
  readonly file?: string;
  readonly fileSha256?: string;
  readonly place?: string;
  readonly origin?: string;
}

export interface KnownCertificate {
  /** Our short name, e.g. "ms-uefi-ca-2023". */
  readonly id: string;
  readonly subject: string;
  readonly sha256: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly sources: readonly DataSource[];
  readonly der: Uint8Array;
}

const certificates: readonly KnownCertificate[] = certificatesFile.certificates.map((item) => ({ ...item, der: decodeBase64(item.der) }));
const byId: ReadonlyMap<string, KnownCertificate> = new Map(certificates.map((item) => [item.id, item]));
const bySha256: ReadonlyMap<string, KnownCertificate> = new Map(certificates.map((item) => [item.sha256, item]));

/** Every certificate that the product carries. */
export function listCertificates(): readonly KnownCertificate[] {
  return certificates;
}

/** The certificate with our short name. Throws `RangeError` when the data has none. */
export function certificateById(id: string): KnownCertificate {
  const found = byId.get(id);
  if (found === undefined) throw new RangeError(`The trust data names no certificate "${id}".`);
  return found;
}

/** Looks a certificate up by the SHA-256 of its DER, in lower-case hex. */
export function certificateBySha256(sha256: string): KnownCertificate | undefined {
  return bySha256.get(sha256);
}

/** Plain base64 to bytes. Throws `RangeError` when the text is not base64. */
export function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
  } catch (error) {
    throw new RangeError("The value is not base64.", { cause: error });
  }
}

/** Hex digits to bytes. Throws `RangeError` when the text is not an even number of hex digits. */
export function decodeHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new RangeError(`"${text}" is not an even number of hex digits.`);
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => Number.parseInt(text.slice(index * 2, index * 2 + 2), 16));
}
