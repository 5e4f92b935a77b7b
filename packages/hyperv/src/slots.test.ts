import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KeyedSlots, pause, Slots } from "./slots.ts";

const never = new AbortController().signal;

describe("slots", () => {
  test("let so many act, in the order of their coming, and go on after a failure", async () => {
    const slots = new Slots(2);
    const order: number[] = [];
    let now = 0;
    const act = (index: number) => slots.use(never, async () => {
      order.push(index);
      assert.ok(++now <= 2);
      await pause(2, never);
      now -= 1;
      if (index === 1) throw new Error("one fails");
    });
    const results = await Promise.allSettled([0, 1, 2, 3, 4].map(act));
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
    assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
  });

  test("are left by those who give up waiting, who do not hold up the others", async () => {
    const slots = new Slots(1);
    const abort = new AbortController();
    const first = slots.use(never, () => pause(30, never));
    const second = slots.use(abort.signal, async () => assert.fail("gave up"));
    const third = slots.use(never, async () => "third");
    abort.abort(new Error("gone"));
    await assert.rejects(second, /gone/);
    assert.equal(await third, "third");
    await first;
    await assert.rejects(slots.use(AbortSignal.abort(new Error("before")), async () => {}), /before/);
    assert.equal(await slots.use(never, async () => "free"), "free");
  });

  test("by key hold up those of the same key only", async () => {
    const slots = new KeyedSlots();
    const said: string[] = [];
    const act = (key: string, durationMs: number) => slots.use(key, never, async () => {
      await pause(durationMs, never);
      said.push(key);
    });
    await Promise.all([act("a", 40), act("a", 1), act("b", 1)]);
    assert.deepEqual(said, ["b", "a", "a"]);
  });
});
