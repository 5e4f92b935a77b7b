import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DiskImageError, memorySource } from "@signet/disk-image";
import { deriveSignatureClaim, type ImageReport, inspectImage, matchSignatureClaim } from "@signet/secure-boot";
import { certificateById, templateByName } from "@signet/secure-boot/trust";
import { inspectDisk, judgeDisk } from "./judging.ts";
import { makeAuthority } from "./recipes/authority-recipe.ts";
import { buildBootDisk, buildTrust } from "./recipes/boot-disk-recipe.ts";
import { buildGptDisk, buildMbrDisk } from "./recipes/disk-recipe.ts";
import { buildFat } from "./recipes/fat-recipe.ts";
import { buildProgram, buildSignature, imageDigest, signProgram } from "./recipes/program-recipe.ts";
import { buildVhdx } from "./recipes/vhdx-recipe.ts";

const root = makeAuthority({ name: "Test Root", isCa: true });
const leaf = makeAuthority({ name: "Test Signer", issuer: root });
const plain = buildProgram();
const signed = signProgram(plain, { signer: leaf });
const esp = (loader: Uint8Array | null): Buffer => buildFat({ kind: "fat16", files: loader === null ? { "README.TXT": Buffer.from("x") } : { "EFI/BOOT/BOOTX64.EFI": loader } });

describe("from disk to verdict", () => {
  test("reports container, layout, boot path and chain of a VHDX", async () => {
    const report = await inspectDisk(buildVhdx({ content: padded(buildBootDisk(signed)) }), { db: [root] });
    assert.deepEqual([report.format.detected, report.format.variant, report.layout, report.boot], ["vhdx", "dynamic", { partitioning: "gpt", espIndex: 1, filesystem: "fat16" }, { path: "\\EFI\\BOOT\\BOOTX64.EFI", architecture: "x64", generation: 2 }]);
    const [loader] = report.chain;
    assert.equal(loader?.authenticode?.sha256, imageDigest(plain).toString("hex"));
    assert.deepEqual(loader.signatures.map(({ digest, signer, authority }) => [digest, signer?.subject, signer?.sha256, authority?.subject]), [["sha256", "CN=Test Signer", leaf.sha256, "CN=Test Root"]]);
    assert.ok(report.format.bytesRead < 1024 * 1024);
    assert.deepEqual(report.verdicts[0], { trust: "recipe", outcome: "boots", stage: null, firmwareMessage: null, because: [], remedies: [], serviceable: true, survivesNextRevocation: true });
  });

  test("an authority whose time has ended still boots, but is not serviceable", async () => {
    const old = makeAuthority({ name: "Old Root", isCa: true, notBefore: "20110101000000Z", notAfter: "20260601000000Z" });
    const { outcome, serviceable } = await judgeDisk(buildBootDisk(signProgram(plain, { signer: old })), { db: [old] });
    assert.deepEqual([outcome, serviceable], ["boots", false]);
  });

  test("passes over partitions without a boot file, and over ones that hold no program", async () => {
    const partitions = [{ content: esp(null) }, { content: esp(Buffer.from("text".repeat(200))) }, { content: esp(signed) }];
    const report = await inspectDisk(buildGptDisk({ partitions }), { db: [root] });
    assert.deepEqual([report.verdicts[0]?.outcome, report.layout.espIndex], ["boots", 3]);
  });

  test("a refused first boot file is rescued by platform recovery, which leaves Hyper-V's firmware open", async () => {
    const disk = buildGptDisk({ partitions: [{ content: esp(plain) }, { content: esp(signed) }] });
    assert.equal((await judgeDisk(disk, { db: [root] }, "edk2-2022.11")).outcome, "boots");
    assert.equal((await judgeDisk(disk, { db: [root] }, "hyper-v")).outcome, "unknown");
  });

  test("a Generation 1 disk is unbootable, with its reason and what to do", async () => {
    const report = await inspectDisk(buildMbrDisk([{ type: 0x83, content: Buffer.alloc(8192) }], true), { db: [root] });
    assert.equal(report.boot.generation, 1);
    assert.deepEqual([report.verdicts[0]?.outcome, report.verdicts[0]?.because[0]?.code], ["unbootable", "BP-GENERATION-1"]);
    assert.match(report.verdicts[0]?.remedies[0]?.text ?? "", /Generation 1/);
  });

  test("an empty disk is unbootable, under every trust", async () => {
    const verdict = await judgeDisk(Buffer.alloc(1024 * 1024), { secureBootEnabled: false });
    assert.deepEqual([verdict.outcome, verdict.because[0]?.code], ["unbootable", "BP-NO-FILE-SYSTEM"]);
  });

  test("a lone EFI program is judged as a loader", async () => {
    const report = await inspectDisk(signed, { db: [root] });
    assert.deepEqual([report.format.detected, report.verdicts[0]?.outcome, report.chain.length], ["efi", "boots", 1]);
  });

  test("what cannot be read as any disk is an error with a code, what lacks a parent or a reader is unknown", async () => {
    const codeOf = async (bytes: Uint8Array): Promise<string> => inspectDisk(bytes, {}).then(() => "none", (error: unknown) => (error instanceof DiskImageError ? error.code : "bug"));
    assert.equal(await codeOf(new Uint8Array(0)), "DI-EMPTY");
    assert.equal(await codeOf(Buffer.from("just a text")), "DI-NOT-A-DISK");
    const orphan = buildVhdx({ content: padded(buildBootDisk(signed)), parent: { identity: "00000000-1111-2222-3333-444444444444", ownSectors: () => true } });
    const report = await inspectDisk(orphan, { db: [root] });
    assert.deepEqual([report.format.detected, report.verdicts[0]?.outcome, report.verdicts[0]?.because[0]?.code], ["vhdx", "unknown", "DI-PARENT-MISSING"]);
    const encrypted = Buffer.alloc(1024);
    encrypted.write("LUKS\xba\xbe", 0, "latin1");
    assert.equal((await inspectDisk(encrypted, {})).verdicts[0]?.because[0]?.code, "DI-FORMAT-UNREADABLE");
  });

  test("stops reading at its budget and says so", async () => {
    const report = await inspectImage(memorySource(buildBootDisk(signed)), { file: "x", trusts: [buildTrust({})], bytesReadMax: 4096 });
    assert.equal(report.verdicts[0]?.because[0]?.code, "DI-READ-BUDGET");
  });

  test("a template whose contents are not published leaves the answer open", async () => {
    const shielded = { ...buildTrust({}), name: "OpenSourceShieldedVM", contentsKnown: false };
    const report = await inspectImage(memorySource(buildBootDisk(signed)), { file: "x", trusts: [shielded] });
    assert.deepEqual([report.verdicts[0]?.outcome, report.verdicts[0]?.because[0]?.code], ["unknown", "SB-TEMPLATE-UNPUBLISHED"]);
  });

  test("a certificate known by thumbprint serves where the loader's blob carries it, and leaves the answer open where not", async () => {
    const thumbprint = (sha256: string) => ({ ...buildTrust({}), thumbprints: { db: [sha256], dbx: [] } });
    const outcome = async (sha256: string): Promise<string | undefined> => (await inspectImage(memorySource(buildBootDisk(signed)), { file: "x", trusts: [thumbprint(sha256)] })).verdicts[0]?.outcome;
    assert.equal(await outcome(leaf.sha256), "boots");
    assert.equal(await outcome(root.sha256), "unknown");
  });

  test("judges against Hyper-V's published templates when nothing else is asked", async () => {
    const report = await inspectImage(memorySource(buildBootDisk(signed)), { file: "x.vhdx" });
    assert.deepEqual(report.verdicts.map(({ trust, outcome }) => [trust, outcome]), [["MicrosoftWindows", "refused"], ["MicrosoftUEFICertificateAuthority", "refused"]]);
    assert.deepEqual(report.warnings.map(({ code }) => code), ["DI-NAME-DISAGREES"]);
  });
});

