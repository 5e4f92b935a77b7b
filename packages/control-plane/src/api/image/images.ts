import type { FastifyInstance, FastifyRequest } from "fastify";
import { changeImage, deleteImage, setDeactivated } from "../../images/change-image.ts";
import { createImage } from "../../images/create-image.ts";
import { type ListQuery, listImages } from "../../images/list-images.ts";
import { invalidImage } from "../../images/refusals.ts";
import { findImage } from "../../images/visibility.ts";
import { Refusal } from "../../refusal.ts";
import { baseOf } from "../http/base-url.ts";
import { parseJson, readText } from "../http/body-parsing.ts";
import { callerOf } from "../http/session.ts";
import type { ImageDeps } from "./index.ts";
import { PATCH_TYPES, readPatch } from "./json-patch.ts";
import { representImage } from "./represent.ts";

export type ByImage = { Params: { id: string } };

/** `/v2/images`: where a path names an image, its id or its unique name will do. */
export function registerImageRoutes(scope: FastifyInstance, { store, files }: ImageDeps): void {
  scope.post("/v2/images", async (request, reply) => {
    const body = await readJson(request);
    if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalidImage("The request body must be a JSON object with the image's attributes.");
    const image = await createImage(store, callerOf(request), body as Record<string, unknown>);
    return reply.code(201).header("Location", `${baseOf(request)}/image/v2/images/${image.id}`).send(representImage(image));
  });

  scope.get("/v2/images", async (request, reply) => {
    const query = request.query as ListQuery;
    const { images, nextMarker } = await listImages(store, callerOf(request), query);
    const page = {
      images: images.map(representImage),
      first: listPath(query, null),
      ...(nextMarker === null ? {} : { next: listPath(query, nextMarker) }),
      schema: "/v2/schemas/images",
    };
    return reply.type("application/json; charset=utf-8").send(JSON.stringify(page));
  });

  scope.get<ByImage>("/v2/images/:id", async (request) => representImage(await findImage(store, callerOf(request), request.params.id)));

  scope.patch<ByImage>("/v2/images/:id", async (request, reply) => {
    const mediaType = request.headers["content-type"]?.split(";")[0]?.trim() ?? "";
    if (!PATCH_TYPES.some((known) => known === mediaType)) {
      void reply.header("Accept-Patch", PATCH_TYPES.join(", "));
      throw new Refusal({ code: "SIG-IMAGE-MEDIA-TYPE", httpStatus: 415, message: `The media type "${mediaType}" is not supported for this request. Supported are ${PATCH_TYPES.join(" and ")}.` });
    }
    const steps = readPatch(await readJson(request), mediaType);
    return representImage(await changeImage(store, callerOf(request), request.params.id, steps));
  });

  scope.delete<ByImage>("/v2/images/:id", async (request, reply) => {
    const { fileName } = await deleteImage(store, callerOf(request), request.params.id).catch((error: unknown) => {
      if (error instanceof Refusal && error.httpStatus === 404) throw new Refusal({ code: error.code, httpStatus: 404, message: `Failed to find image ${request.params.id} to delete` });
      throw error;
    });
    // The row is gone for good; a file that a crash leaves here is swept at the next start.
    if (fileName !== null) await files.remove(fileName);
    return reply.code(204).send();
  });

  for (const [action, deactivated] of [["deactivate", true], ["reactivate", false]] as const) {
    scope.post<ByImage>(`/v2/images/:id/actions/${action}`, async (request, reply) => {
      await setDeactivated(store, callerOf(request), request.params.id, deactivated);
      return reply.code(204).send();
    });
  }

  scope.post<ByImage>("/v2/images/:id/import", async (request) => {
    const body = (await readJson(request)) as { method?: { name?: unknown } } | undefined;
    const image = await findImage(store, callerOf(request), request.params.id);
    if (image.status !== "queued") throw new Refusal({ code: "SIG-IMAGE-CONFLICT", httpStatus: 409, message: `Image with status ${image.status} cannot be target for import` });
    throw invalidImage(`Unknown import method name '${String(body?.method?.name)}'.`, "Upload the data instead: it goes straight to the image.");
  });

  scope.get<ByImage>("/v2/images/:id/tasks", async (request) => {
    const image = await findImage(store, callerOf(request), request.params.id);
    return { tasks: [], image_id: image.id };
  });
}

export async function readJson(request: FastifyRequest): Promise<unknown> {
  return parseJson(await readText(request.raw), (cause) => new Refusal({ code: "SIG-IMAGE-MALFORMED", httpStatus: 400, message: "Malformed JSON in request body.", cause }));
}

/** Paths begin with `/v2`, without host or prefix: the clients put their endpoint before them. */
function listPath(query: ListQuery, marker: string | null): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (name !== "marker") for (const text of [value].flat()) words.append(name, text);
  if (marker !== null) words.append("marker", marker);
  const text = words.toString();
  return text === "" ? "/v2/images" : `/v2/images?${text}`;
}
