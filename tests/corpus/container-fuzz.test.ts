import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { type FuzzOutcome, type FuzzTask, inspect, parentsOf, samples, tryInput } from "./recipes/fuzz-worker-recipe.ts";
import { MutatedSource } from "./recipes/mutation-recipe.ts";

const SEED = Number(process.env["SIGNET_SEED"] ?? 20261125);
const INPUTS = Number(process.env["SIGNET_FUZZ_INPUTS"] ?? (process.env["SIGNET_TEST_ALL"] === "1" ? 5_000_000 : 100_000));
/** A sweep outlives what a single test may take. */
const TIMEOUT_MS = 90 * 60 * 1000;
const only = process.env["SIGNET_FUZZ_INPUT"];
/** Refusals that the ordinary number of inputs has reached so far; far fewer mean that the mutator only ever breaks checksums. */
const CODES_MIN = 25;

/** Inputs that once were not handled, by what was wrong. */
const FOUND: readonly { readonly what: string; readonly seed: number; readonly index: number }[] = [];

/** Works outside the test runner's thread, whose bookkeeping of promises would cost as much as the work itself. */
function startWorker(task: FuzzTask): Promise<FuzzOutcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./recipes/fuzz-worker-recipe.ts", import.meta.url), { workerData: task });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

describe("mutated images", () => {
  test("every sample is read whole when nothing is changed", async () => {
    for (const sample of samples) assert.equal(await inspect(new MutatedSource(sample.bytes, sample.bytes.length), parentsOf(sample)), null, sample.name);
  });

  if (only === undefined) {
    test(`${INPUTS} of them give a catalogued error or a disk, in time and within what may be read`, { timeout: TIMEOUT_MS }, async (context) => {
      const step = availableParallelism();
      const outcomes = await Promise.all(Array.from({ length: step }, (_, first) => startWorker({ seed: SEED, first, step, inputs: INPUTS })));
      const sums = new Map<string, number>();
      for (const outcome of outcomes) {
        if ("failure" in outcome) assert.fail(outcome.failure);
        for (const [code, count] of outcome.tally) sums.set(code, (sums.get(code) ?? 0) + count);
      }
      const lines = [...sums].toSorted(([, one], [, other]) => other - one).map(([code, count]) => `${code} ${count}`);
      context.diagnostic(`seed ${SEED}, ${INPUTS} inputs: ${lines.join(", ")}`);
      assert.ok(sums.size >= CODES_MIN, `only ${sums.size} different ends were reached`);
    });
  } else {
    test("the one input that was asked for is handled", async (context) => {
      context.diagnostic(`input ${only} of seed ${SEED}: ${(await tryInput(SEED, Number(only))) ?? "a disk"}`);
    });
  }

  for (const { what, seed, index } of FOUND) test(`handles ${what}`, async () => void (await tryInput(seed, index)));
});
