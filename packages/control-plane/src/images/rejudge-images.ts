import { existsSync } from "node:fs";
import type { Store } from "../store/database.ts";
import { recordFindings } from "./findings.ts";
import type { ImageFiles } from "./image-files.ts";
import { judgedWith } from "./judge/judged-with.ts";
import type { Judge } from "./judge/judge-image.ts";

export interface RejudgeParts {
  readonly store: Store;
  readonly files: ImageFiles;
  readonly judge: Judge;
}

/**
 * Judges once more every image whose report was made with other rules or other trust data, one after the other. Images whose data lies
 * elsewhere are left to whoever has it. Answers with how many were judged.
 */
export async function rejudgeImages({ store, files, judge }: RejudgeParts, signal: AbortSignal): Promise<number> {
  const outdated = await store.selectFrom("images").select("id").where("file_name", "is not", null).where((where) => where.or([where("judged_with", "is", null), where("judged_with", "!=", judgedWith)])).execute();
  let judged = 0;
  for (const { id } of outdated) {
    if (signal.aborted) break;
    const image = await store.selectFrom("images").selectAll().where("id", "=", id).executeTakeFirst();
    if (image?.file_name == null || !existsSync(files.path(image.file_name))) continue;
    const report = await judge({ path: files.path(image.file_name), file: image.name ?? image.id, declaredFormat: image.disk_format, sizeBytes: image.size_bytes ?? 0 });
    await store.transaction().execute(async (transaction) => {
      // It may have been deleted, or given other properties, meanwhile.
      const current = await transaction.selectFrom("images").selectAll().where("id", "=", id).where("file_name", "=", image.file_name).forUpdate().executeTakeFirst();
      if (current !== undefined) await recordFindings(transaction, current, report);
    });
    judged += 1;
  }
  return judged;
}
