import { randomUUID } from "node:crypto";
import type { Caller } from "../api/http/session.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/database.ts";
import type { Digests } from "./hashing/digests.ts";
import type { ImageFiles, StoredFile } from "./image-files.ts";
import type { ImageChange, ImageRecord } from "./image-record.ts";
import { recordFindings } from "./findings.ts";
import type { EarlyJudge, Judge, JudgeRequest } from "./judge/judge-image.ts";
import { badStatusTransition, deletedMeanwhile, invalidImage, uploadBroken } from "./refusals.ts";
import { findImage, requireWriter } from "./visibility.ts";
import type { ImageReport } from "@signet/secure-boot";

export interface UploadParts {
  readonly store: Store;
  readonly files: ImageFiles;
  readonly judge: Judge;
  /** Where it is given, the judge begins while large uploads still come in. */
  readonly judgeEarly?: (request: Omit<JudgeRequest, "isGrowing">) => EarlyJudge;
  /** Names the disk that the bytes are on: after a crash each node puts its own uploads back. */
  readonly nodeId: string;
}

/**
 * Takes an image's data (`PUT /v2/images/{id}/file`): writes, hashes, judges, and only then calls the image active, so that nobody can
 * boot what nobody has looked at. Whatever goes wrong, the image is queued again and nothing of the data is left. `announcedBytes` is
 * what the client says will come.
 */
export async function uploadImage(parts: UploadParts, caller: Caller, idOrName: string, stream: AsyncIterable<Uint8Array>, announcedBytes: number | null = null): Promise<void> {
  const image = await findImage(parts.store, caller, idOrName);
  requireWriter(caller, image, "upload_image");
  if (image.status !== "queued") throw badStatusTransition(image.status, "saving");
  const missing = (["disk_format", "container_format"] as const).filter((name) => image[name] === null);
  if (missing.length > 0) throw invalidImage(`Properties ${missing.join(", ")} must be set prior to saving data.`);
  const uploadId = await claim(parts, image.id);
  try {
    const { stored, report } = await receiveAndJudge(parts, image, uploadId, stream, announcedBytes);
    await parts.files.keep(uploadId, uploadId);
    await finish(parts.store, image, uploadId, stored, report);
  } catch (error) {
    await parts.files.discardIncoming(uploadId);
    await parts.files.remove(uploadId);
    await release(parts.store, { uploadId });
    throw error;
  }
}

/** Puts uploads back that this node was receiving when it ended. Run before requests are answered. */
export async function releaseBrokenUploads(store: Store, nodeId: string): Promise<number> {
  return release(store, { nodeId });
}

/** One upload at a time: who finds the image queued makes it theirs. */
async function claim({ store, nodeId }: UploadParts, id: string): Promise<string> {
  const uploadId = randomUUID();
  const claimed = await store.updateTable("images").set({ status: "saving", upload_id: uploadId, upload_node: nodeId, updated_at: new Date() })
    .where("id", "=", id).where("status", "=", "queued").executeTakeFirst();
  if (claimed.numUpdatedRows === 1n) return uploadId;
  const now = await store.selectFrom("images").select("status").where("id", "=", id).executeTakeFirst();
  throw now === undefined ? deletedMeanwhile(id) : badStatusTransition(now.status, "saving");
}

/** Below this the judge is through before it is worth starting early. */
const EARLY_BYTES_MIN = 8 * 1024 ** 2;

async function receiveAndJudge(parts: UploadParts, image: ImageRecord, uploadId: string, stream: AsyncIterable<Uint8Array>, announcedBytes: number | null): Promise<{ stored: StoredFile; report: ImageReport }> {
  const request = { path: parts.files.incomingPath(uploadId), file: image.name ?? image.id, declaredFormat: image.disk_format };
  let early: EarlyJudge | null = null;
  const onWritten = (bytes: number): void => {
    if (parts.judgeEarly === undefined || announcedBytes === null || announcedBytes < EARLY_BYTES_MIN) return;
    early ??= parts.judgeEarly({ ...request, sizeBytes: announcedBytes });
    early.progress(bytes);
  };
  const running = (): EarlyJudge | null => early;
  try {
    const stored = await receive(parts.files, uploadId, stream, onWritten);
    const found = stored.sizeBytes === announcedBytes ? await running()?.report().catch(() => null) : null;
    return { stored, report: found ?? (await parts.judge({ ...request, sizeBytes: stored.sizeBytes })) };
  } finally {
    running()?.abandon();
  }
}

async function receive(files: ImageFiles, uploadId: string, stream: AsyncIterable<Uint8Array>, onWritten: (bytes: number) => void): Promise<StoredFile> {
  let receivedBytes = 0;
  const counted = async function* (): AsyncIterable<Uint8Array> {
    try {
      for await (const piece of stream) {
        receivedBytes += piece.length;
        yield piece;
      }
    } catch (error) {
      throw uploadBroken(receivedBytes, error);
    }
  };
  return files.receive(uploadId, counted(), onWritten);
}

async function finish(store: Store, image: ImageRecord, uploadId: string, { sizeBytes, digests }: StoredFile, report: ImageReport): Promise<void> {
  await store.transaction().execute(async (transaction) => {
    const current = await transaction.selectFrom("images").select("properties").where("id", "=", image.id).where("upload_id", "=", uploadId).forUpdate().executeTakeFirst();
    if (current === undefined) throw deletedMeanwhile(image.id);
    await transaction.updateTable("images").set(describeData(uploadId, sizeBytes, digests)).where("id", "=", image.id).execute();
    await recordFindings(transaction, { ...image, properties: current.properties, size_bytes: sizeBytes }, report);
  });
}

function describeData(fileName: string, sizeBytes: number, digests: Digests): ImageChange {
  return { status: "active", upload_id: null, upload_node: null, file_name: fileName, size_bytes: sizeBytes, ...digests, updated_at: new Date() };
}

async function release(store: Store, which: { readonly uploadId: string } | { readonly nodeId: string }): Promise<number> {
  const update = store.updateTable("images").set({ status: "queued", upload_id: null, upload_node: null, updated_at: new Date() }).where("status", "=", "saving");
  const { numUpdatedRows } = await ("uploadId" in which ? update.where("upload_id", "=", which.uploadId) : update.where("upload_node", "=", which.nodeId)).executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Whether an error says that the client went away, and not that we failed. */
export function isBrokenUpload(error: unknown): boolean {
  return error instanceof Refusal && error.code === "SIG-IMAGE-UPLOAD-BROKEN";
}
