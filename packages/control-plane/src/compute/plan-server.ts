import { type AskedBy, decideSecureBoot, generation2MachineType, type Objection, objectToSecureBoot, type PolicyDecision, type ProfileName, vhdObjection } from "@signet/secure-boot/policy";
import { noDiskReason } from "../no-disk-reason.ts";
import { Refusal } from "../refusal.ts";
import type { Resources, SecureBootNeed } from "../scheduling/host-state.ts";
import { InvalidImageMetadata, readPlacementMetadata } from "../scheduling/image-metadata.ts";
import { chooseTemplate, verdictOf } from "./choose-template.ts";
import type { BootImage } from "./image-port.ts";
import type { FlavorSnapshot, PolicyRecord, PredictionRecord } from "./server-record.ts";

export interface PlanQuestion {
  readonly image: BootImage;
  readonly flavor: FlavorSnapshot;
  readonly profile: ProfileName;
  /** Set when an administrator asked to go past a predicted refusal; who it was. */
  readonly forcedBy: string | null;
}

/** What is known before any host is looked at. */
export interface ServerPlan {
  readonly needs: Resources;
  readonly generation: 1 | 2;
  readonly format: "vhdx" | "vhd";
  readonly policy: PolicyRecord;
  readonly secureBoot: SecureBootNeed;
  readonly prediction: PredictionRecord | null;
}

/** Decides all that can be decided without a host. Throws a `Refusal` with what to change. Pure. */
export function planServer(question: PlanQuestion): ServerPlan {
  const { image, flavor } = question;
  refuseUnfitImage(image, flavor);
  const decision = decide(question);
  const generation = readGeneration(image);
  const format = readFormat(image, generation);
  const asked = question.forcedBy === null ? decision.asked : [...decision.asked, { source: "scheduler hint", name: "signet:force", value: "true" } satisfies AskedBy];
  const policy: PolicyRecord = { profile: decision.profile, asked, decision: decision.decision, rule: decision.rule, generation, template: null };
  // Where the host may decide, a Generation 1 image decides first: such a machine has no Secure Boot.
  const wanted = decision.decision === "on-if-capable" && generation === 1 ? "off" : (decision.decision as "on" | "off" | "on-if-capable");
  const family = image.report?.family ?? null;
  const needs = needsOf(flavor, image);
  if (wanted === "off") return { needs, generation, format, policy: { ...policy, decision: "off" }, secureBoot: { wanted, template: null, family }, prediction: null };
  if (wanted === "on") refuseObjection(objectTo(question, decision));
  const template = chooseTemplate(image.report, image.signature?.value ?? null);
  const prediction = predict(question, template);
  return { needs, generation, format, policy: { ...policy, template }, secureBoot: { wanted, template, family }, prediction };
}

/** A flavor without a disk of its own takes the image's size, as in Nova. */
function needsOf(flavor: FlavorSnapshot, image: BootImage): Resources {
  return { vcpus: flavor.vcpus, memoryBytes: flavor.memoryMib * 1024 ** 2, diskBytes: Math.max(flavor.diskGib * 1024 ** 3, image.virtualSizeBytes ?? 0) };
}

function refuseUnfitImage(image: BootImage, flavor: FlavorSnapshot): void {
  if (image.status !== "active") {
    throw new Refusal({ code: "SIG-IMAGE-NOT-ACTIVE", httpStatus: 400, message: `Image ${image.id} is not active.`, remedy: `Its status is ${image.status}: upload its data first.` });
  }
  if (image.minRamMib > flavor.memoryMib) {
    throw new Refusal({ code: "SIG-FLAVOR-MEMORY", httpStatus: 400, message: "Flavor's memory is too small for requested image.", remedy: `The image needs ${image.minRamMib} MiB, the flavor has ${flavor.memoryMib}.` });
  }
  if (flavor.diskGib !== 0 && image.minDiskGib > flavor.diskGib) {
    const bytes = (sizeGib: number): number => sizeGib * 1024 ** 3;
    throw new Refusal({
      code: "SIG-FLAVOR-DISK", httpStatus: 400, remedy: "Choose a flavor with a larger disk.",
      message: `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${bytes(flavor.diskGib)} bytes, minimum size is ${bytes(image.minDiskGib)} bytes.`,
    });
  }
  try {
    readPlacementMetadata(image.properties);
  } catch (error) {
    if (!(error instanceof InvalidImageMetadata)) throw error;
    throw new Refusal({ code: "SIG-IMAGE-METADATA", httpStatus: 400, message: `Invalid image metadata. Error: ${error.message}`, cause: error });
  }
}

