import type { PolicyCell, PolicyProfile } from "./profile.ts";

const off: PolicyCell = { decision: "off", rule: "Neither the image nor the flavor requires Secure Boot." };
const capable: PolicyCell = { decision: "off", rule: "The image is capable of Secure Boot, but only a flavor that requires it turns it on." };
const flavor: PolicyCell = { decision: "on", rule: "The flavor requires Secure Boot and overrides the image." };
const image: PolicyCell = { decision: "on", rule: "The image requires Secure Boot." };
const both: PolicyCell = { decision: "on", rule: "The image and the flavor require Secure Boot." };
const unknown: PolicyCell = { decision: "conflict", rule: "The image's os_secure_boot is none of disabled, optional, required." };

/** The blueprint "Hyper-V UEFI SecureBoot" for Nova: the flavor knows one word, `required`, and overrides the image. */
export const blueprintProfile: PolicyProfile = {
  name: "blueprint",
  title: "The blueprint's own rules (default)",
  table: {
    absent: { absent: off, disabled: off, optional: off, required: flavor, other: off },
    disabled: { absent: off, disabled: off, optional: off, required: flavor, other: off },
    optional: { absent: capable, disabled: capable, optional: capable, required: flavor, other: capable },
    required: { absent: image, disabled: image, optional: image, required: both, other: image },
    other: { absent: unknown, disabled: unknown, optional: unknown, required: unknown, other: unknown },
  },
};
