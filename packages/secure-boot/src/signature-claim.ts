import { toHex } from "./authenticode/der.ts";
import { readImageSignature } from "./authenticode/image-signature.ts";
import { signerCertificates } from "./authenticode/signed-data.ts";
import { commonName } from "./authenticode/distinguished-name.ts";
import type { ChainStage, ImageReport } from "./report.ts";
import { walkSignatureLists } from "./signature-lists.ts";
import { parseCertificate } from "./authenticode/certificate.ts";
import { decodeBase64 } from "./trust/certificate-data.ts";
import { listTemplates, templateById, templateByName, type TrustTemplate } from "./trust/templates.ts";

/** What was made of an image's `os_secure_boot_signature`. */
export interface SignatureClaim {
  readonly kind: "template" | "sha256" | "signature" | "other";
  /** Whether the loader bears the claim out; null when there is nothing to hold it against. */
  readonly agrees: boolean | null;
  /** One sentence with both values, when the loader contradicts the claim. */
  readonly contradiction: string | null;
}

/**
 * Holds a claim about the boot loader's signature against what the inspector found. A claim is a template's name or GUID, `sha256:` with
 * the digest of a certificate (signer's or authority's) or of the loader (Authenticode), or the signature itself as base64 or PEM.
 * Any other text claims nothing that could be checked: it is answered as not borne out, once there is a loader to check against.
 */
export function matchSignatureClaim(claim: string, report: ImageReport): SignatureClaim {
  const text = claim.trim();
  const loader = report.chain[0];
  const template = templateByName(text) ?? templateById(text);
  if (template !== undefined) return loader === undefined || !template.contentsKnown ? open("template") : matchTemplate(template, loader);
  const hash = /^sha256:([0-9a-f]{64})$/i.exec(text)?.[1]?.toLowerCase();
  if (hash !== undefined) return loader === undefined ? open("sha256") : matchHash(hash, loader);
  const blob = readBlob(text);
  if (blob === null) return loader === undefined ? open("other") : answer("other", false, "is neither a template's name or GUID, nor sha256:<64 hex digits>, nor a signature in base64 or PEM.");
  return loader === undefined ? open("signature") : matchBlob(blob, loader);
}

const open = (kind: SignatureClaim["kind"]): SignatureClaim => ({ kind, agrees: null, contradiction: null });
const answer = (kind: SignatureClaim["kind"], agrees: boolean, contradiction: string): SignatureClaim => ({ kind, agrees, contradiction: agrees ? null : `os_secure_boot_signature ${contradiction}` });

function matchTemplate(template: TrustTemplate, loader: ChainStage): SignatureClaim {
  return answer("template", isSignedFor(template, loader), `names the template ${template.name}, but the loader is ${describeSigners(loader)}.`);
}

/** Whether a signer of the loader, or the authority above it, is in the template's db. */
function isSignedFor(template: TrustTemplate, loader: ChainStage): boolean {
  const trusted = new Set(walkSignatureLists(template.variables.db ?? new Uint8Array(0)).lists.flatMap(({ entries }) => entries.flatMap(({ data }) => parseCertificate(data)?.sha256 ?? [])));
  return loader.signatures.some(({ signer, authority }) => (signer !== null && trusted.has(signer.sha256)) || (authority !== null && trusted.has(authority.sha256)));
}

function matchHash(hash: string, loader: ChainStage): SignatureClaim {
  const known = [loader.authenticode?.sha256, ...loader.signatures.flatMap(({ signer, authority }) => [signer?.sha256, authority?.sha256])].filter((value) => value !== undefined && value !== "");
  return answer("sha256", known.includes(hash), `states sha256:${hash}, but the loader's digest is ${loader.authenticode?.sha256 ?? "not computable"}, and it is ${describeSigners(loader)}${certificateDigests(loader)}.`);
}

function matchBlob(blob: Uint8Array, loader: ChainStage): SignatureClaim {
  const { data, firmwareDigest } = readImageSignature(blob);
  const signers = data === null ? null : signerCertificates(data);
  const digest = loader.authenticode?.sha256 ?? "";
  const content = data?.content == null ? "" : toHex(data.content);
  const isOverLoader = firmwareDigest !== "sha256" || (digest !== "" && content.endsWith(digest));
  const isOfSigner = signers?.some(({ sha256 }) => loader.signatures.some(({ signer }) => signer?.sha256 === sha256)) ?? false;
  const claimed = signers?.map(({ subjectText }) => `"${commonName(subjectText)}"`).join(" and ") ?? "nobody";
  return answer("signature", isOverLoader && isOfSigner, `holds a signature by ${claimed} over ${content.slice(-64) || "nothing"}, but the loader's digest is ${digest || "not computable"}, and it is ${describeSigners(loader)}.`);
}

function describeSigners(loader: ChainStage): string {
  const names = loader.signatures.flatMap(({ signer, authority }) => (signer === null ? [] : [`"${commonName(signer.subject)}"${authority === null ? "" : ` under "${commonName(authority.subject)}"`}`]));
  return names.length === 0 ? "not signed" : `signed by ${[...new Set(names)].join(" and ")}`;
}

function certificateDigests(loader: ChainStage): string {
  const digests = loader.signatures.flatMap(({ signer }) => (signer === null ? [] : [signer.sha256]));
  return digests.length === 0 ? "" : ` (${[...new Set(digests)].join(", ")})`;
}

/** PKCS#7 out of PEM or plain base64; null when the text is neither. */
function readBlob(text: string): Uint8Array | null {
  const pem = /-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----([\s\S]*?)-----END/.exec(text)?.[1];
  try {
    const blob = decodeBase64(pem ?? text);
    return readImageSignature(blob).data === null ? null : blob;
  } catch {
    return null;
  }
}

/**
 * What a Linux image that states no signature would have to state: the template under which its loader boots, else one whose db holds
 * its signers, else the certificate that signed it. Null for other images and for unsigned loaders.
 */
export function deriveSignatureClaim(report: ImageReport): string | null {
  const loader = report.chain[0];
  if (loader === undefined || report.family !== "linux") return null;
  const fitting = listTemplates().filter((template) => template.contentsKnown && isSignedFor(template, loader));
  const booting = fitting.find(({ name }) => report.verdicts.some(({ trust, outcome }) => trust === name && outcome === "boots"));
  const template = booting ?? fitting[0];
  if (template !== undefined) return template.name;
  // An authority that is known by name only has no digest.
  const digest = loader.signatures.flatMap(({ signer, authority }) => [authority?.sha256, signer?.sha256]).find((sha256) => sha256 !== undefined && sha256 !== "");
  return digest === undefined ? null : `sha256:${digest}`;
}
