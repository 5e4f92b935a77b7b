import type { ImageReport } from "@signet/secure-boot";
import { templateById, templateByName } from "@signet/secure-boot/trust";

/** `os_secure_boot_signature` in its three forms: a template, a SHA-256, or the signature itself (product.md). */

/**
 * Holds the stated signature against the loader. Returns why it cannot be the loader's, with both values, or null when it can or when
 * nothing is known to hold against it.
 */
export function findContradiction(stated: string, report: ImageReport): string | null {
  const loader = report.chain.find(({ stage }) => stage === "loader");
  if (loader === undefined) return null;
  const template = templateByName(stated.trim()) ?? templateById(stated.trim());
  if (template !== undefined) {
    const verdict = report.verdicts.find(({ trust }) => trust === template.name);
    if (verdict?.outcome !== "refused" || verdict.stage !== "loader") return null;
    return `os_secure_boot_signature states ${template.name}, and firmware with that template refuses ${loader.path}, which is ${describeSigners(report)}.`;
  }
  const digest = loader.authenticode?.sha256 ?? null;
  const stamp = /^sha256:([0-9a-f]{64})$/i.exec(stated.trim())?.[1]?.toLowerCase();
  if (stamp !== undefined) {
    const known = [digest, ...loader.signatures.flatMap(({ signer, authority }) => [signer?.sha256, authority?.sha256])];
    return known.includes(stamp) ? null : `os_secure_boot_signature states sha256:${stamp}, and ${loader.path} is ${describeSigners(report)}${digest === null ? "" : ` with the digest sha256:${digest}`}.`;
  }
  const signature = decodeSignature(stated);
  if (signature === null) return `os_secure_boot_signature is neither a template's name or GUID, nor sha256:<64 hex digits>, nor a signature in base64 or PEM.`;
  // A PKCS#7 signature of a loader holds the loader's digest as a DER octet string of 32 bytes (Authenticode_PE.docx, SpcIndirectDataContent).
  if (digest === null || signature.includes(Buffer.concat([Buffer.from([0x04, 0x20]), Buffer.from(digest, "hex")]))) return null;
  return `os_secure_boot_signature is a signature of something else: it does not hold the digest sha256:${digest} of ${loader.path}.`;
}

/**
 * What a Linux image without a stated signature would have to state: the template that its loader boots under, else the certificate
 * that signed it. Null for other images and for unsigned loaders.
 */
export function deriveSignature(report: ImageReport): string | null {
  if (report.family !== "linux") return null;
  const boots = report.verdicts.find(({ outcome }) => outcome === "boots");
  if (boots !== undefined) return boots.trust;
  const signature = report.chain.find(({ stage }) => stage === "loader")?.signatures[0];
  const stamp = signature?.authority?.sha256 || signature?.signer?.sha256;
  return stamp === undefined || stamp === "" ? null : `sha256:${stamp}`;
}

function describeSigners(report: ImageReport): string {
  const signers = report.chain.find(({ stage }) => stage === "loader")!.signatures.map(({ signer, authority }) => authority?.subject ?? signer?.subject ?? "an unnamed signer");
  return signers.length === 0 ? "not signed" : `signed by ${[...new Set(signers)].join(" and ")}`;
}

function decodeSignature(stated: string): Buffer | null {
  const text = stated.replaceAll(/-----(BEGIN|END) [A-Z0-9 ]+-----/g, "").replaceAll(/\s+/g, "");
  if (text.length < 64 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  return Buffer.from(text, "base64");
}
