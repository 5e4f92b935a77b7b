import type { GuestFamily } from "../report.ts";
import type { AskedBy } from "./decide.ts";

/** What the policy needs to know of an image before a Secure Boot machine may be made of it. */
export interface SecureBootCandidate {
  readonly imageName: string;
  /** Who turned Secure Boot on. */
  readonly asked: readonly AskedBy[];
  readonly flavorName: string;
  /** Image property `hw_machine_type`; null when absent. */
  readonly machineType: string | null;
  /** Guest family as read from the boot loader; null when the image was not judged. */
  readonly family: GuestFamily | null;
  /** `os_secure_boot_signature` in force, stated or derived; null when there is none. */
  readonly signature: string | null;
  /** The loader's signatures contradict what the image states; both values as one sentence. */
  readonly signatureContradiction: string | null;
  /** Container format as detected; null when unknown. */
  readonly detectedFormat: string | null;
}

/** A sentence and a remedy with a stable code; the control plane makes a refusal of it. */
export interface Objection {
  readonly code: "SIG-POLICY-GEN2" | "SIG-POLICY-SIGNATURE" | "SIG-POLICY-SIGNATURE-CONTRADICTED" | "SIG-POLICY-VHD";
  readonly text: string;
  readonly remedy: string;
}

export const generation2MachineType = "hyperv-gen2";

/**
 * What stands against a Secure Boot machine of this image, before a host is touched (rules 4 and 5 of the blueprint, and what
 * Generation 2 needs of the disk). Null when nothing does.
 */
export function objectToSecureBoot(candidate: SecureBootCandidate): Objection | null {
  if (candidate.machineType !== generation2MachineType) {
    return {
      code: "SIG-POLICY-GEN2",
      text: `${whoAsks(candidate)}${flavorAsks(candidate) ? ", which" : " but"} is a Generation 1 image.`,
      remedy: `Set hw_machine_type=${generation2MachineType} on the image, or ${howToStopAsking(candidate)}.`,
    };
  }
  if (candidate.detectedFormat === "vhd") return vhdObjection(candidate.imageName);
  if (candidate.signatureContradiction !== null) {
    return {
      code: "SIG-POLICY-SIGNATURE-CONTRADICTED",
      text: `The os_secure_boot_signature of image "${candidate.imageName}" is contradicted by its boot loader: ${candidate.signatureContradiction}`,
      remedy: "Correct os_secure_boot_signature, or remove it from the image to have it derived from the loader.",
    };
  }
  if (candidate.family === "linux" && candidate.signature === null) {
    return {
      code: "SIG-POLICY-SIGNATURE",
      text: `${whoAsks(candidate)}, but the image says nothing of its boot loader's signature, and none could be derived.`,
      remedy: "Set os_secure_boot_signature=MicrosoftUEFICertificateAuthority on the image if its loader is signed by that authority.",
    };
  }
  return null;
}

/** Generation 2 boots VHDX only, whatever Secure Boot says. */
export function vhdObjection(imageName: string): Objection {
  return {
    code: "SIG-POLICY-VHD",
    text: `Image "${imageName}" is a VHD, and Generation 2 machines boot VHDX only.`,
    remedy: "Convert it with `qemu-img convert -f vpc -O vhdx in.vhd out.vhdx` and upload the result.",
  };
}

function flavorAsks(candidate: SecureBootCandidate): boolean {
  const said = (source: AskedBy["source"]): string | null => candidate.asked.find((asked) => asked.source === source)?.value ?? null;
  return said("flavor extra spec") === "required" && said("image property") !== "required";
}

function whoAsks(candidate: SecureBootCandidate): string {
  return flavorAsks(candidate)
    ? `Flavor "${candidate.flavorName}" asks for Secure Boot on image "${candidate.imageName}"`
    : `Image "${candidate.imageName}" asks for Secure Boot`;
}

function howToStopAsking(candidate: SecureBootCandidate): string {
  return flavorAsks(candidate) ? "choose a flavor without os:secure_boot" : "remove os_secure_boot";
}
