import type { ChainStage, ImageReport, SignatureSummary, Stage, TrustVerdict } from "@signet/secure-boot";
import { commonName } from "./wording.ts";

/** How far the boot comes: a stage is started, is where it stops, is never reached, or nobody can say. */
export type Reach = "started" | "stops" | "not reached" | "unknown";

export interface CertificateNode {
  readonly key: string;
  readonly name: string;
  /** Those who signed under it, with the day on which their certificate ends. */
  readonly signers: readonly { readonly name: string; readonly notAfter: string }[];
}

export interface StageNode {
  readonly stage: ChainStage;
  readonly title: string;
  readonly reach: Reach;
  /** Keys of the certificates that vouch for it, each once. */
  readonly certificateKeys: readonly string[];
}

export interface ChainModel {
  readonly stages: readonly StageNode[];
  readonly certificates: readonly CertificateNode[];
  /** Where it breaks, as an index into stages (stages.length: after the last), and in words. Null when it boots. */
  readonly break: { readonly at: number; readonly words: string } | null;
}

const STAGE_TITLES: Readonly<Record<Stage, string>> = { loader: "Boot loader", second: "Second loader", kernel: "Kernel" };

/** What is drawn of a report, judged by one template; without a verdict nothing is said about the reach. */
export function modelChain(report: ImageReport, verdict: TrustVerdict | undefined): ChainModel {
  const certificates = new Map<string, CertificateNode>();
  const breakAt = verdict === undefined || verdict.outcome === "boots" ? null : findBreak(report.chain, verdict);
  const stages = report.chain.map((stage, index) => {
    const keys = stage.signatures.map((signature) => keepCertificate(certificates, signature));
    return { stage, title: STAGE_TITLES[stage.stage], reach: reachOf(index, breakAt, verdict), certificateKeys: [...new Set(keys)] };
  });
  return { stages, certificates: [...certificates.values()], break: breakAt === null || verdict === undefined ? null : { at: breakAt, words: describeBreak(verdict) } };
}

function findBreak(chain: readonly ChainStage[], verdict: TrustVerdict): number {
  if (verdict.stage === null) return 0;
  const index = chain.findIndex(({ stage }) => stage === verdict.stage);
  return index === -1 ? chain.length : index;
}

function reachOf(index: number, breakAt: number | null, verdict: TrustVerdict | undefined): Reach {
  if (verdict === undefined) return "unknown";
  if (breakAt === null || index < breakAt) return "started";
  if (verdict.outcome === "unknown") return "unknown";
  return index === breakAt ? "stops" : "not reached";
}

function describeBreak(verdict: TrustVerdict): string {
  const said = verdict.firmwareMessage === null ? "" : `: ${verdict.firmwareMessage}`;
  if (verdict.outcome === "refused") return `Refused here${said}`;
  if (verdict.outcome === "unbootable") return `The boot ends here${said}`;
  return `Unknown from here on${said}`;
}

function keepCertificate(certificates: Map<string, CertificateNode>, { authority, signer }: SignatureSummary): string {
  const top = authority ?? signer;
  const key = top === null ? "unknown" : top.sha256 || top.subject;
  const known = certificates.get(key) ?? { key, name: top === null ? "a signer that the signature does not name" : commonName(top.subject), signers: [] };
  const signers = signer === null || known.signers.some(({ name, notAfter }) => name === commonName(signer.subject) && notAfter === signer.notAfter) ? known.signers : [...known.signers, { name: commonName(signer.subject), notAfter: signer.notAfter }];
  certificates.set(key, { ...known, signers });
  return key;
}
