import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { printPolicyTables } from "./print-tables.ts";

test("docs/policy.md is what the tables print; run tools/print-policy-tables.ts after a change", async () => {
  const printed = printPolicyTables();
  assert.equal(await readFile(new URL("../../../../docs/policy.md", import.meta.url), "utf8"), printed);
  assert.match(printed, /`nova-libvirt`/);
});
