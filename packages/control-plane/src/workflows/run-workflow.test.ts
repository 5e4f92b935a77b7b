import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../store/test-database.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import { LeaseLost, NotYet, type Step, type WorkflowDefinition } from "./definition.ts";
import { cancelOthers, commitFenced, dropLeasesOf, enqueueWorkflow, takeLease } from "./journal.ts";
import { MemoryHostFault } from "./memory-host.ts";
import { runWorkflow } from "./run-workflow.ts";
import { Worker } from "./worker.ts";

type Kept = Readonly<{ a: number; b: number; c: number }>;

describe("durable work", () => {
  let opened: TestDatabase;
  let store: ComputeStore;
  let trace: string[];
  const never = new AbortController().signal;

  before(async () => {
    opened = await createTestDatabase();
    store = opened.store;
  });
  after(() => opened.close());
  beforeEach(async () => {
    trace = [];
    await store.deleteFrom("workflow_steps").execute();
    await store.deleteFrom("workflows").execute();
  });

  const step = (name: "a" | "b" | "c", changes: Partial<Step<object, Kept>> = {}): Step<object, Kept> => ({
    name,
    perform: async () => {
      trace.push(name);
      return { [name]: 1 };
    },
    undo: async () => void trace.push(`undo ${name}`),
    ...changes,
  });
  const define = (steps: readonly Step<object, Kept>[], changes: Partial<WorkflowDefinition<object, Kept>> = {}): WorkflowDefinition =>
    ({ kind: "sample", lane: "work", attemptsMax: 3, steps, ...changes }) as unknown as WorkflowDefinition;
  const enqueue = (subjectId = randomUUID()): Promise<string> => enqueueWorkflow(store, { kind: "sample", lane: "work", subjectId, input: {} });
  const take = async (owner = "node-1", leaseMs = 10_000): Promise<NonNullable<Awaited<ReturnType<typeof takeLease>>>> => {
    const leased = await takeLease(store, "work", owner, leaseMs);
    assert.ok(leased !== null, "there should be work to take");
    return leased;
  };
  const stateOf = async (id: string): Promise<string> => (await store.selectFrom("workflows").select("state").where("id", "=", id).executeTakeFirstOrThrow()).state;

  test("steps run in order and leave their outputs to the next", async () => {
    const id = await enqueue();
    const definition = define([step("a"), step("b", { perform: async ({ memory }) => ({ b: memory.a! + 1 }) }), step("c", { perform: async ({ memory }) => ({ c: memory.b! + 1 }) })]);
    assert.equal(await runWorkflow(store, definition, await take(), never), "done");
    const row = await store.selectFrom("workflows").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    assert.deepEqual(row.memory, { a: 1, b: 2, c: 3 });
    assert.equal(row.lease_owner, null);
    assert.equal(await takeLease(store, "work", "node-1", 1000), null);
  });

  test("a failure undoes the failed step and all before it, last first", async () => {
    const id = await enqueue();
    const failures: string[] = [];
    const definition = define([step("a"), step("b", { perform: () => Promise.reject(new Error("no")) }), step("c")], { onFailed: async (_, __, failure) => void failures.push(failure.message) });
    assert.equal(await runWorkflow(store, definition, await take(), never), "undone");
    assert.deepEqual(trace, ["a", "undo b", "undo a"]);
    assert.equal(await stateOf(id), "undone");
    assert.deepEqual(failures, ["no"]);
  });

  test("what a host says will pass is tried again, and not for ever", async () => {
    await enqueue();
    const definition = define([step("a", { perform: () => { trace.push("try"); return Promise.reject(new MemoryHostFault("X", "now", "hv1", "busy")); } })]);
    assert.equal(await runWorkflow(store, definition, await take(), never), "released");
    assert.equal(await runWorkflow(store, definition, await take(), never), "released");
    assert.equal(await runWorkflow(store, definition, await take(), never), "undone");
    assert.deepEqual(trace, ["try", "try", "try", "undo a"]);
  });

  test("waiting is not counted as an attempt", async () => {
    const id = await enqueue();
    let left = 10;
    const definition = define([step("a", { perform: async () => { if (left-- > 0) throw new NotYet("wait", 0); return {}; } })]);
    for (let turn = 0; turn < 10; turn++) assert.equal(await runWorkflow(store, definition, await take(), never), "released");
    assert.equal(await runWorkflow(store, definition, await take(), never), "done");
    assert.equal(await stateOf(id), "done");
  });

  test("a worker that comes back after another has taken over cannot commit one word", async () => {
    await enqueue();
    const frozen = await take("node-1", 1);
    await new Promise((settle) => setTimeout(settle, 20));
    const fresh = await take("node-2");
    assert.equal(fresh.leaseNumber, frozen.leaseNumber + 1);
    await assert.rejects(commitFenced(store, frozen, async () => {}), LeaseLost);
    const definition = define([step("a"), step("b")]);
    assert.equal(await runWorkflow(store, definition, frozen, never), "lost");
    assert.equal(await runWorkflow(store, definition, fresh, never), "done");
    assert.deepEqual(trace, ["a", "a", "b"]);
  });

  test("state and journal are committed together or not at all", async () => {
    const id = await enqueue();
    const definition = define([step("a", {
      record: async (transaction) => {
        await enqueueWorkflow(transaction, { kind: "other", lane: "work", subjectId: randomUUID(), input: {} });
        throw new Error("in the middle");
      },
    })]);
    await runWorkflow(store, definition, await take(), never);
    assert.equal(Number((await store.selectFrom("workflows").select(({ fn }) => fn.countAll().as("n")).executeTakeFirstOrThrow()).n), 1);
    assert.equal(await stateOf(id), "undone");
  });

  test("a process that stops gives its work back, and the next carries on behind the last step that was done", async () => {
    await enqueue();
    const stopping = new AbortController();
    const definition = define([step("a"), step("b", { perform: async ({ signal }) => { trace.push("b"); stopping.abort(new Error("stopping")); signal.throwIfAborted(); return {}; } })]);
    assert.equal(await runWorkflow(store, definition, await take(), stopping.signal), "released");
    assert.equal(await runWorkflow(store, define([step("a"), step("b")]), await take(), never), "done");
    assert.deepEqual(trace, ["a", "b", "b"]);
  });

  test("a process that starts under its old name takes back at once what it held", async () => {
    await enqueue();
    await take("node-1", 60_000);
    assert.equal(await takeLease(store, "work", "node-1", 1000), null);
    assert.equal(await dropLeasesOf(store, "node-1"), 1);
    await take("node-1");
  });

  test("cancelled work undoes itself before its next step", async () => {
    const subject = randomUUID();
    const id = await enqueue(subject);
    const definition = define([step("a", { perform: async () => { await cancelOthers(store, subject, randomUUID()); trace.push("a"); return {}; } }), step("b")]);
    assert.equal(await runWorkflow(store, definition, await take(), never), "undone");
    assert.deepEqual(trace, ["a", "undo b", "undo a"]);
    assert.equal(await stateOf(id), "undone");
  });

  test("undoing that is held up tells at once, and goes on later with what is left", async () => {
    const id = await enqueue();
    let isAway = true;
    let told = 0;
    const definition = define([
      step("a", { undo: async () => { if (isAway) throw new MemoryHostFault("X", "now", "hv1", "away"); trace.push("undo a"); } }),
      step("b", { perform: () => Promise.reject(new Error("no")) }),
    ], { onFailed: async () => void told++ });
    assert.equal(await runWorkflow(store, definition, await take(), never), "released");
    assert.equal(told, 1);
    assert.equal(await stateOf(id), "undoing");
    isAway = false;
    assert.equal(await runWorkflow(store, definition, await take(), never), "undone");
    assert.deepEqual(trace, ["a", "undo b", "undo a"]);
  });

  test("two workers share the work, and each piece is done once", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => enqueue()));
    const bugs: unknown[] = [];
    const done = new Map<string, number>();
    const definition = define([step("a", { perform: async ({ workflowId }) => { done.set(workflowId, (done.get(workflowId) ?? 0) + 1); return {}; } })]);
    const workers = ["node-1", "node-2"].map((nodeId) => new Worker({ store, nodeId, definitions: [definition], onBug: (error) => bugs.push(error), pollMs: 20 }));
    await Promise.all(workers.map((worker) => worker.start()));
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline && (await Promise.all(ids.map(stateOf))).some((state) => state !== "done")) await new Promise((settle) => setTimeout(settle, 20));
    await Promise.all(workers.map((worker) => worker.stop()));
    assert.deepEqual(bugs, []);
    assert.deepEqual(ids.map((id) => done.get(id)), ids.map(() => 1));
  });
});
