import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgramInput } from "./program-input.ts";
import { splitArguments } from "./windows-arguments.ts";

const { signal } = new AbortController();

test("input is read in lines however it was sent, and an unfinished last one counts", async () => {
  const input = new ProgramInput();
  for (const part of ["fir", "st\r", "\nsecond\nthird\r\n\r\nla", "st"]) input.write(Buffer.from(part));
  input.end();
  const lines: (string | null)[] = [];
  for (let count = 0; count < 6; count++) lines.push(await input.readLine(signal));
  assert.deepEqual(lines, ["first", "second", "third", "", "last", null]);
});

test("a wait for input ends when input comes, when it ends, and when the program is ended", async () => {
  const input = new ProgramInput();
  const waiting = input.read(signal);
  input.write(Buffer.from("x"));
  assert.deepEqual(await waiting, Buffer.from("x"));
  const controller = new AbortController();
  const aborted = input.read(controller.signal);
  controller.abort();
  assert.equal(await aborted, null);
  const last = input.read(signal);
  input.end();
  assert.equal(await last, null);
});

test("input that nobody reads is not kept without bound", async () => {
  const input = new ProgramInput();
  for (let count = 0; count < 40; count++) input.write(Buffer.alloc(1024 ** 2));
  input.end();
  let bytes = 0;
  for (let chunk = await input.read(signal); chunk !== null; chunk = await input.read(signal)) bytes += chunk.length;
  assert.equal(bytes, 16 * 1024 ** 2);
});

test("arguments are split as the C run-time splits them", () => {
  const cases: [string, string[]][] = [
    ['  a "b c"  d', ["a", "b c", "d"]],
    ['"abc" d e', ["abc", "d", "e"]],
    ['a\\\\b d"e f"g h', ["a\\\\b", "de fg", "h"]],
    ['a\\\\\\"b c d', ['a\\"b', "c", "d"]],
    ['a\\\\\\\\"b c" d e', ["a\\\\b c", "d", "e"]],
    ['"a""b" ""', ['a"b', ""]],
    ['"C:\\path with\\" x', ['C:\\path with" x']],
    ['"C:\\path with\\\\" x', ["C:\\path with\\", "x"]],
    ["", []],
  ];
  for (const [tail, wanted] of cases) assert.deepEqual(splitArguments(tail), wanted, tail);
});
