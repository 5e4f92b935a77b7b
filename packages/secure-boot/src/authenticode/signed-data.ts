import { startDigest } from "#crypto";
import { digestByObjectId, objectIds } from "./algorithms.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { type CryptoCapabilities, leadsTo } from "./chain.ts";
import { childAt, type DerElement, derChildren, derTags, equalBytes, expectDer, objectIdText, readDer, toHex } from "./der.ts";
import { canonicalName } from "./distinguished-name.ts";

export interface SignerInfo {
  readonly issuer: string;
  readonly serial: string;
  readonly digest: string | null;
  /** The attributes as they are signed: as a SET. Null where the content itself is signed. */
  readonly signedAttributes: Uint8Array | null;
  readonly messageDigest: Uint8Array | null;
  readonly signature: Uint8Array;
  readonly unsignedAttributes: ReadonlyMap<string, DerElement>;
}

/** PKCS#7 SignedData (RFC 2315), as much of it as OpenSSL's PKCS7_verify uses. */
export interface SignedData {
  readonly digests: readonly (string | null)[];
  readonly contentType: string;
  /** The content's inner value without its tag and length: what is digested. Null when detached. */
  readonly content: Uint8Array | null;
  readonly certificates: readonly Certificate[];
  readonly signers: readonly SignerInfo[];
}

/** Parses a ContentInfo that holds SignedData. Null when the bytes are none; bytes behind it are ignored. */
export function parseSignedData(bytes: Uint8Array): SignedData | null {
  try {
    const outer = derChildren(expectDer(bytes, derTags.sequence).content);
    if (objectIdText(childAt(outer, 0)) !== objectIds.signedData) return null;
    return read(expectDer(childAt(outer, 1, derTags.context0).content, derTags.sequence));
  } catch {
    return null;
  }
}

function read(sequence: DerElement): SignedData {
  const fields = derChildren(sequence.content);
  const encapsulated = derChildren(childAt(fields, 2, derTags.sequence).content);
  const wrapper = encapsulated[1];
  const rest = fields.slice(3);
  const certificates = rest.find(({ tag }) => tag === derTags.context0);
  const signers = rest.find(({ tag }) => tag === derTags.set);
  if (signers === undefined) throw new RangeError("no signers");
  const contentType = objectIdText(childAt(encapsulated, 0));
  // OpenSSL's template for PKCS7 knows this type and fails as a whole when its content is something else.
  if (contentType === objectIds.data && wrapper !== undefined && readDer(wrapper.content).tag !== derTags.octetString) throw new RangeError("data that is no octet string");
  return {
    digests: derChildren(childAt(fields, 1, derTags.set).content).map((algorithm) => digestByObjectId(objectIdText(childAt(derChildren(algorithm.content), 0)))),
    contentType,
    content: wrapper === undefined ? null : readDer(wrapper.content).content,
    certificates: (certificates === undefined ? [] : derChildren(certificates.content)).flatMap((item) => {
      const certificate = item.tag === derTags.sequence ? parseCertificate(item.whole) : null;
      return certificate === null ? [] : [certificate];
    }),
    signers: derChildren(signers.content).map(readSigner),
  };
}

function readSigner(element: DerElement): SignerInfo {
  const fields = derChildren(element.content);
  const [issuer, serial] = derChildren(childAt(fields, 1, derTags.sequence).content);
  const hasAttributes = fields[3]?.tag === derTags.context0;
  const at = (index: number): DerElement => childAt(fields, index + (hasAttributes ? 1 : 0));
  const attributes = hasAttributes ? childAt(fields, 3) : null;
  const messageDigest = attributes === null ? undefined : readAttributes(attributes).get(objectIds.messageDigest);
  const unsigned = fields.find(({ tag }) => tag === derTags.context1);
  return {
    issuer: issuer === undefined ? "" : canonicalName(issuer),
    serial: toHex(serial?.content ?? new Uint8Array(0)),
    digest: digestByObjectId(objectIdText(childAt(derChildren(childAt(fields, 2).content), 0))),
    signedAttributes: attributes === null ? null : withTag(attributes.whole, derTags.set),
    messageDigest: messageDigest?.tag === derTags.octetString ? messageDigest.content : null,
    signature: childAt([at(4)], 0, derTags.octetString).content,
    unsignedAttributes: unsigned === undefined ? new Map() : readAttributes(unsigned),
  };
}

/** First value of each attribute. */
function readAttributes(list: DerElement): ReadonlyMap<string, DerElement> {
  return new Map(
    derChildren(list.content).map((attribute) => {
      const parts = derChildren(attribute.content);
      return [objectIdText(childAt(parts, 0)), readDer(childAt(parts, 1, derTags.set).content)];
    }),
  );
}

function withTag(whole: Uint8Array, tag: number): Uint8Array {
  const copy = Uint8Array.from(whole);
  copy[0] = tag;
  return copy;
}

/** The certificate of each signer; null as soon as one of them is not in the blob (PKCS7_get0_signers). */
export function signerCertificates(data: SignedData): readonly Certificate[] | null {
  const found = data.signers.map((signer) => data.certificates.find((certificate) => certificate.issuer === signer.issuer && certificate.serial === signer.serial));
  return found.length === 0 || found.some((certificate) => certificate === undefined) ? null : (found as Certificate[]);
}

/** Whether every signer's own signature over the content is right, whoever the signer is. */
export function hasValidSignerSignatures(data: SignedData, crypto: CryptoCapabilities): boolean {
  const certificates = signerCertificates(data);
  const { content } = data;
  if (certificates === null || content === null) return false;
  return data.signers.every((signer, index) => {
    const certificate = certificates[index];
    // The digest is computed while the content is read, and only the algorithms announced in front are.
    if (certificate === undefined || signer.digest === null || !data.digests.includes(signer.digest)) return false;
    if (certificate.keyKind === "ec" && !crypto.ellipticCurves) return false;
    if (signer.signedAttributes === null) return certificate.verifySignature(signer.digest, content, signer.signature);
    const digest = startDigest(signer.digest).update(content).digest();
    if (signer.messageDigest === null || !equalBytes(signer.messageDigest, digest)) return false;
    return certificate.verifySignature(signer.digest, signer.signedAttributes, signer.signature);
  });
}

/** Whether every signer leads to the anchor (PKCS7_verify with a store of one certificate). */
export function isTrustedBy(data: SignedData, anchor: Certificate, crypto: CryptoCapabilities): boolean {
  return signerCertificates(data)?.every((signer) => leadsTo(signer, data.certificates, anchor, crypto)) ?? false;
}
