import type { PolicyCell, PolicyProfile } from "./profile.ts";

const off: PolicyCell = { decision: "off", rule: "Neither the image nor the flavor asks for Secure Boot." };
const imageMay: PolicyCell = { decision: "on-if-capable", rule: "The image makes Secure Boot optional: on where the host can." };
const flavorMay: PolicyCell = { decision: "on-if-capable", rule: "The flavor makes Secure Boot optional: on where the host can." };
const bothMay: PolicyCell = { decision: "on-if-capable", rule: "The image and the flavor make Secure Boot optional: on where the host can." };
const flavor: PolicyCell = { decision: "on", rule: "The flavor requires Secure Boot." };
const image: PolicyCell = { decision: "on", rule: "The image requires Secure Boot." };
const both: PolicyCell = { decision: "on", rule: "The image and the flavor require Secure Boot." };
const disagree: PolicyCell = { decision: "conflict", rule: "The image and the flavor both speak of Secure Boot and do not say the same." };
const flavorUnknown: PolicyCell = { decision: "conflict", rule: "The flavor's os:secure_boot is none of disabled, optional, required." };
const unknown: PolicyCell = { decision: "conflict", rule: "The image's os_secure_boot is none of disabled, optional, required." };

/** Nova since 23 (`hardware.get_secure_boot_constraint`, common to its drivers) with libvirt's reading of `optional`. */
export const novaLibvirtProfile: PolicyProfile = {
  name: "nova-libvirt",
  title: "Nova's libvirt driver, release 23 and later",
  table: {
    absent: { absent: off, disabled: off, optional: flavorMay, required: flavor, other: flavorUnknown },
    disabled: { absent: off, disabled: off, optional: disagree, required: disagree, other: flavorUnknown },
    optional: { absent: imageMay, disabled: disagree, optional: bothMay, required: disagree, other: flavorUnknown },
    required: { absent: image, disabled: disagree, optional: disagree, required: both, other: flavorUnknown },
    other: { absent: unknown, disabled: unknown, optional: unknown, required: unknown, other: unknown },
  },
};
