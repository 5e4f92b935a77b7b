import type { SignetServer, Standing } from "@signet/control-plane/api-shapes";
import type { Outcome } from "@signet/secure-boot";
import type { ReactNode } from "react";
import { Chip, type Tone } from "./chip.tsx";
import { FIRMWARE_WORDS, STANDING_WORDS } from "./server-standing.ts";

const OUTCOME_TONES: Readonly<Record<Outcome, Tone>> = { boots: "good", refused: "bad", unbootable: "bad", unknown: "warn" };
const STANDING_TONES: Readonly<Record<Standing, Tone>> = { enforced: "good", "switched-on": "warn", refused: "bad", drift: "bad", off: "plain", "no-machine": "plain" };
const FIRMWARE_TONES: Readonly<Record<NonNullable<SignetServer["firmware"]>["outcome"], Tone>> = { accepted: "good", refused: "bad", "nothing-to-boot": "bad", undecided: "warn" };

export function OutcomeChip({ outcome }: { readonly outcome: Outcome }): ReactNode {
  return <Chip tone={OUTCOME_TONES[outcome]}>{outcome}</Chip>;
}

export function StandingChip({ standing }: { readonly standing: Standing }): ReactNode {
  return <Chip tone={STANDING_TONES[standing]}>{STANDING_WORDS[standing]}</Chip>;
}

export function FirmwareChip({ outcome }: { readonly outcome: NonNullable<SignetServer["firmware"]>["outcome"] }): ReactNode {
  return <Chip tone={FIRMWARE_TONES[outcome]}>{FIRMWARE_WORDS[outcome]}</Chip>;
}

export function StatusChip({ status, taskState }: { readonly status: string; readonly taskState: string | null }): ReactNode {
  const tone: Tone = status === "ACTIVE" ? "good" : status === "ERROR" ? "bad" : status === "BUILD" ? "info" : "plain";
  return <Chip tone={tone}>{taskState === null ? status.toLowerCase() : `${status.toLowerCase()}, ${taskState}`}</Chip>;
}

/** Yes, no, or that it cannot be said. */
export function YesNoChip({ value }: { readonly value: boolean | null }): ReactNode {
  if (value === null) return <Chip tone="warn">unknown</Chip>;
  return value ? <Chip tone="good">yes</Chip> : <Chip tone="bad">no</Chip>;
}

/** `null` means that nothing was compared yet. */
export function MatchChip({ matches }: { readonly matches: boolean | null }): ReactNode {
  if (matches === null) return <Chip tone="warn">not read back yet</Chip>;
  return matches ? <Chip tone="good">matches</Chip> : <Chip tone="bad">mismatch</Chip>;
}
