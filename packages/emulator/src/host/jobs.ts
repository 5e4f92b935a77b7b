import { randomUUID } from "node:crypto";
import { virtualizationNamespace } from "@signet/hyperv/schema";
import type { CimReference } from "@signet/wsman/cim";
import type { Clock } from "../clock.ts";
import { presentInterference, type JobInterference } from "../faults/job-interference.ts";
import { Refusal, returnCode } from "./refusal.ts";

export const jobState = { new: 2, running: 4, shuttingDown: 6, completed: 7, terminated: 8, killed: 9, exception: 10 } as const;

/** What a job is about. Types are those of `JobType`: 1 define, 2 modify, 3 destroy, 12 start, 13 power off, 30 to 32 resources. */
export interface JobKind {
  readonly className: "Msvm_ConcreteJob" | "Msvm_StorageJob";
  readonly type: number;
  readonly caption: string;
  readonly affected: readonly CimReference[];
  /** What the job makes, so that a client finds it through the association (ElementEffects 5). */
  readonly created?: readonly CimReference[];
  readonly cancellable?: boolean;
}

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly submittedMs: number;
  state: number;
  percent: number;
  errorCode: number;
  errorDescription: string;
  startedMs: number | null;
  finishedMs: number | null;
  readonly abort: AbortController;
  /** Settles when the job is over, however it ended. */
  readonly over: Promise<void>;
}

// Clients poll every tenth of a second or slower; a job is seen new or running now and then, and delays nobody.
const newForMs = 5;
const runsAtLeastMs = 15;

/** The jobs of one host. A finished one can be read for a while, then is forgotten; nothing ticks for it meanwhile. */
export class Jobs {
  readonly #jobs = new Map<string, Job>();
  readonly #clock: Clock;
  readonly #keptMs: number;
  readonly #onBug: (error: unknown) => void;

  constructor(clock: Clock, keptMs: number, onBug: (error: unknown) => void) {
    this.#clock = clock;
    this.#keptMs = keptMs;
    this.#onBug = onBug;
  }

  all(): Iterable<Job> {
    this.#forgetOld();
    return this.#jobs.values();
  }

  find(id: string): Job | undefined {
    this.#forgetOld();
    return this.#jobs.get(id.toUpperCase());
  }

  /**
   * Starts a job whose work settles when it is done. A Refusal ends it in an exception with the refusal's code. `abandon` is
   * called in the place of `work` when the job ends without having begun.
   */
  run(kind: JobKind, work: (job: Job) => Promise<void> | void, abandon: () => void = () => {}): Job {
    this.#forgetOld();
    const interference = presentInterference();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const job: Job = {
      id: randomUUID().toUpperCase(), kind, submittedMs: this.#clock.nowMs(), state: jobState.new, percent: 0, errorCode: 0, errorDescription: "",
      startedMs: null, finishedMs: null, abort: new AbortController(), over,
    };
    if (interference?.effect !== "vanish-job") this.#jobs.set(job.id, job);
    this.#clock.after(newForMs, () => {
      void this.#perform(job, work, abandon, interference).finally(resolve);
    });
    return job;
  }

  /** Asks a job to end. False when it cannot be ended, or is over. */
  cancel(job: Job, state: typeof jobState.terminated | typeof jobState.killed): boolean {
    if (job.finishedMs !== null || job.kind.cancellable !== true) return false;
    job.abort.abort(new Refusal(returnCode.failed, "The job was cancelled."));
    this.#finish(job, state);
    return true;
  }

  /** The host goes down: what is under way is told to end. */
  close(): void {
    for (const job of this.#jobs.values()) if (job.finishedMs === null) job.abort.abort(new Refusal(returnCode.systemNotAvailable, "The host is shutting down."));
  }

  async #perform(job: Job, work: (job: Job) => Promise<void> | void, abandon: () => void, interference: JobInterference | undefined): Promise<void> {
    if (job.finishedMs !== null) return abandon();
    job.state = jobState.running;
    job.startedMs = this.#clock.nowMs();
    if (interference?.effect === "stuck-job") return;
    try {
      if (interference?.effect === "fail-job") {
        abandon();
        throw new Refusal(interference.code, interference.message);
      }
      await work(job);
      await new Promise<void>((resolve) => this.#clock.after(runsAtLeastMs, resolve));
      job.percent = 100;
      this.#finish(job, jobState.completed);
    } catch (error) {
      this.#fail(job, error);
    }
  }

  #fail(job: Job, error: unknown): void {
    if (job.finishedMs !== null) return;
    if (!(error instanceof Refusal)) this.#onBug(error);
    job.errorCode = error instanceof Refusal ? error.code : returnCode.failed;
    job.errorDescription = error instanceof Error ? error.message : String(error);
    this.#finish(job, jobState.exception);
  }

  #finish(job: Job, state: number): void {
    if (job.finishedMs !== null) return;
    job.state = state;
    job.finishedMs = this.#clock.nowMs();
  }

  #forgetOld(): void {
    const nowMs = this.#clock.nowMs();
    for (const job of this.#jobs.values()) {
      if (job.finishedMs !== null && job.finishedMs + this.#keptMs <= nowMs) this.#jobs.delete(job.id);
    }
  }
}

export function jobReference(job: Job): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className: job.kind.className, keys: { InstanceID: job.id } };
}