function decide({ image, flavor, profile }: PlanQuestion): PolicyDecision {
  const spec = flavor.extraSpecs["os:secure_boot"];
  const decision = decideSecureBoot({ profile, imageProperty: image.properties["os_secure_boot"] ?? null, flavorSpec: spec === undefined ? null : String(spec) });
  if (decision.decision !== "conflict") return decision;
  const [byImage, byFlavor] = decision.asked;
  throw new Refusal({
    code: "SIG-POLICY-CONFLICT", httpStatus: 400,
    message: `${decision.rule} Image "${nameOf(image)}" has os_secure_boot=${byImage?.value ?? "(absent)"}, flavor "${flavor.name}" has os:secure_boot=${byFlavor?.value ?? "(absent)"}.`,
    remedy: `Make the two agree, or choose another of the values disabled, optional, required (policy profile ${profile}).`,
    evidence: { policy: decision },
  });
}

function readGeneration(image: BootImage): 1 | 2 {
  const machineType = image.properties["hw_machine_type"];
  if (machineType === undefined || machineType === "hyperv-gen1") return 1;
  if (machineType === generation2MachineType) return 2;
  throw new Refusal({
    code: "SIG-IMAGE-MACHINE-TYPE", httpStatus: 400, message: `Image "${nameOf(image)}" has hw_machine_type=${machineType}, which Hyper-V does not know.`,
    remedy: "Set hw_machine_type=hyperv-gen2 (UEFI) or hyperv-gen1 (BIOS) on the image.",
  });
}

function readFormat(image: BootImage, generation: 1 | 2): "vhdx" | "vhd" {
  const format = image.detectedFormat === "vpc" ? "vhd" : image.detectedFormat;
  if (format === "vhd" && generation === 2) refuseObjection(vhdObjection(nameOf(image)));
  if (format === "vhdx" || format === "vhd") return format;
  const noDisk = noDiskReason(image.report);
  if (noDisk !== null) {
    throw new Refusal({
      code: "SIG-IMAGE-NO-DISK", httpStatus: 400, message: `Image "${nameOf(image)}" holds no disk to boot from: ${noDisk.text}`,
      remedy: "An image takes its data once: upload the right file to a new image.", evidence: { code: noDisk.code },
    });
  }
  throw new Refusal({
    code: "SIG-IMAGE-FORMAT", httpStatus: 400, message: `Image "${nameOf(image)}" is ${format === null ? "of an unknown format" : `a ${format} image`}, and Hyper-V boots VHDX or VHD only.`,
    remedy: `Convert it with \`qemu-img convert -O vhdx -o subformat=dynamic in.${format ?? "img"} out.vhdx\` and upload the result with --disk-format vhdx.`,
    evidence: { detectedFormat: image.detectedFormat },
  });
}

function objectTo({ image, flavor, forcedBy }: PlanQuestion, decision: PolicyDecision): Objection | null {
  return objectToSecureBoot({
    imageName: nameOf(image), flavorName: flavor.name, asked: decision.asked, machineType: image.properties["hw_machine_type"] ?? null, family: image.report?.family ?? null,
    signature: image.signature?.value ?? null, // A contradicted signature is a predicted refusal, and may be forced as one.
    signatureContradiction: forcedBy === null ? (image.signature?.contradiction ?? null) : null,
    detectedFormat: image.detectedFormat === "vpc" ? "vhd" : image.detectedFormat,
  });
}

function refuseObjection(objection: Objection | null): void {
  if (objection !== null) throw new Refusal({ code: objection.code, httpStatus: 400, message: objection.text, remedy: objection.remedy });
}

function predict({ image, forcedBy }: PlanQuestion, template: ReturnType<typeof chooseTemplate>): PredictionRecord | null {
  const verdict = verdictOf(image.report, template);
  if (verdict === null) return null;
  const isRefused = verdict.outcome === "refused";
  if (isRefused && forcedBy === null) {
    const words = verdict.firmwareMessage === null ? "" : ` with "${verdict.firmwareMessage}"`;
    throw new Refusal({
      code: "SIG-PREDICTED-REFUSED", httpStatus: 400,
      message: `Firmware will refuse image "${nameOf(image)}" under template ${template.name}${words}: ${verdict.because.map(({ text }) => text).join(" ")}`,
      remedy: verdict.remedies.map(({ text }) => text).join(" ") || null, evidence: { verdict },
    });
  }
  return { trust: template.name, outcome: verdict.outcome, because: verdict.because, forcedBy: isRefused ? forcedBy : null };
}

const nameOf = (image: BootImage): string => image.name ?? image.id;
