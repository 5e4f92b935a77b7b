import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { ComputeStore, ComputeTransaction, WorkflowState } from "../store/tables/compute.ts";
import { type Failure, type Lane, LeaseLost, type Memory } from "./definition.ts";

/** One piece of durable work as it is held under a lease. */
export interface LeasedWorkflow {
  readonly id: string;
  readonly kind: string;
  readonly subjectId: string;
  readonly input: Record<string, unknown>;
  readonly memory: Memory;
  readonly state: WorkflowState;
  readonly failedPosition: number | null;
  readonly failure: Failure | null;
  readonly attempts: number;
  readonly leaseNumber: number;
  /** Positions that are done, and those that are undone already. */
  readonly done: ReadonlySet<number>;
  readonly undone: ReadonlySet<number>;
}

/** Puts work into the journal, in the caller's transaction: the state that asks for it and the work appear together or not at all. */
export async function enqueueWorkflow(transaction: ComputeTransaction | ComputeStore, work: { readonly kind: string; readonly lane: Lane; readonly subjectId: string; readonly input: object }): Promise<string> {
  const id = randomUUID();
  await transaction.insertInto("workflows").values({ id, kind: work.kind, lane: work.lane, subject_id: work.subjectId, input: JSON.stringify(work.input), memory: "{}", state: "running" }).execute();
  return id;
}

/** Takes the oldest due work that nobody holds, or whose holder has let its lease run out. */
export async function takeLease(store: ComputeStore, lane: Lane, owner: string, leaseMs: number): Promise<LeasedWorkflow | null> {
  const { rows } = await sql<{ id: string }>`
    UPDATE workflows SET lease_owner = ${owner}, lease_number = lease_number + 1, lease_expires_at = now() + ${leaseMs} * interval '1 millisecond', updated_at = now()
    WHERE id = (
      SELECT id FROM workflows
      WHERE lane = ${lane} AND state IN ('running', 'undoing') AND run_at <= now() AND (lease_owner IS NULL OR lease_expires_at < now())
      ORDER BY run_at FOR UPDATE SKIP LOCKED LIMIT 1
    )
    RETURNING id`.execute(store);
  const id = rows[0]?.id;
  return id === undefined ? null : readWorkflow(store, id);
}

/** Holds on to a lease. Answers whether the work shall be cancelled. Throws `LeaseLost`. */
export async function renewLease(store: ComputeStore, workflow: LeasedWorkflow, leaseMs: number): Promise<boolean> {
  const { rows } = await sql<{ cancel_requested: boolean }>`
    UPDATE workflows SET lease_expires_at = now() + ${leaseMs} * interval '1 millisecond'
    WHERE id = ${workflow.id} AND lease_number = ${workflow.leaseNumber} AND lease_owner IS NOT NULL
    RETURNING cancel_requested`.execute(store);
  if (rows[0] === undefined) throw new LeaseLost(`workflow ${workflow.id} is held by another worker`);
  return rows[0].cancel_requested;
}

/** A process that starts again under its own name takes back at once what it held when it died. */
export async function dropLeasesOf(store: ComputeStore, owner: string): Promise<number> {
  const { numUpdatedRows } = await store.updateTable("workflows").set({ lease_owner: null, lease_expires_at: null })
    .where("lease_owner", "=", owner).where("state", "in", ["running", "undoing"]).executeTakeFirst();
  return Number(numUpdatedRows);
}

/**
 * A transaction that commits only while the lease is ours: the row is locked and its lease number compared first, so a worker that
 * was frozen and overtaken cannot write one word. Throws `LeaseLost`.
 */
export async function commitFenced<Result>(store: ComputeStore, workflow: LeasedWorkflow, change: (transaction: ComputeTransaction) => Promise<Result>): Promise<Result> {
  return store.transaction().execute(async (transaction) => {
    const held = await transaction.updateTable("workflows").set({ updated_at: new Date() })
      .where("id", "=", workflow.id).where("lease_number", "=", workflow.leaseNumber).where("lease_owner", "is not", null).returning("id").executeTakeFirst();
    if (held === undefined) throw new LeaseLost(`workflow ${workflow.id} is held by another worker`);
    return change(transaction);
  });
}

