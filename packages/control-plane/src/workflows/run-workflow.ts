import { Refusal } from "../refusal.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import { cancelledCode, type Failure, LeaseLost, type Memory, type StepContext, type WorkflowDefinition } from "./definition.ts";
import { describeFailure, retryAfter } from "./failure.ts";
import { commitFenced, isCancelled, type LeasedWorkflow, recordDone, recordEnd, recordFailure, recordUndone, releaseLease } from "./journal.ts";

/** How a run under one lease ended. */
export type RunEnd = "done" | "undone" | "released" | "lost";

/**
 * Carries leased work on from where its journal ends: steps forward while it runs, backward once it has failed. The signal's reason
 * says why it was stopped: `LeaseLost` (touch nothing), `Cancelled` (undo) or anything else (the process stops: give it back).
 */
export async function runWorkflow(store: ComputeStore, definition: WorkflowDefinition, leased: LeasedWorkflow, signal: AbortSignal): Promise<RunEnd> {
  const run = new WorkflowRun(store, definition, leased, signal);
  try {
    return leased.state === "undoing" ? await run.backward(leased.failedPosition!, leased.failure!) : await run.forward();
  } catch (error) {
    if (error instanceof LeaseLost || signal.reason instanceof LeaseLost) return "lost";
    throw error;
  }
}

/** The reason of an abort when the user no longer wants the result. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

class WorkflowRun {
  readonly #store: ComputeStore;
  readonly #definition: WorkflowDefinition;
  readonly #leased: LeasedWorkflow;
  readonly #signal: AbortSignal;
  #memory: Memory;
  #attempts: number;

  constructor(store: ComputeStore, definition: WorkflowDefinition, leased: LeasedWorkflow, signal: AbortSignal) {
    this.#store = store;
    this.#definition = definition;
    this.#leased = leased;
    this.#signal = signal;
    this.#memory = leased.memory;
    this.#attempts = leased.attempts;
  }

  async forward(): Promise<RunEnd> {
    for (const [position, step] of this.#definition.steps.entries()) {
      if (this.#leased.done.has(position)) continue;
      try {
        await this.#refuseWhenCancelled();
        const context = this.#context(this.#signal);
        const performed = (await step.perform?.(context)) ?? {};
        this.#memory = await commitFenced(this.#store, this.#leased, async (transaction) => {
          const recorded = (await step.record?.(transaction, context, performed)) ?? {};
          const output = { ...performed, ...recorded };
          const memory = { ...this.#memory, ...output };
          await recordDone(transaction, this.#leased, { position, name: step.name, output, memory });
          return memory;
        });
        this.#attempts = 0;
      } catch (error) {
        if (error instanceof LeaseLost || this.#signal.reason instanceof LeaseLost) return "lost";
        return this.#fail(position, error);
      }
    }
    await commitFenced(this.#store, this.#leased, (transaction) => recordEnd(transaction, this.#leased, "done"));
    return "done";
  }

  /** Undoes the failed step and every step before it. Undoing does not listen to cancelling: it must end. */
  async backward(failedPosition: number, failure: Failure): Promise<RunEnd> {
    for (let position = failedPosition; position >= 0; position--) {
      if (this.#leased.undone.has(position)) continue;
      const step = this.#definition.steps[position]!;
      const context = this.#context(this.#undoSignal());
      try {
        await step.undo?.(context);
      } catch (error) {
        if (error instanceof LeaseLost || this.#signal.reason instanceof LeaseLost) return "lost";
        // What cannot be undone now is undone later: giving up would leave a machine behind.
        const retry = retryAfter(error, this.#attempts);
        await commitFenced(this.#store, this.#leased, async (transaction) => this.#definition.onFailed?.(transaction, context, failure));
        await releaseLease(this.#store, this.#leased, retry.again ? retry.delayMs : UNDO_DELAY_MS, true);
        return "released";
      }
      await commitFenced(this.#store, this.#leased, async (transaction) => {
        await step.recordUndo?.(transaction, context);
        await recordUndone(transaction, this.#leased, { position, name: step.name });
      });
    }
    await commitFenced(this.#store, this.#leased, async (transaction) => {
      await this.#definition.onFailed?.(transaction, this.#context(this.#signal), failure);
      await recordEnd(transaction, this.#leased, "undone");
    });
    return "undone";
  }

  async #fail(position: number, error: unknown): Promise<RunEnd> {
    const cancelled = error instanceof Cancelled || this.#signal.reason instanceof Cancelled;
    if (!cancelled && this.#signal.aborted) {
      await releaseLease(this.#store, this.#leased, 0, false);
      return "released";
    }
    const retry = retryAfter(error, this.#attempts);
    if (!cancelled && retry.again && (!retry.counts || this.#attempts + 1 < this.#definition.attemptsMax)) {
      await releaseLease(this.#store, this.#leased, retry.delayMs, retry.counts);
      return "released";
    }
    const failure = cancelled ? cancelledFailure : describeFailure(error);
    await commitFenced(this.#store, this.#leased, (transaction) => recordFailure(transaction, this.#leased, position, failure));
    this.#attempts = 0;
    return this.backward(position, failure);
  }

  #context(signal: AbortSignal): StepContext<unknown, Memory> {
    return {
      workflowId: this.#leased.id, subjectId: this.#leased.subjectId, input: this.#leased.input, memory: this.#memory, signal,
      commit: (change) => commitFenced(this.#store, this.#leased, change),
    };
  }

  /** Undoing goes on although the work was cancelled; it ends when the process stops or the lease is lost. */
  #undoSignal(): AbortSignal {
    const controller = new AbortController();
    const follow = (): void => {
      if (!(this.#signal.reason instanceof Cancelled)) controller.abort(this.#signal.reason);
    };
    if (this.#signal.aborted) follow();
    else this.#signal.addEventListener("abort", follow, { once: true });
    return controller.signal;
  }

  async #refuseWhenCancelled(): Promise<void> {
    this.#signal.throwIfAborted();
    if (await isCancelled(this.#store, this.#leased.id)) throw new Cancelled("the work is no longer wanted");
  }
}

/** Between two attempts to undo what resists for a reason that does not pass by itself. */
const UNDO_DELAY_MS = 15_000;

const cancelledFailure: Failure = describeFailure(new Refusal({ code: cancelledCode, httpStatus: 409, message: "The work was cancelled because the server is being deleted." }));
