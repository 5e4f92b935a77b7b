import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { defaultUncertainties } from "./uncertainties.ts";

test("the README lists every uncertainty with the default that the code has", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const listed = Object.fromEntries([...readme.matchAll(/^\| `(\w+)` \| `([^`]*)` \|/gm)].map((row) => [row[1], row[2]]));
  assert.deepEqual(listed, Object.fromEntries(Object.entries(defaultUncertainties).map(([name, value]) => [name, String(value)])));
});