describe("claims about the loader's signature", () => {
  const reportOf = (): Promise<ImageReport> => inspectDisk(buildBootDisk(signed), { db: [root] });

  test("digests of the loader and of its signer's certificate agree, others contradict with both values", async () => {
    const report = await reportOf();
    assert.equal(matchSignatureClaim(`sha256:${imageDigest(plain).toString("hex")}`, report).agrees, true);
    assert.equal(matchSignatureClaim(`sha256:${leaf.sha256.toUpperCase()}`, report).agrees, true);
    const { contradiction } = matchSignatureClaim(`sha256:${"ab".repeat(32)}`, report);
    assert.match(contradiction ?? "", new RegExp(`${"ab".repeat(32)}.*${imageDigest(plain).toString("hex")}.*"Test Signer"`));
  });

  test("the signature itself is accepted as base64 and as PEM, another file's is not", async () => {
    const report = await reportOf();
    const own = buildSignature(imageDigest(plain), { signer: leaf }).toString("base64");
    assert.equal(matchSignatureClaim(own, report).agrees, true);
    assert.equal(matchSignatureClaim(`-----BEGIN PKCS7-----\n${own.replace(/(.{64})/g, "$1\n")}\n-----END PKCS7-----\n`, report).agrees, true);
    assert.equal(matchSignatureClaim(buildSignature(Buffer.alloc(32), { signer: leaf }).toString("base64"), report).agrees, false);
  });

  test("a template is contradicted by a loader that none of its authorities signed", async () => {
    const report = await reportOf();
    assert.match(matchSignatureClaim("MicrosoftWindows", report).contradiction ?? "", /names the template MicrosoftWindows, but the loader is signed by "Test Signer" under "Test Root"/);
    assert.deepEqual(matchSignatureClaim("4292AE2B-EE2C-42B5-A969-DD8F8689F6F3", report), { kind: "template", agrees: null, contradiction: null });
    assert.equal(deriveSignatureClaim({ ...report, family: "linux" }), `sha256:${leaf.sha256}`);
  });

  test("a template is derived from, and borne out by, an authority of its db", async () => {
    const report = await reportOf();
    const authority = { subject: "x", sha256: certificateById("ms-uefi-ca-2023").sha256 };
    const microsoft: ImageReport = { ...report, chain: report.chain.map((stage) => ({ ...stage, signatures: stage.signatures.map((signature) => ({ ...signature, authority })) })) };
    assert.equal(deriveSignatureClaim({ ...microsoft, family: "linux" }), "MicrosoftUEFICertificateAuthority");
    assert.equal(deriveSignatureClaim({ ...microsoft, family: "windows" }), null);
    assert.equal(matchSignatureClaim(templateByName("MicrosoftUEFICertificateAuthority")?.id ?? "", microsoft).agrees, true);
  });

  test("text that is no claim is said to be none, once there is a loader that it could speak of", async () => {
    const report = await reportOf();
    assert.deepEqual(matchSignatureClaim("something else", { ...report, chain: [] }), { kind: "other", agrees: null, contradiction: null });
    const { kind, contradiction } = matchSignatureClaim("something else", report);
    assert.equal(kind, "other");
    assert.match(contradiction ?? "", /^os_secure_boot_signature is neither a template's name or GUID, nor sha256/);
  });
});

/** Disks in containers are whole sectors; the recipe's blocks are of 1 MiB. */
function padded(disk: Buffer): Buffer {
  return Buffer.concat([disk, Buffer.alloc((4096 - (disk.length % 4096)) % 4096)]);
}
