import { type ByteSource, DiskImageError } from "@signet/disk-image";
import { inspectImage } from "@signet/secure-boot";
import type { JudgeAnswer, JudgeRequest } from "./judge-file.ts";

/** The judge in a thread of its own, so that the page stays awake. It reads slices of the file that the browser holds, and sends nothing. */
addEventListener("message", (event: MessageEvent<JudgeRequest>) => {
  void judge(event.data).then((answer) => postMessage(answer));
});

async function judge({ file, parents }: JudgeRequest): Promise<JudgeAnswer> {
  try {
    return { report: await inspectImage(blobSource(file), { file: file.name, parents: parents.map(blobSource) }) };
  } catch (error) {
    if (error instanceof DiskImageError) return { problem: { code: error.code, text: error.message } };
    return { problem: { code: "DI-READ-FAILED", text: `The browser could not read the file (${(error as Error).message}). Choose it again.` } };
  }
}

function blobSource(blob: Blob): ByteSource {
  return { sizeBytes: blob.size, read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()) };
}
