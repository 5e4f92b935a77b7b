import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeSignatureList, joinSignatureLists, walkSignatureLists } from "./signature-lists.ts";

const OWNER = "77fa9abd-0359-4d32-bd60-28f4e78f784b";
const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

test("reads back the lists it wrote", () => {
  const bytes = joinSignatureLists([encodeSignatureList("x509", OWNER, [Uint8Array.of(0x30, 0)]), encodeSignatureList("sha256", OWNER, [hash(1), hash(2)])]);
  const { lists, unreachedBytes } = walkSignatureLists(bytes);
  assert.equal(unreachedBytes, 0);
  assert.deepEqual(lists.map(({ kind, entries }) => [kind, entries.length]), [["x509", 1], ["sha256", 2]]);
  assert.deepEqual(lists[1]?.entries[1], { owner: OWNER, data: hash(2) });
});

test("stops without an error at a list that claims more bytes than the variable has", () => {
  const good = encodeSignatureList("sha256", OWNER, [hash(1)]);
  const bad = encodeSignatureList("sha256", OWNER, [hash(2)]);
  new DataView(bad.buffer).setUint32(16, 4096, true);
  const { lists, unreachedBytes } = walkSignatureLists(joinSignatureLists([good, bad]));
  assert.equal(lists.length, 1);
  assert.equal(unreachedBytes, bad.length);
});

test("survives a list that claims no size and one whose entries have no size", () => {
  const stuck = encodeSignatureList("sha256", OWNER, [hash(1)]);
  new DataView(stuck.buffer).setUint32(16, 0, true);
  assert.equal(walkSignatureLists(stuck).lists.length, 0);
  const empty = encodeSignatureList("sha256", OWNER, [hash(1)]);
  new DataView(empty.buffer).setUint32(24, 0, true);
  assert.deepEqual(walkSignatureLists(empty).lists[0]?.entries, []);
});

test("walks over kinds of lists that it does not know", () => {
  const foreign = encodeSignatureList("sha256", OWNER, [hash(1)]);
  foreign.fill(0xee, 0, 16);
  const { lists } = walkSignatureLists(joinSignatureLists([foreign, encodeSignatureList("sha1", OWNER, [new Uint8Array(20)])]));
  assert.deepEqual(lists.map(({ kind }) => kind), ["other", "sha1"]);
});

test("refuses to write entries of different lengths into one list", () => {
  assert.throws(() => encodeSignatureList("x509", OWNER, [hash(1), Uint8Array.of(1)]), /one length/);
});
