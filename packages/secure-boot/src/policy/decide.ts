import { blueprintProfile } from "./blueprint-table.ts";
import { novaHypervProfile } from "./nova-hyperv-table.ts";
import { novaLibvirtProfile } from "./nova-libvirt-table.ts";
import type { Decision, PolicyProfile, ProfileName, Said } from "./profile.ts";

export const profiles: Readonly<Record<ProfileName, PolicyProfile>> = {
  blueprint: blueprintProfile,
  "nova-hyperv": novaHypervProfile,
  "nova-libvirt": novaLibvirtProfile,
};

export interface PolicyQuestion {
  readonly profile: ProfileName;
  /** Image property `os_secure_boot`; null when the image does not have it. */
  readonly imageProperty: string | null;
  /** Flavor extra spec `os:secure_boot`; null when the flavor does not have it. */
  readonly flavorSpec: string | null;
  /** Whether the chosen host can; settles `on-if-capable`. Left out while no host is chosen. */
  readonly hostCan?: boolean;
}

export interface AskedBy {
  readonly source: "image property" | "flavor extra spec" | "scheduler hint";
  readonly name: string;
  readonly value: string | null;
}

export interface PolicyDecision {
  readonly profile: ProfileName;
  readonly decision: Decision;
  readonly rule: string;
  readonly asked: readonly AskedBy[];
}

/** Whether a machine is created with Secure Boot, and by which rule. The tables are docs/policy.md. */
export function decideSecureBoot(question: PolicyQuestion): PolicyDecision {
  const cell = profiles[question.profile].table[readWord(question.imageProperty)][readWord(question.flavorSpec)];
  return {
    profile: question.profile,
    decision: settle(cell.decision, question.hostCan),
    rule: cell.rule,
    asked: [
      { source: "image property", name: "os_secure_boot", value: question.imageProperty },
      { source: "flavor extra spec", name: "os:secure_boot", value: question.flavorSpec },
    ],
  };
}

function settle(decision: Decision, hostCan: boolean | undefined): Decision {
  if (decision !== "on-if-capable" || hostCan === undefined) return decision;
  return hostCan ? "on" : "off";
}

// Exact words, as Nova's enumeration fields compare them: "Required" is another word.
function readWord(value: string | null): Said {
  if (value === null) return "absent";
  return value === "disabled" || value === "optional" || value === "required" ? value : "other";
}
