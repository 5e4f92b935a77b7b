import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readTree } from "./tidy/source-tree.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const tree = readTree();
const textOf = (path: string): string => tree.find((file) => file.path === path)?.text ?? "";

test("every promise of SPECIFICATION.md names what holds it, and all of that exists", () => {
  const rows = textOf("SPECIFICATION.md").split("\n").filter((line) => /^\| \d+\.\d+ \|/.test(line));
  assert.ok(rows.length > 25);
  for (const row of rows) {
    const [number = row] = row.match(/\d+\.\d+/) ?? [];
    const files = [...row.matchAll(/`([\w./-]+\.(?:test|bench)\.tsx?)`/g)].map(([, file]) => file ?? "");
    assert.ok(files.length > 0, `${number} names no test and no benchmark`);
    assert.deepEqual(files.filter((file) => !existsSync(`${root}${file}`)), [], number);
  }
});

test("every link between documents leads somewhere", () => {
  const documents = tree.filter(({ path }) => path.endsWith(".md"));
  const broken = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(new URL(target, `file://${root}${path}`)))
      .map((target) => `${path}: ${target}`),
  );
  assert.deepEqual(broken, []);
});
