import type { FastifyInstance } from "fastify";
import type { Selectable } from "kysely";
import { signatureOf, type ImageRecord } from "../../images/image-record.ts";
import { findImage, mayShow } from "../../images/visibility.ts";
import type { Store } from "../../store/database.ts";
import type { ImageVerdictTable } from "../../store/tables/images.ts";
import { callerOf } from "../http/session.ts";
import type { SignetImage, SignetImageVerdicts } from "./shapes.ts";

type Verdict = Selectable<ImageVerdictTable>;

/** `/signet/v1/images`: what is in each image, and under which trust it boots. */
export function registerSignetImages(scope: FastifyInstance, { store }: { readonly store: Store }): void {
  scope.get("/images", async (request): Promise<{ images: readonly SignetImage[] }> => {
    const caller = callerOf(request);
    const images = await store.selectFrom("images").selectAll().where(mayShow(caller)).orderBy("created_at", "desc").orderBy("id", "desc").execute();
    const verdicts = await readVerdicts(store, images.map(({ id }) => id));
    return { images: images.map((image) => viewImage(image, verdicts.get(image.id) ?? [])) };
  });

  scope.get<{ Params: { id: string } }>("/images/:id", async (request): Promise<SignetImage> => {
    const image = await findImage(store, callerOf(request), request.params.id);
    return viewImage(image, (await readVerdicts(store, [image.id])).get(image.id) ?? []);
  });

  scope.get<{ Params: { id: string } }>("/images/:id/verdicts", async (request): Promise<SignetImageVerdicts> => {
    const image = await findImage(store, callerOf(request), request.params.id);
    return { imageId: image.id, judgedAt: image.judged_at?.toISOString() ?? null, report: image.report };
  });
}

async function readVerdicts(store: Store, imageIds: readonly string[]): Promise<ReadonlyMap<string, readonly Verdict[]>> {
  if (imageIds.length === 0) return new Map();
  const rows = await store.selectFrom("image_verdicts").selectAll().where("image_id", "in", imageIds).execute();
  return Map.groupBy(rows, ({ image_id }) => image_id);
}

function viewImage(image: ImageRecord, verdicts: readonly Verdict[]): SignetImage {
  // In the order in which the judge gave them: as people know the templates, not by the alphabet.
  const order = image.report?.verdicts.map(({ trust }) => trust) ?? [];
  return {
    id: image.id,
    name: image.name,
    status: image.status,
    sizeBytes: image.size_bytes,
    declaredFormat: image.disk_format,
    detectedFormat: image.detected_format,
    secureBoot: image.properties["os_secure_boot"] ?? "disabled",
    signature: signatureOf(image),
    machineType: image.properties["hw_machine_type"] ?? null,
    family: image.report?.family ?? null,
    verdicts: verdicts.toSorted((one, two) => order.indexOf(one.trust) - order.indexOf(two.trust)).map((verdict) => ({
      trust: verdict.trust, outcome: verdict.outcome, serviceable: verdict.serviceable, survivesNextRevocation: verdict.survives_next_revocation,
    })),
    createdAt: image.created_at.toISOString(),
  };
}
