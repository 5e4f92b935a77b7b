import { startDigest } from "#crypto";
import { type Certificate, parseCertificate } from "../authenticode/certificate.ts";
import { equalBytes } from "../authenticode/der.ts";
import { type SignatureEntry, type SignatureKind, type SignatureList, walkSignatureLists } from "../signature-lists.ts";
import type { Trust } from "../trust/trust.ts";

/** One of db, dbx and dbt, walked once. */
export interface TrustList {
  readonly lists: readonly SignatureList[];
  /** Every certificate of every list, in order. */
  readonly certificates: readonly Certificate[];
  readonly isEndless: boolean;
}

/** A trust made ready for judging. */
export interface PreparedTrust {
  readonly trust: Trust;
  readonly db: TrustList | null;
  readonly dbx: TrustList | null;
  readonly dbt: TrustList | null;
}

const HASH_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;
const OWNER_BYTES = 16;
const parsed = new WeakMap<Uint8Array, TrustList>();

export function prepareTrust(trust: Trust): PreparedTrust {
  const { db, dbx, dbt } = trust.variables;
  return { trust, db: prepareList(db), dbx: prepareList(dbx), dbt: prepareList(dbt) };
}

/** Null for a variable that does not exist; one without data does not exist either (UEFI 2.10, 8.2). */
export function prepareList(data: Uint8Array | null): TrustList | null {
  if (data === null || data.length === 0) return null;
  const known = parsed.get(data);
  if (known !== undefined) return known;
  const { lists, isEndless } = walkSignatureLists(data);
  const certificates = lists.filter(({ kind }) => kind === "x509").flatMap(({ entries }) => entries.flatMap((entry) => parseCertificate(entry.data) ?? []));
  const list: TrustList = { lists, certificates, isEndless };
  parsed.set(data, list);
  return list;
}

/** Whether the list holds the digest of an image. A list counts only where its entries have exactly the digest's length. */
export function holdsImageHash(list: TrustList | null, algorithm: keyof typeof HASH_BYTES, digest: Uint8Array): boolean {
  return entriesOf(list, algorithm, OWNER_BYTES + HASH_BYTES[algorithm]).some(({ data }) => equalBytes(data, digest));
}

/** When a certificate was revoked by the hash of what its issuer signed (TBSCertificate): the raw EFI_TIME, or null when it was not. */
export function revocationTime(list: TrustList | null, certificate: Certificate): Uint8Array | null {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const candidates = entriesOf(list, `x509_${algorithm}`, null);
    if (candidates.length === 0) continue;
    const digest = startDigest(algorithm).update(certificate.tbs).digest();
    const found = candidates.find(({ data }) => data.length >= digest.length && equalBytes(data.subarray(0, digest.length), digest));
    if (found !== undefined) return found.data.subarray(digest.length);
  }
  return null;
}

function entriesOf(list: TrustList | null, kind: SignatureKind, signatureSizeBytes: number | null): readonly SignatureEntry[] {
  return (list?.lists ?? []).filter((item) => item.kind === kind && (signatureSizeBytes === null || item.signatureSizeBytes === signatureSizeBytes)).flatMap(({ entries }) => entries);
}

/** The date of an EFI_TIME; null when all its bytes are zero, which means "whenever". */
export function readEfiTime(bytes: Uint8Array): Date | null {
  if (bytes.length < 16 || bytes.subarray(0, 16).every((byte) => byte === 0)) return null;
  const [low = 0, high = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = bytes;
  return new Date(Date.UTC(low + high * 256, month - 1, day, hour, minute, second));
}
