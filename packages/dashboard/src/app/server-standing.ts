import type { SignetServer } from "@signet/control-plane/api-shapes";

/**
 * Where a machine stands with the promise.
 * enforced: on, read back as asked, and firmware has not refused the loader. refused: on, and firmware refused it.
 * switched on: asked for, not proven by a read-back yet. drift: what the host says is not what was asked. off: not asked for.
 * no machine: being built, or refused before there was one; nothing is switched on there.
 */
export type Standing = "enforced" | "switched-on" | "refused" | "drift" | "off" | "no-machine";

export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  enforced: "enforced",
  "switched-on": "on, not proven",
  refused: "refused by firmware",
  drift: "differs from desired",
  off: "off",
  "no-machine": "no machine",
};

export function standingOf(server: SignetServer): Standing {
  if (server.matches === false) return "drift";
  if (server.machineGuid === null && server.actual === null) return "no-machine";
  if (!server.desired.secureBootEnabled) return "off";
  if (server.firmware?.outcome === "refused") return "refused";
  return server.matches === true && server.actual?.secureBootEnabled === true ? "enforced" : "switched-on";
}

/** One fact beside the other; `differs` is null while nothing has been read back. */
export interface FactPair {
  readonly name: string;
  readonly desired: string;
  readonly actual: string | null;
  readonly differs: boolean | null;
}

const onOff = (enabled: boolean): string => (enabled ? "on" : "off");

export function compareFacts(server: SignetServer): readonly FactPair[] {
  const { desired, actual } = server;
  const pair = (name: string, wanted: string, found: string | null, isSame: boolean): FactPair => ({ name, desired: wanted, actual: found, differs: actual === null ? null : !isSame });
  const template = (side: { templateName: string | null; templateId: string | null }): string => side.templateName ?? side.templateId ?? "none";
  return [
    pair("Secure Boot", onOff(desired.secureBootEnabled), actual && onOff(actual.secureBootEnabled), desired.secureBootEnabled === actual?.secureBootEnabled),
    // A machine keeps some template even while Secure Boot is off; it means nothing then, and no host need agree about it.
    pair("Template", template(desired), actual && template(actual), !desired.secureBootEnabled || desired.templateId === null || desired.templateId === actual?.templateId),
    pair("Generation", String(desired.generation), actual && String(actual.generation), desired.generation === actual?.generation),
  ];
}

/** The mismatch as a sentence for each fact; empty when there is none or nothing was read yet. */
export function describeDrift(server: SignetServer): readonly string[] {
  const named = compareFacts(server)
    .filter((fact) => fact.differs === true)
    .map((fact) => `${fact.name} is ${fact.actual} on the host; ${fact.desired} was asked for.`);
  return named.length === 0 && server.matches === false ? ["The host's read-back differs from what was asked for."] : named;
}

export const FIRMWARE_WORDS: Readonly<Record<NonNullable<SignetServer["firmware"]>["outcome"], string>> = {
  accepted: "accepted",
  refused: "refused",
  "nothing-to-boot": "nothing to boot",
  undecided: "undecided",
};
