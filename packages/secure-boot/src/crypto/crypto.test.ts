import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { describe, test } from "node:test";
import * as node from "./node-crypto.ts";
import * as web from "./web-crypto.ts";

const HASHES = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the cryptography of browsers, held against Node's", () => {
  test("every digest is the same, also in pieces", () => {
    for (const name of HASHES) {
      for (const length of [0, 1, 63, 64, 65, 1000]) {
        const bytes = randomBytes(length);
        const cut = Math.floor(length / 3);
        assert.equal(hex(web.startDigest(name).update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).digest()), hex(node.startDigest(name).update(bytes).digest()), `${name} of ${length}`);
      }
    }
    assert.throws(() => web.startDigest("sha3"));
  });

  const keys = [
    ...[1024, 2048, 3072, 4096].map((modulusLength) => ({ told: `RSA ${modulusLength}`, kind: "rsa", pair: generateKeyPairSync("rsa", { modulusLength }) })),
    ...["P-256", "P-384", "P-521"].map((namedCurve) => ({ told: namedCurve, kind: "ec", pair: generateKeyPairSync("ec", { namedCurve }) })),
  ];
  for (const { told, kind, pair } of keys) {
    test(`signatures made with ${told} verify, and nothing near them does`, () => {
      const info = pair.publicKey.export({ format: "der", type: "spki" });
      const [ours, theirs] = [web.readPublicKey(info), node.readPublicKey(info)];
      assert.deepEqual([ours.kind, theirs.kind], [kind, kind]);
      for (const digest of HASHES.filter((name) => kind === "rsa" || name.startsWith("sha"))) {
        const data = randomBytes(100);
        const signature = sign(digest, data, pair.privateKey);
        const broken = Buffer.from(signature);
        broken.writeUInt8(broken.readUInt8(broken.length - 2) ^ 4, broken.length - 2);
        for (const key of [ours, theirs]) {
          assert.equal(key.verify(digest, data, signature), true, digest);
          assert.equal(key.verify(digest, Buffer.concat([data, Buffer.of(0)]), signature), false, digest);
          assert.equal(key.verify(digest, data, broken), false, digest);
          assert.equal(key.verify(digest === "sha256" ? "sha384" : "sha256", data, signature), false, digest);
          assert.equal(key.verify("sha3-256", data, signature), false);
          assert.equal(key.verify(digest, data, signature.subarray(1)), false);
        }
      }
    });
  }

  test("keys that cannot be read verify nothing", () => {
    const other = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" });
    for (const info of [new Uint8Array(0), randomBytes(40), Buffer.from("3003020101", "hex"), other]) {
      assert.equal(web.readPublicKey(info).kind, "other");
      assert.equal(web.readPublicKey(info).verify("sha256", info, info), false);
    }
  });
});
