import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memorySource } from "@signet/disk-image";
import { inspectImage } from "@signet/secure-boot";
import { encodeSignatureList } from "@signet/secure-boot/signature-lists";
import { outcomeOf } from "./judging.ts";
import { makeAuthority } from "./recipes/authority-recipe.ts";
import { buildBootDisk, buildTrust } from "./recipes/boot-disk-recipe.ts";
import { buildProgram, buildSignature, imageDigest, signProgram, tableEntry, withTable } from "./recipes/program-recipe.ts";

const root = makeAuthority({ name: "Test Root", isCa: true });
const other = makeAuthority({ name: "Other Root", isCa: true });
const middle = makeAuthority({ name: "Test Intermediate", issuer: root, isCa: true });
const leaf = makeAuthority({ name: "Test Signer", issuer: middle });
const otherLeaf = makeAuthority({ name: "Other Signer", issuer: other });
const plain = buildProgram();
const signed = signProgram(plain, { signer: leaf, certificates: [leaf, middle] });

describe("signatures of a loader", () => {
  test("any certificate of the chain may be the one in db", async () => {
    for (const anchor of [root, middle, leaf]) assert.equal(await outcomeOf(signed, { db: [anchor] }), "boots", anchor.name);
    assert.equal(await outcomeOf(signed, { db: [other] }), "refused SB-NOT-IN-DB");
  });

  test("a signer in db is trusted only when what the blob builds above it is sound", async () => {
    const notCa = makeAuthority({ name: "Middle Without Rights", issuer: root });
    const below = makeAuthority({ name: "Signer Below It", issuer: notCa });
    const carried = signProgram(plain, { signer: below, certificates: [below, notCa] });
    assert.equal(await outcomeOf(carried, { db: [below] }), "refused SB-NOT-IN-DB");
    assert.equal(await outcomeOf(signProgram(plain, { signer: below }), { db: [below] }), "boots");
    // The same search fails in dbx: a signer that is revoked by name is not found, and does not refuse.
    assert.equal(await outcomeOf(signProgram(plain, { signer: leaf, certificates: [leaf, middle] }, { signer: below, certificates: [below, notCa] }), { db: [root], dbx: [below] }), "boots");
  });

  test("an authority whose key firmware cannot use is no part of the chain, so that the signer itself may still be trusted", async () => {
    const curveRoot = makeAuthority({ name: "Curve Root", isCa: true, keyKind: "ec" });
    const below = makeAuthority({ name: "Signer Below Curve Root", issuer: curveRoot });
    const program = signProgram(plain, { signer: below, certificates: [below, curveRoot] });
    for (const firmware of ["edk2-2022.11", "edk2-2026.08"] as const) assert.equal(await outcomeOf(program, { db: [below] }, firmware), "boots");
    assert.equal(await outcomeOf(program, { db: [curveRoot] }, "edk2-2022.11"), "refused SB-NOT-IN-DB");
    assert.equal(await outcomeOf(program, { db: [curveRoot] }, "edk2-2026.08"), "boots");
  });

  test("an intermediate that the blob does not carry breaks the chain", async () => {
    const lonely = signProgram(plain, { signer: leaf });
    assert.equal(await outcomeOf(lonely, { db: [root] }), "refused SB-NOT-IN-DB");
    assert.equal(await outcomeOf(lonely, { db: [middle] }), "boots");
  });

  test("no date is checked, of no certificate", async () => {
    const expired = makeAuthority({ name: "Expired Signer", issuer: root, notBefore: "20100101000000Z", notAfter: "20120101000000Z" });
    assert.equal(await outcomeOf(signProgram(plain, { signer: expired }), { db: [root] }), "boots");
  });

  test("an intermediate that is no authority, a path that is too long and an unknown critical extension break the chain", async () => {
    const notCa = makeAuthority({ name: "No Authority", issuer: root });
    const underNotCa = makeAuthority({ name: "Under No Authority", issuer: notCa });
    assert.equal(await outcomeOf(signProgram(plain, { signer: underNotCa, certificates: [underNotCa, notCa] }), { db: [root] }), "refused SB-NOT-IN-DB");
    const short = makeAuthority({ name: "Short Root", isCa: true, pathLength: 0 });
    const below = makeAuthority({ name: "Below Short Root", issuer: short, isCa: true });
    const far = makeAuthority({ name: "Far Signer", issuer: below });
    assert.equal(await outcomeOf(signProgram(plain, { signer: far, certificates: [far, below] }), { db: [short] }), "refused SB-NOT-IN-DB");
    const critical = makeAuthority({ name: "Critical Signer", issuer: root, hasUnknownCritical: true });
    assert.equal(await outcomeOf(signProgram(plain, { signer: critical }), { db: [root] }), "refused SB-NOT-IN-DB");
  });

  test("a file changed after it was signed is refused, and said to be changed", async () => {
    const changed = Buffer.from(signed);
    changed.writeUInt8(0x90, 0x410);
    assert.equal(await outcomeOf(changed, { db: [root] }), "refused SB-CHANGED");
    assert.equal(await outcomeOf(changed, { db: [root], secureBootEnabled: false }), "boots");
  });

  test("the header's checksum may change", async () => {
    const changed = Buffer.from(signed);
    changed.writeUInt32LE(0x12345678, 0x40 + 24 + 64);
    assert.equal(await outcomeOf(changed, { db: [root] }), "boots");
  });

  test("an unknown signature beside a good one does no harm, a revoked one refuses the program in either order", async () => {
    const both = [{ signer: leaf, certificates: [leaf, middle] }, { signer: otherLeaf }];
    for (const order of [both, both.toReversed()]) {
      const twice = signProgram(plain, ...order);
      assert.equal(await outcomeOf(twice, { db: [root] }), "boots");
      assert.equal(await outcomeOf(twice, { db: [root], dbx: [other] }), "refused SB-REVOKED-CERTIFICATE");
    }
  });

  test("a revoked digest refuses a program that db trusts, and a digest in db allows one that is signed by strangers", async () => {
    const digest = imageDigest(plain);
    assert.equal(await outcomeOf(signed, { db: [root], dbxHashes: [digest] }), "refused SB-REVOKED-HASH");
    assert.equal(await outcomeOf(signed, { dbHashes: [digest] }), "boots");
  });

  test("a digest in dbx counts only in the algorithm of the signature", async () => {
    const long = signProgram(plain, { signer: leaf, certificates: [leaf, middle], digest: "sha384" });
    assert.equal(await outcomeOf(long, { db: [root], dbxHashes: [imageDigest(plain)] }), "boots");
  });

  test("a blob without its signer's certificate is refused as soon as dbx exists", async () => {
    const anonymous = signProgram(plain, { signer: leaf, certificates: [middle] });
    assert.equal(await outcomeOf(anonymous, { db: [root], dbxHashes: [Buffer.alloc(32)] }), "refused SB-NO-SIGNER");
  });

  test("a blob of plain data whose content is none cannot be read, which is refused as soon as dbx exists", async () => {
    const readable = { signer: leaf, certificates: [leaf, middle] };
    const twice = (contentType: string): Buffer => signProgram(plain, { signer: otherLeaf, contentType }, readable);
    assert.equal(await outcomeOf(twice("1.2.840.113549.1.7.1"), { db: [root] }), "boots");
    assert.equal(await outcomeOf(twice("1.2.840.113549.1.7.1"), { db: [root], dbxHashes: [Buffer.alloc(32)] }), "refused SB-NO-SIGNER");
    assert.equal(await outcomeOf(twice("1.3.6.1.4.1.311.2.1.5"), { db: [root], dbxHashes: [Buffer.alloc(32)] }), "boots");
  });

  test("a list that claims to be smaller than its own header leaves the answer open: firmware may search it for ever", async () => {
    const trust = buildTrust({ db: [root] });
    const list = Buffer.from(encodeSignatureList("sha256", "00000000-0000-0000-0000-000000000000", [Buffer.alloc(32)]));
    list.writeUInt32LE(0, 16);
    const { verdicts } = await inspectImage(memorySource(buildBootDisk(signed)), { file: "disk.raw", trusts: [{ ...trust, variables: { ...trust.variables, dbx: list } }], firmware: "edk2-2026.08" });
    assert.deepEqual([verdicts[0]?.outcome, verdicts[0]?.because[0]?.code], ["unknown", "SB-LIST-ENDLESS"]);
  });

  test("elliptic curves verify in the newer firmware only, and leave Hyper-V's open", async () => {
    const curve = makeAuthority({ name: "Curve Signer", issuer: root, keyKind: "ec" });
    const program = signProgram(plain, { signer: curve, digest: "sha384" });
    assert.equal(await outcomeOf(program, { db: [root] }, "edk2-2022.11"), "refused SB-CHANGED");
    assert.equal(await outcomeOf(program, { db: [root] }, "edk2-2026.08"), "boots");
    assert.equal(await outcomeOf(program, { db: [root] }, "hyper-v"), "unknown SB-FIRMWARE-UNKNOWN");
  });
});

