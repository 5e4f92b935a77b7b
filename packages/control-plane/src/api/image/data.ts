import type { FastifyInstance } from "fastify";
import { forbiddenImage } from "../../images/refusals.ts";
import { uploadImage } from "../../images/upload-image.ts";
import { findImage } from "../../images/visibility.ts";
import { Refusal } from "../../refusal.ts";
import { sendFile } from "../http/send-file.ts";
import { callerOf } from "../http/session.ts";
import type { ByImage } from "./images.ts";
import type { ImageDeps } from "./index.ts";

const DATA_TYPE = "application/octet-stream";

/** `/v2/images/{id}/file`: an image's bytes, in and out. */
export function registerDataRoutes(scope: FastifyInstance, deps: ImageDeps): void {
  scope.put<ByImage>("/v2/images/:id/file", async (request, reply) => {
    const type = request.headers["content-type"]?.split(";")[0]?.trim();
    if (type !== undefined && type !== DATA_TYPE) {
      throw new Refusal({ code: "SIG-IMAGE-MEDIA-TYPE", httpStatus: 415, message: `The media type "${type}" is not supported for image data. Supported is ${DATA_TYPE}.` });
    }
    try {
      await uploadImage(deps, callerOf(request), request.params.id, request.raw.iterator({ destroyOnReturn: false }), announcedBytes(request.headers["content-length"]));
    } catch (error) {
      // Clients read the answer when they have sent everything: cutting them off would hide why. So the rest is read and thrown away.
      request.raw.resume();
      throw error;
    }
    return reply.code(204).send();
  });

  scope.get<ByImage>("/v2/images/:id/file", async (request, reply) => {
    const caller = callerOf(request);
    const image = await findImage(deps.store, caller, request.params.id);
    if (image.status === "deactivated" && !caller.isAdmin) throw forbiddenImage("The requested image has been deactivated. Image data download is forbidden.");
    if (image.file_name === null) return reply.code(204).send();
    // Hex, not base64 as RFC 1864 has it: that is what the clients compare with.
    void reply.header("Content-Md5", image.md5);
    return sendFile(request, reply, { path: deps.files.path(image.file_name), sizeBytes: image.size_bytes! });
  });
}

/** Null where the client does not say, as with chunked transfer. */
function announcedBytes(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
