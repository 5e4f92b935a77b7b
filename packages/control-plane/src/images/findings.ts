import { deriveSignatureClaim, type ImageReport, matchSignatureClaim } from "@signet/secure-boot";
import type { Transaction } from "kysely";
import type { Database } from "../store/database.ts";
import type { ImageChange, ImageRecord } from "./image-record.ts";
import { judgedWith } from "./judge/judged-with.ts";

/** Keeps what the judge found in an image, in place of what it found before. */
export async function recordFindings(transaction: Transaction<Database>, image: ImageRecord, report: ImageReport): Promise<void> {
  await transaction.updateTable("images").set(describeFindings(image, report)).where("id", "=", image.id).execute();
  await transaction.deleteFrom("image_verdicts").where("image_id", "=", image.id).execute();
  if (report.verdicts.length === 0) return;
  await transaction.insertInto("image_verdicts").values(report.verdicts.map((verdict) => ({
    image_id: image.id, trust: verdict.trust, outcome: verdict.outcome, stage: verdict.stage, serviceable: verdict.serviceable, survives_next_revocation: verdict.survivesNextRevocation,
  }))).execute();
}

function describeFindings(image: ImageRecord, report: ImageReport): ImageChange {
  const stated = image.properties["os_secure_boot_signature"];
  return {
    virtual_size_bytes: virtualSize(image, report),
    detected_format: report.format.detected === "unknown" ? null : report.format.detected,
    report: JSON.stringify(report),
    judged_at: new Date(),
    judged_with: judgedWith,
    derived_signature: deriveSignatureClaim(report),
    signature_contradiction: stated === undefined ? null : matchSignatureClaim(stated, report).contradiction,
  };
}

/** Null where nothing was found that has a size of its own, as in Glance. */
function virtualSize({ disk_format: declared, size_bytes: sizeBytes }: ImageRecord, { format }: ImageReport): number | null {
  if (sizeBytes === 0 || format.detected === "unknown") return null;
  if (format.detected === "raw") return declared === "raw" || declared === "iso" ? sizeBytes : null;
  return Number.isSafeInteger(format.virtualSizeBytes) && format.virtualSizeBytes > 0 ? format.virtualSizeBytes : null;
}
