import assert from "node:assert/strict";
import { test } from "node:test";
import { isTest, isTypeScript, readTree } from "./tidy/source-tree.ts";

const tree = readTree();
const codes = (text: string, pattern: RegExp): ReadonlySet<string> => new Set([...text.matchAll(pattern)].map(([, code]) => code ?? ""));

test("docs/verdict-codes.md names every code of the judge, and no other", () => {
  const sources = tree.filter((file) => isTypeScript(file) && !isTest(file) && /^packages\/(secure-boot|disk-image)\/src\//.test(file.path)).map(({ text }) => text).join("\n");
  const inSources = codes(sources, /"((?:SB|BP|DI)-[A-Z0-9]+(?:-[A-Z0-9]+)*)"/g);
  const inDocs = codes(tree.find(({ path }) => path === "docs/verdict-codes.md")?.text ?? "", /`((?:SB|BP|DI)-[A-Z0-9]+(?:-[A-Z0-9]+)*)`/g);
  assert.ok(inSources.size > 40);
  assert.deepEqual([...inSources].filter((code) => !inDocs.has(code)), []);
  assert.deepEqual([...inDocs].filter((code) => !inSources.has(code)), []);
});
