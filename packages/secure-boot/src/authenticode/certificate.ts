import { readPublicKey, startDigest } from "#crypto";
import { objectIds, signatureByObjectId } from "./algorithms.ts";
import { childAt, type DerElement, derChildren, derTags, expectDer, objectIdText, readDer, toHex } from "./der.ts";
import { canonicalName, nameText } from "./distinguished-name.ts";

/** Extensions that OpenSSL can process: an unknown critical one makes a certificate unusable. */
const SUPPORTED_EXTENSIONS: ReadonlySet<string> = new Set([
  "2.16.840.1.113730.1.1", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.32", "2.5.29.31", "2.5.29.37", "2.5.29.36", "1.3.6.1.5.5.7.1.14", "2.5.29.30", "2.5.29.33", "2.5.29.54",
]);
/** Bit 5 of keyUsage, counted from the most significant (RFC 5280, 4.2.1.3). */
const KEY_CERT_SIGN = 0x04;

/** What chain building and the trust lists ask of an X.509 certificate (RFC 5280). */
export interface Certificate {
  readonly der: Uint8Array;
  readonly sha256: string;
  readonly tbs: Uint8Array;
  readonly serial: string;
  /** Canonical forms, for comparing. */
  readonly subject: string;
  readonly issuer: string;
  /** For people. */
  readonly subjectText: string;
  readonly issuerText: string;
  readonly notBefore: Date | null;
  readonly notAfter: Date | null;
  readonly subjectKeyId: string | null;
  readonly authorityKeyId: { readonly keyId: string | null; readonly issuer: string | null; readonly serial: string | null };
  readonly isCa: boolean;
  readonly pathLengthMax: number | null;
  readonly hasUnknownCriticalExtension: boolean;
  readonly extendedKeyUsages: readonly string[];
  readonly keyKind: "rsa" | "ec" | "other";
  /** Whether this certificate's key made the signature of `child`. Remembered, as several trust states ask the same. */
  hasSigned(child: Certificate): boolean;
  verifySignature(digest: string, data: Uint8Array, signature: Uint8Array): boolean;
  readonly signature: { readonly objectId: string; readonly value: Uint8Array };
}

/** Parses a certificate; null when the bytes are none. Bytes behind the outer SEQUENCE are ignored. */
export function parseCertificate(bytes: Uint8Array): Certificate | null {
  try {
    return read(bytes);
  } catch {
    return null;
  }
}

interface Extensions {
  readonly subjectKeyId: string | null;
  readonly authorityKeyId: Certificate["authorityKeyId"];
  readonly basicConstraints: { readonly isCa: boolean; readonly pathLengthMax: number | null } | null;
  readonly keyUsage: number | null;
  readonly extendedKeyUsages: readonly string[];
  readonly hasUnknownCritical: boolean;
}

function read(bytes: Uint8Array): Certificate {
  const outer = expectDer(bytes, derTags.sequence);
  const [tbs, algorithm, signature] = [0, 1, 2].map((index) => childAt(derChildren(outer.content), index)) as [DerElement, DerElement, DerElement];
  const fields = derChildren(tbs.content);
  const hasVersion = fields[0]?.tag === derTags.context0;
  const at = (index: number): DerElement => childAt(fields, index + (hasVersion ? 1 : 0));
  const version = hasVersion ? (readDer(childAt(fields, 0).content).content[0] ?? 0) : 0;
  const extensions = readExtensions(fields.find(({ tag }) => tag === derTags.context3));
  const dates = derChildren(at(3).content);
  const issuer = canonicalName(at(2));
  const subject = canonicalName(at(4));
  const key = readPublicKey(at(5).whole);
  const signedBy = new Map<string, boolean>();
  const sha256 = toHex(startDigest("sha256").update(outer.whole).digest());
  return {
    der: outer.whole,
    sha256,
    tbs: tbs.whole,
    serial: toHex(at(0).content),
    subject,
    issuer,
    subjectText: nameText(at(4)),
    issuerText: nameText(at(2)),
    notBefore: readTime(dates[0]),
    notAfter: readTime(dates[1]),
    subjectKeyId: extensions.subjectKeyId,
    authorityKeyId: extensions.authorityKeyId,
    ...authority(extensions, version, issuer === subject),
    hasUnknownCriticalExtension: extensions.hasUnknownCritical,
    extendedKeyUsages: extensions.extendedKeyUsages,
    keyKind: key.kind,
    signature: { objectId: objectIdText(childAt(derChildren(algorithm.content), 0)), value: signature.content.subarray(1) },
    verifySignature: key.verify,
    hasSigned: (child) => {
      const known = signedBy.get(child.sha256);
      if (known !== undefined) return known;
      const used = signatureByObjectId(child.signature.objectId);
      const answer = used !== null && used.key === key.kind && key.verify(used.digest, child.tbs, child.signature.value);
      signedBy.set(child.sha256, answer);
      return answer;
    },
  };
}

