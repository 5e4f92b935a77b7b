import type { ImageReport, Reason } from "@signet/secure-boot";

export interface JudgeRequest {
  readonly file: File;
  /** Of a differencing disk, nearest first. */
  readonly parents: readonly File[];
}

export type JudgeAnswer = { readonly report: ImageReport } | { readonly problem: Reason };

/** Judges a file of the reader's own in a worker. Aborting ends the worker, in whatever it is. */
export function judgeFile(request: JudgeRequest, signal: AbortSignal): Promise<JudgeAnswer> {
  return new Promise((settle, fail) => {
    const worker = new Worker(new URL("./judge-worker.ts", import.meta.url), { type: "module" });
    const end = (act: () => void): void => {
      worker.terminate();
      act();
    };
    worker.addEventListener("message", (event: MessageEvent<JudgeAnswer>) => end(() => settle(event.data)));
    worker.addEventListener("error", (event) => end(() => fail(new Error(event.message || "The judge could not be started in this browser."))));
    signal.addEventListener("abort", () => end(() => fail(signal.reason as Error)), { once: true });
    worker.postMessage(request);
  });
}
