import type { Certificate } from "../authenticode/certificate.ts";
import { toHex } from "../authenticode/der.ts";
import type { ImageSignature } from "../authenticode/image-signature.ts";
import { signerCertificates } from "../authenticode/signed-data.ts";
import { sbatRows } from "../loaders/identify.ts";
import type { CertificateSummary, ChainStage, SignatureSummary, Stage } from "../report.ts";
import { listCertificates } from "../trust/certificate-data.ts";
import type { BootCandidate, BootFile } from "./boot-files.ts";

/** The stages of a boot in their order, each with what its file says of itself. */
export function describeChain(candidate: BootCandidate): readonly ChainStage[] {
  const stages: ChainStage[] = [describeStage("loader", candidate.loader)];
  const second = candidate.fallback?.target?.second ?? candidate.second;
  if (candidate.fallback !== null) stages.push(describeStage("second", candidate.fallback.file));
  if (candidate.fallback?.target != null) stages.push(describeStage("loader", candidate.fallback.target));
  if (second?.file != null) stages.push(describeStage("second", second.file));
  if (second?.kernel != null) stages.push(describeStage("kernel", second.kernel));
  return stages;
}

function describeStage(stage: Stage, { path, program, identity }: BootFile): ChainStage {
  const digest = program.digests?.firmware("sha256") ?? null;
  const rows = sbatRows(program);
  return {
    stage,
    path,
    product: identity.product,
    authenticode: digest === null ? null : { sha256: toHex(digest) },
    sbat: rows === null ? null : Object.fromEntries(rows.map(({ component, generation }) => [component, generation])),
    signatures: program.signatures.map(describeSignature),
  };
}

function describeSignature(signature: ImageSignature): SignatureSummary {
  const { data } = signature;
  const signer = data === null ? undefined : signerCertificates(data)?.[0];
  return {
    digest: signature.firmwareDigest ?? data?.digests[0] ?? "unknown",
    signer: signer === undefined ? null : summarize(signer),
    authority: signer === undefined || data === null ? null : authorityOf(signer, data.certificates),
  };
}

function summarize({ subjectText, sha256, notAfter }: Certificate): CertificateSummary {
  return { subject: subjectText, sha256, notAfter: notAfter?.toISOString() ?? "" };
}

/** Goes up through the blob as far as it leads; the last issuer may be known by name only, or from our own data. */
function authorityOf(signer: Certificate, certificates: readonly Certificate[]): SignatureSummary["authority"] {
  let top = signer;
  for (let steps = 0; steps < certificates.length; steps += 1) {
    const next = certificates.find((certificate) => certificate.subject === top.issuer && certificate.sha256 !== top.sha256);
    if (next === undefined || top.subject === top.issuer) break;
    top = next;
  }
  if (top.subject === top.issuer || certificates.length > 1 && top !== signer && isKnown(top.sha256)) return { subject: top.subjectText, sha256: top.sha256 };
  const known = listCertificates().find(({ subject }) => subject === top.issuerText);
  return { subject: top.issuerText, sha256: known?.sha256 ?? "" };
}

const isKnown = (sha256: string): boolean => listCertificates().some((certificate) => certificate.sha256 === sha256);
