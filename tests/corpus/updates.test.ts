import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { applyUpdate, type UpdatableVariable, UpdateError } from "@signet/secure-boot";
import { encodeSignatureList, walkSignatureLists } from "@signet/secure-boot/signature-lists";
import { parseTrustFile, type Trust } from "@signet/secure-boot/trust";
import { missingPrograms } from "../cloud/client-command.ts";
import { type Authority, makeAuthority } from "./recipes/authority-recipe.ts";

const OWNER = "11111111-2222-3333-4444-555555555555";
const root = makeAuthority({ name: "Update KEK", isCa: true });
const stranger = makeAuthority({ name: "Stranger", isCa: true });
const platform = makeAuthority({ name: "Platform", isCa: true });
const hashes = [0xaa, 0xbb, 0xcc].map((byte) => Buffer.alloc(32, byte));
const listOf = (authority: Authority): Uint8Array => encodeSignatureList("x509", OWNER, [authority.der]);

function machine(): Trust {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const variables = { PK: base64(listOf(platform)), KEK: base64(listOf(root)), db: null, dbx: base64(encodeSignatureList("sha256", OWNER, [hashes[0]!])), dbt: null };
  return parseTrustFile(JSON.stringify({ name: "a machine", secureBootEnabled: true, variables }), "machine");
}

const countOf = (trust: Trust, variable: UpdatableVariable): number => walkSignatureLists(trust.variables[variable] ?? new Uint8Array(0)).lists.reduce((sum, { entries }) => sum + entries.length, 0);

describe("updates signed by efitools, as a machine takes them", { skip: missingPrograms("sign-efi-sig-list") }, () => {
  const folder = mkdtempSync(join(tmpdir(), "signet-updates-"));
  after(() => rmSync(folder, { recursive: true }));

  function update(variable: UpdatableVariable, signer: Authority, lists: Uint8Array, options: readonly string[] = ["-a"]): Buffer {
    const path = (name: string): string => join(folder, name);
    writeFileSync(path("key.pem"), signer.key.export({ format: "pem", type: "pkcs8" }));
    writeFileSync(path("certificate.pem"), `-----BEGIN CERTIFICATE-----\n${signer.der.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`);
    writeFileSync(path("lists.esl"), lists);
    execFileSync("sign-efi-sig-list", [...options, "-k", path("key.pem"), "-c", path("certificate.pem"), variable, path("lists.esl"), path("update.auth")], { stdio: "ignore" });
    return readFileSync(path("update.auth"));
  }

  test("an appended dbx adds what was not there, and the second time adds nothing", () => {
    const bytes = update("dbx", root, encodeSignatureList("sha256", OWNER, hashes));
    const first = applyUpdate(machine(), bytes, "dbx");
    assert.deepEqual([first.mode, first.added, first.alreadyThere, countOf(first.trust, "dbx")], ["append", 2, 1, 3]);
    assert.match(first.authority, /Update KEK/);
    const second = applyUpdate(first.trust, bytes, "dbx");
    assert.deepEqual([second.added, countOf(second.trust, "dbx")], [0, 3]);
  });

  test("an update without the append attribute replaces the variable", () => {
    const { mode, trust } = applyUpdate(machine(), update("dbx", root, encodeSignatureList("sha256", OWNER, [hashes[2]!]), []), "dbx");
    assert.deepEqual([mode, countOf(trust, "dbx")], ["replace", 1]);
  });

  test("a certificate for db counts when KEK signed it, and one for KEK when PK did", () => {
    assert.equal(countOf(applyUpdate(machine(), update("db", root, listOf(stranger)), "db").trust, "db"), 1);
    assert.equal(countOf(applyUpdate(machine(), update("KEK", platform, listOf(stranger)), "KEK").trust, "KEK"), 2);
    assert.throws(() => applyUpdate(machine(), update("KEK", root, listOf(stranger)), "KEK"), { code: "SB-UPDATE-NO-AUTHORITY" });
  });

  test("an update of a key that the machine does not have is refused by name", () => {
    assert.throws(() => applyUpdate(machine(), update("dbx", stranger, encodeSignatureList("sha256", OWNER, hashes)), "dbx"), (error: UpdateError) => error.code === "SB-UPDATE-NO-AUTHORITY" && /Stranger/.test(error.message) && /KEK/.test(error.message));
  });

  test("an update for one variable is none for another, and a changed byte breaks it", () => {
    const bytes = update("db", root, encodeSignatureList("sha256", OWNER, hashes));
    assert.throws(() => applyUpdate(machine(), bytes, "dbx"), { code: "SB-UPDATE-NOT-SIGNED" });
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    assert.throws(() => applyUpdate(machine(), changed, "db"), { code: "SB-UPDATE-NOT-SIGNED" });
    assert.throws(() => applyUpdate(machine(), bytes.subarray(0, 30), "db"), { code: "SB-UPDATE-FORMAT" });
    assert.throws(() => applyUpdate(machine(), Buffer.alloc(4096, 0xa5), "db"), { code: "SB-UPDATE-FORMAT" });
  });
});
