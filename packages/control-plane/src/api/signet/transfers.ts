import type { FastifyInstance } from "fastify";
import type { ImageFiles } from "../../images/image-files.ts";
import { redeemTransfer } from "../../images/transfers.ts";
import { Refusal } from "../../refusal.ts";
import type { Store } from "../../store/database.ts";
import { sendFile } from "../http/send-file.ts";

/** `/signet/v1/transfers/{token}`: where a host fetches an image. The token in the path is the whole permission. */
export function registerTransfers(scope: FastifyInstance, { store, files }: { readonly store: Store; readonly files: ImageFiles }): void {
  scope.get<{ Params: { token: string } }>("/transfers/:token", { config: { openToAll: true } }, async (request, reply) => {
    const image = await redeemTransfer(store, request.params.token);
    if (image === null) throw new Refusal({ code: "SIG-TRANSFER-UNKNOWN", httpStatus: 404, message: "This address is not valid, or not any more.", remedy: "Begin the transfer anew: each one has an address of its own." });
    void reply.header("Cache-Control", "no-store");
    return sendFile(request, reply, { path: files.path(image.file_name!), sizeBytes: image.size_bytes! });
  });
}
