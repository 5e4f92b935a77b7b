import assert from "node:assert/strict";
import { test } from "node:test";
import { movementsOf, movementsOfScanCodes, qcodeOf } from "./key-codes.ts";

test("virtual key codes of Windows name the keys that QEMU has", () => {
  assert.deepEqual([0x41, 0x30, 0x0d, 0x70, 0x7b, 0x61, 0xbf, 0xff].map(qcodeOf), ["a", "0", "ret", "f1", "f12", "kp_1", "slash", null]);
});

test("text is typed with Shift where the sign needs it, and not at all when a sign is on no key", () => {
  const typed = movementsOf("aB?")?.map(({ key, down }) => `${down ? "+" : "-"}${key.data}`).join(" ");
  assert.equal(typed, "+a -a +shift +b -b -shift +shift +slash -slash -shift");
  assert.equal(movementsOf("é"), null);
});

test("scan codes carry presses, releases and keys of the extended part", () => {
  assert.deepEqual(movementsOfScanCodes([0x1c, 0x9c, 0xe0, 0x48, 0xe0, 0xc8]).map(({ key, down }) => [key.data, down]), [[0x1c, true], [0x1c, false], [0xc8, true], [0xc8, false]]);
});
