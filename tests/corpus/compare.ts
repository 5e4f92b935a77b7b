import { DiskImageError } from "@signet/disk-image";
import { type FirmwareName, type ImageReport, inspectImage, type Outcome } from "@signet/secure-boot";
import type { CorpusCase, SharedCorpus } from "./shared-corpus.ts";

/** How a prediction stands to what firmware did. */
export type Comparison = "agrees" | "unknown" | "differs";

export interface ComparedCase {
  readonly item: CorpusCase;
  readonly firmware: FirmwareName;
  readonly expected: Outcome;
  /** "unreadable" stands for exit code 65: no disk at all. */
  readonly predicted: Outcome | "unreadable";
  readonly because: string;
  readonly comparison: Comparison;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = { accepted: "boots", denied: "refused", "not-found": "unbootable", "load-error": "unbootable", "start-error": "unbootable", fallback: "unbootable", "container-error": "unbootable" };
const LOAD_IMAGE: Readonly<Record<string, string>> = { Success: "accepted", "Access Denied": "denied" };

/**
 * What a firmware did with the case. For 2026.08 a status of LoadImage alone overrides the other release's verdict only where it speaks
 * of security; what comes before and after LoadImage is the same in both.
 */
export function expectedOutcome(item: CorpusCase, firmware: FirmwareName): Outcome {
  const verdict = firmware === "edk2-2022.11" ? item.verdict : (item.verdict_2026_08 ?? laterVerdict(item));
  const outcome = OUTCOMES[verdict];
  if (outcome === undefined) throw new Error(`The case ${item.id} has the verdict "${verdict}", which is not known.`);
  return outcome;
}

function laterVerdict({ verdict, loadimage_2026_08: status }: CorpusCase): string {
  const later = status === undefined ? undefined : LOAD_IMAGE[status];
  return (verdict === "denied" || verdict === "accepted") && later !== undefined ? later : verdict;
}

export async function compareCase(corpus: SharedCorpus, item: CorpusCase, firmware: FirmwareName): Promise<ComparedCase> {
  const expected = expectedOutcome(item, firmware);
  const { source, parents, name } = corpus.openCase(item);
  let report: ImageReport | null = null;
  let because = "";
  try {
    report = await inspectImage(source, { file: name, trusts: [corpus.trustOf(item)], firmware, parents, ...(item.logical_sector === undefined || item.container !== "raw" ? {} : { sectorSizeBytes: item.logical_sector }) });
  } catch (error) {
    if (!(error instanceof DiskImageError)) throw error;
    because = `${error.code}: ${error.message}`;
  }
  const verdict = report?.verdicts[0];
  const predicted = verdict?.outcome ?? "unreadable";
  because ||= (verdict?.because ?? []).map(({ code, text }) => `[${code}] ${text}`).join(" ");
  // "real" cases end where firmware started the program; a stage behind the loader shows that the prediction says so too.
  const isStarted = item.stage === "firmware-started" && expected === "boots" && (verdict?.stage === "second" || verdict?.stage === "kernel");
  const agrees = predicted === expected || isStarted || (predicted === "unreadable" && item.verdict === "container-error");
  return { item, firmware, expected, predicted, because, comparison: agrees ? "agrees" : predicted === "unknown" ? "unknown" : "differs" };
}
