import { memorySource } from "@signet/disk-image";
import { type FirmwareName, type ImageReport, inspectImage, type TrustVerdict } from "@signet/secure-boot";
import { type TrustRecipe, buildBootDisk, buildTrust } from "./recipes/boot-disk-recipe.ts";

export async function inspectDisk(disk: Uint8Array, trust: TrustRecipe, firmware: FirmwareName = "edk2-2026.08"): Promise<ImageReport> {
  return inspectImage(memorySource(disk), { file: "disk.raw", trusts: [buildTrust(trust)], firmware, now: new Date("2026-11-24T00:00:00Z") });
}

export async function judgeDisk(disk: Uint8Array, trust: TrustRecipe, firmware?: FirmwareName): Promise<TrustVerdict> {
  const [verdict] = (await inspectDisk(disk, trust, firmware)).verdicts;
  if (verdict === undefined) throw new Error("No verdict was given.");
  return verdict;
}

/** The outcome with the first reason's code, such as "refused SB-UNSIGNED". */
export async function outcomeOf(loader: Uint8Array, trust: TrustRecipe, firmware?: FirmwareName): Promise<string> {
  const { outcome, because } = await judgeDisk(buildBootDisk(loader), trust, firmware);
  return [outcome, because[0]?.code].filter((part) => part !== undefined).join(" ");
}
