import type { ImageReport, Outcome, Reason } from "@signet/secure-boot";

/**
 * The report on an image whose inside could not be looked at: the same outcome under every trust, with the reason. Unbootable when there
 * is no disk in it; unknown when the judge failed, because losing an upload for that would be worse.
 */
export function blankReport(fields: { readonly outcome: Outcome; readonly file: string; readonly detected: string; readonly declared: string | null; readonly sizeBytes: number; readonly trusts: readonly string[]; readonly reason: Reason }): ImageReport {
  return {
    file: fields.file,
    format: { detected: fields.detected, declared: fields.declared, virtualSizeBytes: fields.sizeBytes, bytesRead: 0 },
    layout: { partitioning: "unknown", espIndex: null, filesystem: null },
    boot: { path: null, architecture: null, generation: null },
    chain: [],
    verdicts: fields.trusts.map((trust) => ({
      trust, outcome: fields.outcome, stage: null, firmwareMessage: null, because: [fields.reason], remedies: [], serviceable: null, survivesNextRevocation: null,
    })),
    family: "other",
    warnings: [fields.reason],
  };
}