/** OpenSSL's check_ca: basic constraints decide; without them a self-issued version 1 certificate or a fitting key usage will do. */
function authority({ basicConstraints, keyUsage }: Extensions, version: number, isSelfIssued: boolean): { isCa: boolean; pathLengthMax: number | null } {
  const pathLengthMax = basicConstraints?.pathLengthMax ?? null;
  if (keyUsage !== null && (keyUsage & KEY_CERT_SIGN) === 0) return { isCa: false, pathLengthMax };
  if (basicConstraints !== null) return { isCa: basicConstraints.isCa, pathLengthMax };
  return { isCa: (version === 0 && isSelfIssued) || keyUsage !== null, pathLengthMax };
}

function readExtensions(wrapper: DerElement | undefined): Extensions {
  const found = new Map<string, DerElement>();
  let hasUnknownCritical = false;
  for (const extension of wrapper === undefined ? [] : derChildren(expectDer(wrapper.content, derTags.sequence).content)) {
    const parts = derChildren(extension.content);
    const objectId = objectIdText(childAt(parts, 0));
    const isCritical = parts.length === 3 && parts[1]?.content[0] !== 0;
    if (isCritical && !SUPPORTED_EXTENSIONS.has(objectId)) hasUnknownCritical = true;
    found.set(objectId, readDer(childAt(parts, parts.length - 1, derTags.octetString).content));
  }
  const subjectKeyId = found.get(objectIds.subjectKeyId);
  const extendedKeyUsage = found.get(objectIds.extendedKeyUsage);
  const keyUsage = found.get(objectIds.keyUsage);
  return {
    subjectKeyId: subjectKeyId === undefined ? null : toHex(subjectKeyId.content),
    authorityKeyId: readAuthorityKeyId(found.get(objectIds.authorityKeyId)),
    basicConstraints: readBasicConstraints(found.get(objectIds.basicConstraints)),
    keyUsage: keyUsage === undefined ? null : (keyUsage.content[1] ?? 0),
    extendedKeyUsages: extendedKeyUsage === undefined ? [] : derChildren(extendedKeyUsage.content).map(objectIdText),
    hasUnknownCritical,
  };
}

function readBasicConstraints(value: DerElement | undefined): Extensions["basicConstraints"] {
  if (value === undefined) return null;
  const parts = derChildren(value.content);
  const isCa = parts[0]?.tag === 0x01 && parts[0].content[0] !== 0;
  const length = parts.find(({ tag }) => tag === derTags.integer);
  return { isCa, pathLengthMax: length === undefined ? null : length.content.reduce((sum, byte) => sum * 256 + byte, 0) };
}

function readAuthorityKeyId(value: DerElement | undefined): Certificate["authorityKeyId"] {
  const parts = value === undefined ? [] : derChildren(value.content);
  const part = (tag: number): DerElement | undefined => parts.find((item) => item.tag === tag);
  const keyId = part(0x80);
  const serial = part(0x82);
  // GeneralNames; only a directory name ([4]) can be compared with an issuer.
  const names = part(derTags.context1);
  const directoryName = names === undefined ? undefined : derChildren(names.content).find(({ tag }) => tag === 0xa4);
  return {
    keyId: keyId === undefined ? null : toHex(keyId.content),
    serial: serial === undefined ? null : toHex(serial.content),
    issuer: directoryName === undefined ? null : canonicalName(readDer(directoryName.content)),
  };
}

/** UTCTime or GeneralizedTime (RFC 5280, 4.1.2.5). */
function readTime(element: DerElement | undefined): Date | null {
  const text = element === undefined ? "" : String.fromCharCode(...element.content);
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?Z$/.exec(text);
  if (match === null) return null;
  const [year = "", month, day, hour, minute, second] = match.slice(1);
  const fullYear = year.length === 4 ? Number(year) : Number(year) + (Number(year) >= 50 ? 1900 : 2000);
  return new Date(Date.UTC(fullYear, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second ?? 0)));
}
