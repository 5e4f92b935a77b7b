import type { BootCandidate } from "../inspect/boot-files.ts";
import type { CryptoCapabilities } from "../authenticode/chain.ts";
import type { FirmwareRules } from "../quirks/firmware-rules.ts";
import type { Reason, TrustVerdict } from "../report.ts";
import type { Trust } from "../trust/trust.ts";
import { type ChainVerdict, judgeCandidate } from "./chain-verdict.ts";
import { remediesFor } from "./remedies.ts";
import { afterNextRevocation, isServiceable } from "./rotation.ts";
import { prepareTrust, type PreparedTrust } from "./trust-lists.ts";

/** A verdict together with the boot file that it is about. */
interface DiskVerdict {
  readonly verdict: ChainVerdict;
  readonly candidate: BootCandidate;
}

/** Judges all boot files of a disk, in the order in which firmware tries them, under one trust. */
export function judgeUnderTrust(candidates: readonly BootCandidate[], trust: Trust, rules: FirmwareRules, now: Date): TrustVerdict {
  if (!trust.contentsKnown) return unknownVerdict(trust.name, [{ code: "SB-TEMPLATE-UNPUBLISHED", text: `What the template ${trust.name} trusts has not been published.` }]);
  const prepared = prepareTrust(trust);
  const found = judgeDisk(candidates, prepared, rules);
  if (found === null) return unknownVerdict(trust.name, [{ code: "BP-NO-LOADER", text: "There is no boot file to judge." }]);
  return describe(found, prepared, rules, candidates, now);
}

export function unknownVerdict(trust: string, because: readonly Reason[]): TrustVerdict {
  return { trust, outcome: "unknown", stage: null, firmwareMessage: null, because, remedies: remediesFor(because, ""), serviceable: null, survivesNextRevocation: null };
}

function describe({ verdict, candidate }: DiskVerdict, trust: PreparedTrust, rules: FirmwareRules, candidates: readonly BootCandidate[], now: Date): TrustVerdict {
  const missing = thumbprintsLeftOpen(verdict, trust) ?? endlessList(verdict, trust);
  const isBooting = verdict.outcome === "boots" && missing === null;
  const judgesRotation = isBooting && trust.trust.secureBootEnabled;
  const because = missing ?? verdict.because;
  const later = judgesRotation ? judgeDisk(candidates, afterNextRevocation(trust), rules) : null;
  return {
    trust: trust.trust.name,
    outcome: missing === null ? verdict.outcome : "unknown",
    stage: verdict.stage,
    firmwareMessage: isBooting ? null : verdict.message,
    because,
    remedies: isBooting ? [] : remediesFor(because, stagePath(candidate, verdict)),
    serviceable: judgesRotation ? isServiceable(candidate.loader.program, trust, rules.crypto[0] ?? { ellipticCurves: false }, now) : null,
    ...describeLater(later),
  };
}

function describeLater(later: DiskVerdict | null): Pick<TrustVerdict, "survivesNextRevocation" | "nextRevocation"> {
  if (later === null || later.verdict.outcome === "unknown") return { survivesNextRevocation: null };
  if (later.verdict.outcome === "boots") return { survivesNextRevocation: true };
  const { because } = later.verdict;
  return { survivesNextRevocation: false, nextRevocation: { because, remedies: remediesFor(because, stagePath(later.candidate, later.verdict)) } };
}

/** An answer must hold whatever the firmware's crypto can do, where that is not known. */
function judgeDisk(candidates: readonly BootCandidate[], trust: PreparedTrust, rules: FirmwareRules): DiskVerdict | null {
  const [first, ...others] = rules.crypto.slice(0, usesCurves(candidates, trust) ? undefined : 1).map((crypto) => judgeInOrder(candidates, trust, rules, crypto));
  if (first === undefined || first === null) return null;
  if (others.every((other) => other?.verdict.outcome === first.verdict.outcome)) return first;
  return { ...first, verdict: { ...first.verdict, outcome: "unknown", because: [{ code: "SB-FIRMWARE-UNKNOWN", text: "It depends on whether the host's firmware can verify elliptic-curve signatures, which is not published." }] } };
}

const usesCurves = (candidates: readonly BootCandidate[], trust: PreparedTrust): boolean =>
  [trust.db, trust.dbx, trust.dbt].some((list) => list?.certificates.some(({ keyKind }) => keyKind === "ec") ?? false) ||
  candidates.some(({ loader }) => loader.program.signatures.some(({ data }) => data?.certificates.some(({ keyKind }) => keyKind === "ec") ?? false));

/** The first boot file decides, unless the firmware is one that goes on to the next file system after a failure. */
function judgeInOrder(candidates: readonly BootCandidate[], trust: PreparedTrust, rules: FirmwareRules, crypto: CryptoCapabilities): DiskVerdict | null {
  const judged = candidates.map((candidate) => ({ candidate, verdict: judgeCandidate(candidate, { trust, rules, crypto }) }));
  const [first] = judged;
  if (first === undefined || first.verdict.outcome === "boots" || first.verdict.outcome === "unknown" || rules.recovers === false) return first ?? null;
  const rescue = judged.find(({ verdict }) => verdict.outcome === "boots" || verdict.outcome === "unknown");
  if (rescue === undefined) return first;
  if (rules.recovers === true) return rescue;
  return { ...first, verdict: { ...first.verdict, outcome: "unknown", because: [...first.verdict.because, { code: "BP-SECOND-FILE-SYSTEM", text: `The first boot file fails, but the one on partition ${rescue.candidate.partition} would start; whether Hyper-V's firmware goes on to it depends on the machine's boot order.` }] } };
}

/** Certificates known by thumbprint only could decide otherwise when the blobs do not carry them. */
function thumbprintsLeftOpen(verdict: ChainVerdict, { trust }: PreparedTrust): readonly Reason[] | null {
  const isOpen = (verdict.outcome === "refused" && verdict.because.some(({ code }) => code === "SB-NOT-IN-DB") && trust.thumbprints.db.length > 0) || (verdict.outcome === "boots" && trust.thumbprints.dbx.length > 0);
  return isOpen ? [{ code: "SB-THUMBPRINT-ONLY", text: "The trust names certificates by thumbprint only, and the loader's signatures do not carry them. Give the whole certificates." }] : null;
}

/** Whatever is looked up in such a list, firmware may never come back. */
function endlessList({ outcome }: ChainVerdict, { trust, db, dbx, dbt }: PreparedTrust): readonly Reason[] | null {
  if (!trust.secureBootEnabled || outcome === "unbootable") return null;
  const found = Object.entries({ db, dbx, dbt }).find(([, list]) => list?.isEndless === true);
  return found === undefined ? null : [{ code: "SB-LIST-ENDLESS", text: `A list in ${found[0]} claims to be smaller than its own header. Firmware does not check that and may search it for ever: it hangs instead of answering.` }];
}

function stagePath(candidate: BootCandidate, { stage }: ChainVerdict): string {
  if (stage === "second") return candidate.second?.path ?? candidate.fallback?.file.path ?? candidate.loader.path;
  return stage === "kernel" ? (candidate.second?.kernel?.path ?? "the kernel") : candidate.loader.path;
}
