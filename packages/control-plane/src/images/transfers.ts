import { createHash, randomBytes } from "node:crypto";
import type { ImageId } from "../ids.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/database.ts";
import type { ImageRecord } from "./image-record.ts";

const TOKEN_BYTES = 32;
/** From the moment it is given out: a host starts to fetch at once, and may begin again until then when the connection breaks. A transfer under way is not cut. */
export const TRANSFER_LIFETIME_MS = 15 * 60_000;

export interface Transfer {
  /** Stands in the path of the address, is its only key, and is never logged. */
  readonly token: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** An address for one host to fetch one image from: hosts have no account here. The store keeps the hash of the token only. */
export async function issueTransfer(store: Store, imageId: ImageId, hostId: string, now: Date = new Date()): Promise<Transfer> {
  const image = await store.selectFrom("images").select(["sha256", "size_bytes", "status"]).where("id", "=", imageId).executeTakeFirst();
  if (image === undefined || image.status !== "active") {
    throw new Refusal({ code: "SIG-IMAGE-NO-DATA", httpStatus: 409, message: `Image ${imageId} has no data that a host could fetch (${image?.status ?? "it was deleted"}).`, remedy: "Use an active image." });
  }
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  await store.insertInto("image_transfers").values({ token_hash: hashOf(token), image_id: imageId, host_id: hostId, expires_at: new Date(now.getTime() + TRANSFER_LIFETIME_MS) }).execute();
  return { token, sha256: image.sha256!, sizeBytes: image.size_bytes! };
}

/** The image that a token admits to; null when the token is unknown or expired, or the image has no data any more. */
export async function redeemTransfer(store: Store, token: string, now: Date = new Date()): Promise<ImageRecord | null> {
  const image = await store.selectFrom("image_transfers").innerJoin("images", "images.id", "image_transfers.image_id").selectAll("images")
    .where("token_hash", "=", hashOf(token)).where("expires_at", ">", now).where("images.status", "=", "active").executeTakeFirst();
  return image ?? null;
}

/** Ends the addresses of one image for one host, once its bytes have arrived there. */
export async function endTransfers(store: Store, imageId: ImageId, hostId: string): Promise<void> {
  await store.deleteFrom("image_transfers").where("image_id", "=", imageId).where("host_id", "=", hostId).execute();
}

export async function sweepTransfers(store: Store, now: Date = new Date()): Promise<void> {
  await store.deleteFrom("image_transfers").where("expires_at", "<=", now).execute();
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
