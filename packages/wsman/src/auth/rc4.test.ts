import assert from "node:assert/strict";
import { test } from "node:test";
import { Rc4 } from "./rc4.ts";

/** RFC 6229: key, and 16 bytes of the stream at each offset. */
const vectors: readonly (readonly [string, Readonly<Record<number, string>>])[] = [
  ["0102030405", { 0: "b2396305f03dc027ccc3524a0a1118a8", 16: "6982944f18fc82d589c403a47a0d0919", 240: "28cb1132c96ce286421dcaadb8b69eae", 4096: "ff25b58995996707e51fbdf08b34d875" }],
  ["0102030405060708090a0b0c0d0e0f10", { 0: "9ac7cc9a609d1ef7b2932899cde41b97", 16: "5248c4959014126a6e8a84f11d1a9e1c", 240: "065902e4b620f6cc36c8589f66432f2b", 4096: "a36a4c301ae8ac13610ccbc12256cacc" }],
];

for (const [key, stream] of vectors) {
  test(`RC4 with the key ${key} gives the stream of RFC 6229`, () => {
    const bytes = new Rc4(Buffer.from(key, "hex")).process(Buffer.alloc(4112));
    for (const [offset, expected] of Object.entries(stream)) assert.equal(bytes.toString("hex", Number(offset), Number(offset) + 16), expected, offset);
  });
}

test("the stream goes on from one message to the next", () => {
  const [whole, parts] = [new Rc4(Buffer.from("key")), new Rc4(Buffer.from("key"))];
  assert.deepEqual(Buffer.concat([1, 2, 3, 0, 294].map((length) => parts.process(Buffer.alloc(length)))), whole.process(Buffer.alloc(300)));
});
