import type { SignetServer, Standing } from "@signet/control-plane/api-shapes";

export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  enforced: "enforced",
  "switched-on": "on, not proven",
  refused: "refused by firmware",
  drift: "differs from desired",
  off: "off",
  "no-machine": "no machine",
};

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

export const FIRMWARE_WORDS: Readonly<Record<NonNullable<SignetServer["firmware"]>["outcome"], string>> = {
  accepted: "accepted",
  refused: "refused",
  "nothing-to-boot": "nothing to boot",
  undecided: "undecided",
};
