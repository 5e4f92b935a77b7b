import type { MethodOutput } from "@signet/wsman";
import type { CimValue } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import { jobReference, jobState, type Job, type JobKind } from "../host/jobs.ts";
import { presentInterference } from "../faults/job-interference.ts";
import { Refusal, returnCode } from "../host/refusal.ts";

type Outputs = Readonly<Record<string, CimValue>>;

/** Answers with a job that does the work behind the caller's back, or after it, where the host is set to answer at once. */
export async function startJob(host: Host, kind: JobKind, work: (job: Job) => Promise<void>, abandon?: () => void): Promise<MethodOutput> {
  return answer(host, host.jobs.run(kind, work, abandon), {});
}

/**
 * Does the work first, so that what it makes can be used at once, then answers with a job that goes through its states. A refusal
 * is the job's error, or the return value where Hyper-V does not begin a job for it.
 */
export async function finishAsJob(host: Host, kind: JobKind | ((outputs: Outputs) => JobKind), work: () => Promise<Outputs>): Promise<MethodOutput> {
  let outputs: Outputs = {};
  let refusal: Refusal | null = null;
  try {
    // A job that a fault rule lets fail has done nothing.
    if (presentInterference()?.effect !== "fail-job") outputs = await work();
  } catch (error) {
    if (!(error instanceof Refusal) || error.via === "return") throw error;
    refusal = error;
  }
  const job = host.jobs.run(typeof kind === "function" ? kind(outputs) : kind, () => {
    if (refusal) throw refusal;
  });
  return answer(host, job, outputs);
}

async function answer(host: Host, job: Job, outputs: Outputs): Promise<MethodOutput> {
  if (host.uncertainties.methodAnswers === "job") return { ...outputs, Job: jobReference(job), ReturnValue: returnCode.jobStarted };
  await job.over;
  return { ...outputs, Job: null, ReturnValue: job.state === jobState.completed ? returnCode.completed : job.errorCode || returnCode.failed };
}
