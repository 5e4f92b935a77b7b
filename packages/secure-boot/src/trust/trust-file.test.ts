import assert from "node:assert/strict";
import { test } from "node:test";
import { walkSignatureLists } from "../signature-lists.ts";
import { certificateById } from "./certificate-data.ts";
import { parseTrustFile, TrustFileError } from "./trust-file.ts";
import { templateByName } from "./templates.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const template = templateByName("MicrosoftUEFICertificateAuthority") ?? assert.fail();
const kinds = (bytes: Uint8Array | null): string[] => walkSignatureLists(bytes ?? assert.fail()).lists.map(({ kind }) => kind);

test("reads entries one by one, thumbprints of known certificates included", () => {
  const known = certificateById("ms-uefi-ca-2023");
  const trust = parseTrustFile(
    JSON.stringify({
      name: "mine",
      db: [{ type: "x509", value: base64(known.der) }, { type: "x509", sha256: known.sha256 }, { type: "sha256", value: "ab".repeat(32) }, { type: "x509", sha256: "cd".repeat(32) }],
      dbx: [{ type: "x509_sha256", value: "ef".repeat(32), revokedAt: "2026-03-04T05:06:07Z" }],
      sbat: "sbat,1,2025021800\n",
    }),
    "file.json",
  );
  assert.equal(trust.name, "mine");
  assert.equal(trust.secureBootEnabled, true);
  assert.deepEqual(kinds(trust.variables.db), ["x509", "x509", "sha256"]);
  assert.deepEqual(trust.thumbprints.db, ["cd".repeat(32)]);
  const revoked = walkSignatureLists(trust.variables.dbx ?? assert.fail()).lists[0]?.entries[0]?.data ?? assert.fail();
  assert.deepEqual([...revoked.subarray(32, 40)], [2026 & 0xff, 2026 >> 8, 3, 4, 5, 6, 7, 0]);
  assert.ok(trust.shimVariables["SbatLevel"] !== undefined);
});

test("keeps raw variables byte for byte, however malformed", () => {
  const odd = Uint8Array.of(1, 2, 3);
  const trust = parseTrustFile(JSON.stringify({ name: "raw", secureBootEnabled: true, variables: { PK: base64(template.variables.PK ?? odd), db: base64(odd), dbx: null } }), "x");
  assert.deepEqual(trust.variables.db, odd);
  assert.equal(trust.variables.dbx, null);
  assert.equal(trust.secureBootEnabled, true);
});

test("a machine without platform key checks nothing", () => {
  assert.equal(parseTrustFile(JSON.stringify({ variables: { PK: null } }), "x").secureBootEnabled, false);
  assert.equal(parseTrustFile(JSON.stringify({ pk: [], db: [] }), "x").secureBootEnabled, false);
});

test("takes signature lists as db, or as dbx where the name of the file says so", () => {
  const lists = template.variables.db ?? assert.fail();
  assert.deepEqual(parseTrustFile(lists, "some/db.esl").variables.db, lists);
  assert.deepEqual(parseTrustFile(lists, "folder/DBXUpdate.esl").variables.dbx, lists);
});

test("reads the payload of an authenticated update", () => {
  const lists = template.variables.db ?? assert.fail();
  const header = new Uint8Array(44);
  new DataView(header.buffer).setUint32(16, 28, true);
  header.set([0x00, 0x02, 0xf1, 0x0e, 0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7], 20);
  assert.deepEqual(parseTrustFile(Buffer.concat([header, lists]), "db.auth").variables.db, Buffer.from(lists));
});

test("reads Microsoft's template JSON", () => {
  const der = base64(certificateById("ms-uefi-ca-2023").der);
  const settings = { signatureMode: "Replace", signatures: { PK: { type: "x509", value: [der] }, db: [{ type: "x509", value: [der, der] }], dbx: [{ type: "sha256", value: [base64(new Uint8Array(32))] }] } };
  const trust = parseTrustFile(JSON.stringify({ type: "Microsoft.Compute/disks", properties: { uefiSettings: settings } }), "azure");
  assert.deepEqual([kinds(trust.variables.PK), kinds(trust.variables.db), kinds(trust.variables.dbx)], [["x509"], ["x509", "x509"], ["sha256"]]);
});

test("names the field, its value and what is allowed when an entry is wrong", () => {
  const fails = (document: object, pattern: RegExp): void => {
    assert.throws(() => parseTrustFile(JSON.stringify(document), "x"), (error: unknown) => error instanceof TrustFileError && pattern.test(error.message));
  };
  fails({ db: [{ type: "md5", value: "00" }] }, /db\[0\]\.type is "md5"; it must be x509,/);
  fails({ dbx: [{ type: "sha256", value: "00" }] }, /dbx\[0\]\.value is "00"; it must be 64 hex digits/);
  fails({ db: [{ type: "x509", value: "%" }] }, /db\[0\]\.value is "%"; it must be base64/);
  fails({ certificates: [] }, /has neither "variables"/);
  fails({ dbx: [{ type: "x509_sha256", value: "ab".repeat(32), revokedAt: "soon" }] }, /revokedAt is "soon"/);
});
