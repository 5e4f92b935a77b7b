import type { ComputeTransaction } from "../store/tables/compute.ts";

/** Output of steps, merged; kept in the journal, so plain JSON only. */
export type Memory = Readonly<Record<string, unknown>>;

export interface StepContext<Input, Kept extends Memory> {
  readonly workflowId: string;
  /** The server that all of it is about. */
  readonly subjectId: string;
  readonly input: Input;
  /** What earlier steps have left. */
  readonly memory: Partial<Kept>;
  /** Aborts when the lease is lost, the work is cancelled, or the process stops. */
  readonly signal: AbortSignal;
  /** Commits state in the middle of a step, fenced by the lease. Throws `LeaseLost`. */
  readonly commit: <Result>(change: (transaction: ComputeTransaction) => Promise<Result>) => Promise<Result>;
}

/**
 * One step. `perform` acts on the world and may be repeated: after a crash nobody knows whether it had happened. What it returns
 * and what `record` writes are committed together. `undo` is called for every step that is done and for the one that failed, last
 * first; it may be repeated too, and finds nothing when there is nothing.
 */
export interface Step<Input, Kept extends Memory> {
  readonly name: string;
  readonly perform?: (context: StepContext<Input, Kept>) => Promise<Partial<Kept> | void>;
  readonly record?: (transaction: ComputeTransaction, context: StepContext<Input, Kept>, output: Partial<Kept>) => Promise<Partial<Kept> | void>;
  readonly undo?: (context: StepContext<Input, Kept>) => Promise<void>;
  readonly recordUndo?: (transaction: ComputeTransaction, context: StepContext<Input, Kept>) => Promise<void>;
}

/** `work` changes hosts; `watch` waits and looks, so that long watching never holds up work. */
export type Lane = "work" | "watch";

export interface WorkflowDefinition<Input = unknown, Kept extends Memory = Memory> {
  readonly kind: string;
  readonly lane: Lane;
  /** Attempts of one step before the workflow is undone. */
  readonly attemptsMax: number;
  readonly steps: readonly Step<Input, Kept>[];
  /**
   * In the transaction that ends the undoing: whoever sees the failure may rely on nothing being left. When undoing is held up it is
   * called then as well, so that nobody waits for a host that is away; it may be repeated.
   */
  readonly onFailed?: (transaction: ComputeTransaction, context: StepContext<Input, Kept>, failure: Failure) => Promise<void>;
}

/** Why a workflow ended otherwise than it was meant to; kept with it and shown as the server's fault. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** The message within 255 bytes, where cutting it would lose the point. */
  readonly brief?: string;
  readonly remedy: string | null;
  readonly httpStatus: number;
}

/** The failure of work that nobody wants any more. */
export const cancelledCode = "SIG-WORK-CANCELLED";

/** Somebody else has taken this work over; whoever sees this stops at once and touches nothing more. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** A step cannot go on yet and shall be tried again; such waiting is not counted as an attempt. */
export class NotYet extends Error {
  override readonly name = "NotYet";
  readonly delayMs: number;

  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}
