import type { PolicyCell, PolicyProfile } from "./profile.ts";

const off: PolicyCell = { decision: "off", rule: "Neither the image nor the flavor requires Secure Boot." };
const capable: PolicyCell = { decision: "off", rule: "The image is capable of Secure Boot, but only a flavor that requires it turns it on." };
const flavor: PolicyCell = { decision: "on", rule: "The flavor requires Secure Boot." };
const image: PolicyCell = { decision: "on", rule: "The image requires Secure Boot." };
const both: PolicyCell = { decision: "on", rule: "The image and the flavor require Secure Boot." };
const imageForbids: PolicyCell = { decision: "conflict", rule: "The flavor requires Secure Boot and the image disables it." };
const flavorForbids: PolicyCell = { decision: "conflict", rule: "The image requires Secure Boot and the flavor disables it." };
const unknown: PolicyCell = { decision: "conflict", rule: "The image's os_secure_boot is none of disabled, optional, required." };

/** What the Hyper-V driver of Nova 15 to 28 did by itself (`vmops._requires_secure_boot`): an explicit `disabled` against `required` is a conflict. */
export const novaHypervProfile: PolicyProfile = {
  name: "nova-hyperv",
  title: "Nova's Hyper-V driver, releases 15 to 28",
  table: {
    absent: { absent: off, disabled: off, optional: off, required: flavor, other: off },
    disabled: { absent: off, disabled: off, optional: off, required: imageForbids, other: off },
    optional: { absent: capable, disabled: capable, optional: capable, required: flavor, other: capable },
    required: { absent: image, disabled: flavorForbids, optional: image, required: both, other: image },
    other: { absent: unknown, disabled: unknown, optional: unknown, required: unknown, other: unknown },
  },
};