/** Within a fenced transaction: the step is done, with its output. */
export async function recordDone(transaction: ComputeTransaction, workflow: LeasedWorkflow, step: { readonly position: number; readonly name: string; readonly output: Memory; readonly memory: Memory }): Promise<void> {
  await transaction.insertInto("workflow_steps").values({
    workflow_id: workflow.id, position: step.position, name: step.name, state: "done", output: JSON.stringify(step.output), lease_number: workflow.leaseNumber,
  }).execute();
  await transaction.updateTable("workflows").set({ memory: JSON.stringify(step.memory), attempts: 0 }).where("id", "=", workflow.id).execute();
}

/** Within a fenced transaction: from here on the work is undone, beginning with the step that failed. */
export async function recordFailure(transaction: ComputeTransaction, workflow: LeasedWorkflow, position: number, failure: Failure): Promise<void> {
  await transaction.updateTable("workflows").set({ state: "undoing", failed_position: position, error: JSON.stringify(failure), attempts: 0 }).where("id", "=", workflow.id).execute();
}

/** Within a fenced transaction: the step has left nothing behind. */
export async function recordUndone(transaction: ComputeTransaction, workflow: LeasedWorkflow, step: { readonly position: number; readonly name: string }): Promise<void> {
  await transaction.insertInto("workflow_steps")
    .values({ workflow_id: workflow.id, position: step.position, name: step.name, state: "undone", output: "{}", lease_number: workflow.leaseNumber })
    .onConflict((conflict) => conflict.columns(["workflow_id", "position"]).doUpdateSet({ state: "undone", lease_number: workflow.leaseNumber })).execute();
  await transaction.updateTable("workflows").set({ attempts: 0 }).where("id", "=", workflow.id).execute();
}

/** Within a fenced transaction: nothing is left to do. */
export async function recordEnd(transaction: ComputeTransaction, workflow: LeasedWorkflow, state: "done" | "undone"): Promise<void> {
  await transaction.updateTable("workflows").set({ state, lease_owner: null, lease_expires_at: null }).where("id", "=", workflow.id).execute();
}

/** Gives the work back, to be taken again after a delay. */
export async function releaseLease(store: ComputeStore, workflow: LeasedWorkflow, delayMs: number, counts: boolean): Promise<void> {
  await sql`
    UPDATE workflows SET lease_owner = NULL, lease_expires_at = NULL, run_at = now() + ${delayMs} * interval '1 millisecond', attempts = attempts + ${counts ? 1 : 0}
    WHERE id = ${workflow.id} AND lease_number = ${workflow.leaseNumber}`.execute(store);
}

/**
 * Asks all other unfinished work on a subject to stop and undo itself. Answers how much of it may still act on a host. Watching only
 * looks: nobody waits for it, and what of it is not held ends at once.
 */
export async function cancelOthers(transaction: ComputeTransaction | ComputeStore, subjectId: string, exceptId: string): Promise<number> {
  await transaction.updateTable("workflows").set({ state: "undone", cancel_requested: true })
    .where("subject_id", "=", subjectId).where("lane", "=", "watch").where("state", "=", "running").where("lease_owner", "is", null).execute();
  const others = await transaction.updateTable("workflows").set({ cancel_requested: true, run_at: sql`LEAST(run_at, now())` })
    .where("subject_id", "=", subjectId).where("id", "!=", exceptId).where("state", "in", ["running", "undoing"]).returning("lane").execute();
  return others.filter(({ lane }) => lane === "work").length;
}

/** Whether the work was asked to stop. */
export async function isCancelled(store: ComputeStore, id: string): Promise<boolean> {
  const row = await store.selectFrom("workflows").select("cancel_requested").where("id", "=", id).executeTakeFirst();
  return row?.cancel_requested ?? false;
}

async function readWorkflow(store: ComputeStore, id: string): Promise<LeasedWorkflow> {
  const row = await store.selectFrom("workflows").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  const steps = await store.selectFrom("workflow_steps").select(["position", "state"]).where("workflow_id", "=", id).execute();
  return {
    id, kind: row.kind, subjectId: row.subject_id, input: row.input, memory: row.memory, state: row.state, failedPosition: row.failed_position, failure: row.error,
    attempts: row.attempts, leaseNumber: row.lease_number,
    done: new Set(steps.filter((step) => step.state === "done").map((step) => step.position)),
    undone: new Set(steps.filter((step) => step.state === "undone").map((step) => step.position)),
  };
}
