/**
 * Where a machine stands with the promise.
 * enforced: Secure Boot is on, read back as asked, and firmware has not refused the loader. refused: it is on, and firmware refused the
 * loader. switched-on: asked for, not proven by a read-back yet. drift: what the host says is not what was asked for. off: not asked for.
 * no-machine: being built, or refused before there was one; nothing is switched on there.
 */
export type Standing = "enforced" | "switched-on" | "refused" | "drift" | "off" | "no-machine";

export interface StandingFacts {
  readonly wantsSecureBoot: boolean;
  /** Whether a host has, or had, a machine of this server. */
  readonly hasMachine: boolean;
  /** What differed at the last read-back; null before the first. */
  readonly drift: readonly string[] | null;
  readonly firmwareOutcome: string | null;
}

/** Drift comes before everything else: a promise that is broken, whatever was promised. */
export function standingOf({ wantsSecureBoot, hasMachine, drift, firmwareOutcome }: StandingFacts): Standing {
  if (drift !== null && drift.length > 0) return "drift";
  if (!hasMachine) return "no-machine";
  if (!wantsSecureBoot) return "off";
  if (firmwareOutcome === "refused") return "refused";
  return drift === null ? "switched-on" : "enforced";
}
