import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { channelBinding, endPointBinding } from "./channel-binding.ts";

test("the binding of a certificate's digest is the one that Microsoft's own example has", () => {
  assert.equal(endPointBinding(Buffer.from("ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95", "hex")).toString("hex"), "6586e99d81c2fc984e47172fd4dd0310");
});

/** A certificate as OpenSSL signs it. */
function certificate(...options: readonly string[]): Buffer {
  return new X509Certificate(execFileSync("openssl", ["req", "-x509", "-nodes", "-keyout", "/dev/null", "-days", "2", "-subj", "/CN=hv1", ...options], { stdio: ["ignore", "pipe", "ignore"] })).raw;
}

const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
const pss = ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"];

for (const [name, options, hash] of [
  ["RSA with SHA-256", ["-newkey", "rsa:2048", "-sha256"], "sha256"], ["RSA with SHA-384", ["-newkey", "rsa:2048", "-sha384"], "sha384"], ["RSA with SHA-512", ["-newkey", "rsa:2048", "-sha512"], "sha512"],
  ["RSA with SHA-1", ["-newkey", "rsa:2048", "-sha1"], "sha256"], ["RSA with MD5", ["-newkey", "rsa:2048", "-md5"], "sha256"],
  ["ECDSA with SHA-256", [...ec, "-sha256"], "sha256"], ["ECDSA with SHA-384", [...ec, "-sha384"], "sha384"],
  ["RSASSA-PSS with SHA-512", [...pss, "-sha512"], "sha512"], ["RSASSA-PSS with its default, SHA-1", [...pss, "-sha1"], "sha256"],
] as const) {
  test(`a certificate signed by ${name} is bound by its ${hash}`, () => {
    const der = certificate(...options);
    assert.deepEqual(channelBinding(der), endPointBinding(createHash(hash).update(der).digest()));
  });
}

test("a certificate whose signature names no hash cannot be bound to", () => {
  assert.equal(channelBinding(certificate("-newkey", "ed25519")), null);
});
