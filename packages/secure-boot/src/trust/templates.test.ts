import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { walkSignatureLists } from "../signature-lists.ts";
import { listCertificates } from "./certificate-data.ts";
import { dbxReleases, revocationHashes, revocationLists, revocations } from "./revocations.ts";
import { listTemplates, templateById, templateByName, trustByName } from "./templates.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("every certificate of the data is what its thumbprint, its subject and its dates say", () => {
  for (const certificate of listCertificates()) {
    const parsed = new X509Certificate(certificate.der);
    assert.equal(sha256(certificate.der), certificate.sha256, certificate.id);
    assert.equal(parsed.subject.split("\n").toReversed().join(", "), certificate.subject);
    assert.equal(new Date(parsed.validTo).toISOString(), certificate.notAfter);
    assert.ok(certificate.sources.length > 0, `${certificate.id} has provenance`);
  }
});

test("finds templates by name and by GUID, whatever the case", () => {
  const template = templateByName("microsoftueficertificateauthority");
  assert.equal(template?.id, "272e7447-90a4-4563-a4b9-8e4ab00526ce");
  assert.equal(templateById("{1734C6E8-3154-4DDA-BA5F-A874CC483422}")?.name, "MicrosoftWindows");
  assert.equal(templateById("4292ae2b-ee2c-42b5-a969-dd8f8689f6f3")?.contentsKnown, false);
  assert.equal(templateByName("NoSuchTemplate"), undefined);
});

test("the third-party template trusts the authorities of 2011 and 2023 and not Windows's own", () => {
  const { variables } = templateByName("MicrosoftUEFICertificateAuthority") ?? assert.fail();
  const names = walkSignatureLists(variables.db ?? assert.fail()).lists.flatMap(({ entries }) => entries.map(({ data }) => new X509Certificate(data).subject));
  assert.equal(names.length, 3);
  assert.ok(names.some((name) => name.includes("CN=Microsoft Corporation UEFI CA 2011")));
  assert.ok(names.some((name) => name.includes("CN=Microsoft UEFI CA 2023")));
  assert.ok(names.every((name) => !name.includes("Windows")));
});

test("template variables are well-formed signature lists to the last byte", () => {
  for (const { name, contentsKnown, variables } of listTemplates()) {
    for (const variable of ["PK", "KEK", "db", "dbx"] as const) {
      const data = variables[variable];
      assert.equal(data !== null, contentsKnown, `${name} ${variable}`);
      if (data !== null) assert.equal(walkSignatureLists(data).unreachedBytes, 0, `${name} ${variable}`);
    }
  }
});

test("a confidential variant trusts the authority of 2023 alone", () => {
  const trust = trustByName("MicrosoftWindows_Confidential") ?? assert.fail();
  const { lists } = walkSignatureLists(trust.variables.db ?? assert.fail());
  assert.equal(lists.length, 1);
  assert.match(new X509Certificate(lists[0]?.entries[0]?.data ?? assert.fail()).subject, /Windows UEFI CA 2023/);
});

test("revocation lists hold as many different hashes as they say, and the newer one contains the older", () => {
  const asHex = (id: string): Set<string> => new Set(revocationHashes(id).map((hash) => Buffer.from(hash).toString("hex")));
  for (const { id, entries } of revocationLists) assert.equal(asHex(id).size, entries, id);
  const newer = asHex("microsoft-2026-06-10");
  assert.ok([...asHex("openvmm-x64-431")].every((hash) => newer.has(hash)));
});

test("a trust at a day holds what Microsoft had published by then, and knows the releases that it can rebuild", () => {
  const hashesOf = (name: string): number => walkSignatureLists(trustByName(name)?.variables.dbx ?? assert.fail(name)).lists[0]?.entries.length ?? 0;
  for (const { date, entries, addedUntil } of dbxReleases) if (addedUntil !== null) assert.equal(hashesOf(`MicrosoftWindows@${addedUntil}`), entries, date);
  assert.equal(hashesOf("MicrosoftWindows@2026-11-25"), revocations.length);
  assert.equal(trustByName("1734c6e8-3154-4dda-ba5f-a874cc483422@2020-07-01")?.name, "MicrosoftWindows@2020-07-01");
  assert.equal(trustByName("MicrosoftWindows@yesterday"), undefined);
  assert.equal(trustByName("MicrosoftWindows@2001-01-01")?.variables.dbx, null);
});
