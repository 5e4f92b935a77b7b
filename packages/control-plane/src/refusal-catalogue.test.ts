import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { refusalCatalogue } from "./refusal-catalogue.ts";

/** Sources that refuse: this room, and the policy whose findings it answers with. */
const folders = [fileURLToPath(new URL(".", import.meta.url)), fileURLToPath(new URL("../../secure-boot/src/policy", import.meta.url))];
const sources = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && !/\.test\.ts$|(^|\/)test-|refusal-catalogue\.ts$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") })));
const used = new Set(sources.flatMap(({ text }) => [...text.matchAll(/"(SIG-[A-Z0-9-]+)"/g)].map((match) => match[1]!)));

test("each code of a refusal stands in the catalogue once", () => {
  const codes = refusalCatalogue.map(({ code }) => code);
  assert.deepEqual(codes.length, new Set(codes).size);
  assert.deepEqual([...used].filter((code) => !codes.includes(code)), []);
});

test("the catalogue holds no code that nothing says", () => {
  assert.deepEqual(refusalCatalogue.map(({ code }) => code).filter((code) => !used.has(code)), []);
});

test("each refusal answers with a status that the catalogue gives for its code", () => {
  const statuses = new Map(refusalCatalogue.map(({ code, httpStatus }) => [code, httpStatus]));
  const pairs = sources.flatMap(({ name, text }) => [...text.matchAll(/(?:code: )?"(SIG-[A-Z0-9-]+)",\s*(?:httpStatus: )?(\d{3})\b/g)].map((match) => ({ name, code: match[1]!, status: Number(match[2]) })));
  assert.ok(pairs.length > 40);
  assert.deepEqual(pairs.filter(({ code, status }) => statuses.get(code)?.includes(status) !== true), []);
});
