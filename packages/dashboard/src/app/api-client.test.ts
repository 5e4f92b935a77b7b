import assert from "node:assert/strict";
import { test } from "node:test";
import { readRefusal } from "./api-client.ts";

test("finds the sentence in each API's envelope", () => {
  for (const body of [{ error: { code: 401, message: "Wrong." } }, { badRequest: { code: 400, message: "Wrong." } }, { message: "Wrong." }]) {
    assert.deepEqual(readRefusal(JSON.stringify(body), 400), { sentence: "Wrong.", code: null });
  }
});

test("adds the remedy and the code unless the sentence holds them already", () => {
  assert.deepEqual(readRefusal('{"message": "Wrong.", "remedy": "Do it right.", "code": "SIG-A"}', 409), { sentence: "Wrong. Do it right.", code: "SIG-A" });
  assert.deepEqual(readRefusal('{"message": "Wrong. Do it right. [SIG-A]", "remedy": "Do it right.", "code": "SIG-A"}', 409), { sentence: "Wrong. Do it right. [SIG-A]", code: null });
});

test("takes the code from the header where the envelope has no place for it", () => {
  assert.deepEqual(readRefusal('{"forbidden": {"code": 403, "message": "Not you."}}', 403, "SIG-B"), { sentence: "Not you.", code: "SIG-B" });
});

test("still says something when the answer is no JSON or has no sentence", () => {
  for (const text of ["<html>502</html>", "", "null", "[1]", '{"message": ""}']) assert.match(readRefusal(text, 502).sentence, /answered 502 without saying why/);
});
