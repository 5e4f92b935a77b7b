import { Refusal } from "../refusal.ts";

/** Glance 25's own sentences where it has one; ours carry a remedy and a code. */

const refuse = (code: string, httpStatus: number) => (message: string, remedy: string | null = null): Refusal => new Refusal({ code, httpStatus, message, remedy });

export const invalidImage = refuse("SIG-IMAGE-INVALID", 400);
export const invalidQuery = refuse("SIG-IMAGE-QUERY", 400);
export const forbiddenImage = refuse("SIG-IMAGE-FORBIDDEN", 403);
export const conflictingImage = refuse("SIG-IMAGE-CONFLICT", 409);
export const imageLimit = refuse("SIG-IMAGE-LIMIT", 413);

export const imageNotFound = (idOrName: string): Refusal => new Refusal({ code: "SIG-IMAGE-NOT-FOUND", httpStatus: 404, message: `No image found with ID ${idOrName}` });

export const ambiguousName = (name: string, ids: readonly string[]): Refusal => new Refusal({
  code: "SIG-IMAGE-AMBIGUOUS", httpStatus: 409, message: `More than one image is named "${name}": ${ids.join(", ")}.`, remedy: "Use the id of the one you mean.", evidence: { ids },
});

export const notSchema = (problem: string): Refusal => invalidImage(`Provided object does not match schema 'image': ${problem}`);

export const badSecureBoot = (value: string): Refusal => new Refusal({
  code: "SIG-IMAGE-SECURE-BOOT", httpStatus: 400, message: `The image property os_secure_boot is "${value}"; allowed values are disabled, optional, required.`,
  remedy: "Set one of them, or remove the property: absent means disabled.", evidence: { value },
});

export const badStatusTransition = (from: string, to: string): Refusal => conflictingImage(`Image status transition from ${from} to ${to} is not allowed`);

export const diskFull = (freeBytes: number | null): Refusal => new Refusal({
  code: "SIG-IMAGE-DISK-FULL", httpStatus: 413,
  message: `The disk that holds the images is full${freeBytes === null ? "" : ` (${Math.round(freeBytes / 1024 ** 2)} MiB are left, which the database needs)`}. Nothing of this upload was kept.`,
  remedy: "Delete images that are no longer needed, or enlarge the disk of the data folder, and upload again.",
});

export const uploadBroken = (receivedBytes: number, cause: unknown): Refusal => new Refusal({
  code: "SIG-IMAGE-UPLOAD-BROKEN", httpStatus: 400, cause, message: `The upload ended early, after ${receivedBytes} bytes. Nothing of it was kept and the image is queued again.`, remedy: "Upload it again.",
});

export const deletedMeanwhile = (id: string): Refusal => new Refusal({
  code: "SIG-IMAGE-GONE", httpStatus: 410, message: `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`,
});