describe("the table of signatures", () => {
  const entry = tableEntry(buildSignature(imageDigest(plain), { signer: leaf, certificates: [leaf, middle] }));

  test("must end exactly where the header says, good signature or not", async () => {
    assert.equal(await outcomeOf(withTable(plain, entry), { db: [root] }), "boots");
    assert.equal(await outcomeOf(withTable(plain, Buffer.concat([entry, Buffer.alloc(16)])), { db: [root] }), "refused SB-TABLE-MALFORMED");
    assert.equal(await outcomeOf(withTable(plain, Buffer.concat([entry, Buffer.alloc(4)])), { db: [root] }), "refused SB-TABLE-MALFORMED");
  });

  test("entries of other types are stepped over", async () => {
    assert.equal(await outcomeOf(withTable(plain, Buffer.concat([tableEntry(Buffer.alloc(24), 0x0001), entry])), { db: [root] }), "boots");
    assert.equal(await outcomeOf(withTable(plain, tableEntry(Buffer.alloc(24), 0x0001)), { db: [root] }), "refused SB-NO-USABLE-SIGNATURE");
  });
});

describe("loaders that are not signed, or no loaders", () => {
  test("an unsigned loader boots by its digest in db, or without Secure Boot", async () => {
    assert.equal(await outcomeOf(plain, { db: [root] }), "refused SB-UNSIGNED");
    assert.equal(await outcomeOf(plain, { dbHashes: [imageDigest(plain)] }), "boots");
    assert.equal(await outcomeOf(plain, { dbHashes: [imageDigest(plain)], dbxHashes: [imageDigest(plain)] }), "refused SB-REVOKED-HASH");
    assert.equal(await outcomeOf(plain, { secureBootEnabled: false }), "boots");
  });

  test("what is no EFI application is passed over, with Secure Boot or without", async () => {
    for (const secureBootEnabled of [true, false]) {
      assert.equal(await outcomeOf(buildProgram({ subsystem: 11 }), { secureBootEnabled }), "unbootable BP-NOT-AN-APPLICATION");
      assert.equal(await outcomeOf(Buffer.from("not a program".repeat(100)), { secureBootEnabled }), "unbootable BP-NOT-AN-APPLICATION");
    }
  });

  test("a program for another machine is unbootable once security lets it pass", async () => {
    for (const machine of [0xaa64, 0x14c]) {
      const program = buildProgram({ machine });
      assert.equal(await outcomeOf(program, { db: [root] }), "refused SB-UNSIGNED");
      assert.equal(await outcomeOf(signProgram(program, { signer: leaf, certificates: [leaf, middle] }), { db: [root] }), "unbootable BP-NOT-LOADABLE");
    }
  });

  test("damaged headers are refused with Secure Boot and unbootable without", async () => {
    const damaged = Buffer.from(plain);
    damaged.writeUInt16LE(248, 0x40 + 20);
    assert.equal(await outcomeOf(damaged, { db: [root] }), "refused SB-HEADER");
    assert.equal(await outcomeOf(damaged, { secureBootEnabled: false }), "unbootable BP-NOT-LOADABLE");
  });

  test("never crashes on a loader with flipped bytes, and never lets one boot that is covered by its signature", async () => {
    let state = 7;
    const random = (limit: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % limit;
    for (let round = 0; round < 60; round += 1) {
      const flipped = Buffer.from(signed);
      const place = random(plain.length);
      flipped.writeUInt8(flipped.readUInt8(place) ^ (1 << random(8)), place);
      const isUncovered = (place >= 0x98 && place < 0x9c) || (place >= 0xe8 && place < 0xf0);
      const outcome = await outcomeOf(flipped, { db: [root] });
      if (!isUncovered) assert.ok(!outcome.startsWith("boots"), `seed 7, round ${round}, byte ${place}: ${outcome}`);
    }
  });
});
