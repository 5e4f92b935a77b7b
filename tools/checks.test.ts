import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

/** What the tool prints when it finds something; empty when it finds nothing. */
async function findings(tool: string, ...options: readonly string[]): Promise<string> {
  return run(process.execPath, [`${root}node_modules/${tool}`, ...options], { cwd: root, maxBuffer: 16 * 1024 ** 2 }).then(() => "", (error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ""}${error.stderr ?? ""}`.slice(0, 8_000) || "it failed without a word");
}

test("every package type-checks against the others", async () => {
  assert.equal(await findings("typescript/lib/tsc.js", "-b"), "");
});

test("the linter finds nothing that it calls an error", async () => {
  assert.equal(await findings("oxlint/bin/oxlint", "--type-aware", "--quiet", "-f", "unix"), "");
});
