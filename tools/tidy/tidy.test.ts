import assert from "node:assert/strict";
import { test } from "node:test";
import { findForbiddenImports } from "./import-rules.ts";
import { isData, isTest, isTypeScript, readTree } from "./source-tree.ts";

const FILE_LINES_MAX = 500;
const tree = readTree();
const sources = tree.filter(isTypeScript);

test("every import leaves its room by a door that the house has", () => {
  assert.deepEqual(findForbiddenImports(sources), []);
});

test("no file is longer than 500 lines, tables of data excepted", () => {
  const long = sources.filter((file) => !isData(file) && file.text.split("\n").length > FILE_LINES_MAX + 1);
  assert.deepEqual(long.map((file) => file.path), []);
});

test("file names are kebab-case nouns, and there is no drawer", () => {
  const odd = sources.filter(({ path }) => !/^([a-z0-9.-]+\/)*[a-z0-9-]+(\.test|\.bench|\.config)?\.tsx?$/.test(path) || /(^|\/)(utils?|helpers?|misc|common)(\.|\/)/.test(path));
  assert.deepEqual(odd.map((file) => file.path), []);
});

test("no source promises later work", () => {
  const words = /\b(TODO|FIXME|XXX)\b|not implemented|for now\b|simplified for/;
  const found = sources.filter((file) => !file.path.startsWith("tools/tidy/") && words.test(file.text));
  assert.deepEqual(found.map((file) => file.path), []);
});

test("nothing names a path of the machine that it was written on", () => {
  const found = tree.filter((file) => !file.path.startsWith("tools/tidy/") && /\/work\/|\/tmp\/bash_jobs|\/farm\//.test(file.text));
  assert.deepEqual(found.map((file) => file.path), []);
});

test("the lock file names no download host", () => {
  const lock = tree.find((file) => file.path === "package-lock.json");
  assert.ok(lock !== undefined && !/"resolved": "http/.test(lock.text));
});

test("Hyper-V's class names stay in the driver and in the emulated host", () => {
  const allowed = /^(packages\/(hyperv|emulator)\/|tests\/|tools\/|docs\/|packages\/wsman\/src\/.*\.test\.ts$)/;
  const found = sources.filter((file) => !allowed.test(file.path) && file.text.replace(/^\s*(\/?\*|\/\/).*$/gm, "").includes("Msvm_"));
  assert.deepEqual(found.map((file) => file.path), []);
});

test("test names are sentences about behaviour", () => {
  const names = sources.filter(isTest).flatMap((file) => [...file.text.matchAll(/^\s*(?:test|it)\("((?:[^"\\]|\\.)*)"/gm)].map((match) => ({ path: file.path, name: match[1] ?? "" })));
  assert.deepEqual(names.filter(({ name }) => name.split(/\s+/).length < 3), []);
});

test("modules have named exports only", () => {
  // A test reporter and a build configuration are default exports because their callers ask for that.
  const allowed = /(test-reporter|vite\.config)\.ts$/;
  const found = sources.filter((file) => !allowed.test(file.path) && /^export default/m.test(file.text));
  assert.deepEqual(found.map((file) => file.path), []);
});
