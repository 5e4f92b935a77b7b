import type { ImageReport, Reason } from "@signet/secure-boot";

/** What the judge says of bytes that are no disk at all: none, or a text, or something else without a table, a file system or whole sectors. */
const NO_DISK_CODES: ReadonlySet<string> = new Set(["DI-EMPTY", "DI-NOT-A-DISK"]);

/** Why an image holds no disk; null when it holds one, or when nobody has looked yet. */
export function noDiskReason(report: ImageReport | null): Reason | null {
  return report?.verdicts[0]?.because.find(({ code }) => NO_DISK_CODES.has(code)) ?? null;
}
