import assert from "node:assert/strict";
import { createHash, sign } from "node:crypto";
import { describe, test } from "node:test";
import { DiskImageError, memorySource } from "@signet/disk-image";
import { applyUpdate, inspectImage, UpdateError } from "@signet/secure-boot";
import { encodeSignatureList, joinSignatureLists, walkSignatureLists } from "@signet/secure-boot/signature-lists";
import { parseTrustFile, trustByName, TrustFileError } from "@signet/secure-boot/trust";
import { enrolledStore } from "@signet/emulator/nvram";
import { makeAuthority, nameDer } from "./recipes/authority-recipe.ts";
import { buildBootDisk, buildTrust } from "./recipes/boot-disk-recipe.ts";
import { der, integer, nothing, objectId, octets, sequence, set } from "./recipes/der-recipe.ts";
import { mutate, type Sample, SeededNumbers } from "./recipes/mutation-recipe.ts";
import { buildProgram, signProgram } from "./recipes/program-recipe.ts";
import { buildShim, sbatTable } from "./recipes/shim-recipe.ts";

const SEED = Number(process.env["SIGNET_SEED"] ?? 20261125);
const INPUTS = Number(process.env["SIGNET_FUZZ_INPUTS"] ?? (process.env["SIGNET_TEST_ALL"] === "1" ? 5_000_000 : 100_000));
const only = process.env["SIGNET_FUZZ_INPUT"];
const TIMEOUT_MS = 90 * 60_000;
/** No mutated file of a hundred kilobytes has a reason to keep a processor busy for longer. */
const WORK_MS_MAX = 1000;
const OWNER = "11111111-2222-3333-4444-555555555555";

const root = makeAuthority({ name: "Fuzz Root", isCa: true });
const leaf = makeAuthority({ name: "Fuzz Signer", issuer: root });
const vendor = makeAuthority({ name: "Fuzz Vendor", isCa: true });
const curve = makeAuthority({ name: "Fuzz Curve", issuer: root, keyKind: "ec" });
const trust = buildTrust({ db: [root], dbx: [vendor], dbxHashes: [Buffer.alloc(32)] });

interface Target {
  readonly sample: Sample;
  readonly try: (bytes: Uint8Array) => Promise<string>;
}

const judge = async (bytes: Uint8Array): Promise<string> => (await inspectImage(memorySource(bytes), { file: "input", trusts: [trust], firmware: "edk2-2026.08" })).verdicts[0]?.because[0]?.code ?? "boots";
const whole = (name: string, bytes: Buffer): Sample => ({ name, bytes, stretches: [{ offset: 0, length: bytes.length }] });
/** Of a file of padding, only what holds anything. */
function dense(name: string, bytes: Buffer): Sample {
  const stretches = [];
  for (let offset = 0; offset < bytes.length; offset += 256) if (bytes.subarray(offset, offset + 256).some((byte) => byte !== 0)) stretches.push({ offset, length: Math.min(256, bytes.length - offset) });
  return { name, bytes, stretches };
}

const lists = Buffer.from(joinSignatureLists([encodeSignatureList("x509", OWNER, [root.der]), encodeSignatureList("sha256", OWNER, [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]), encodeSignatureList("x509_sha256", OWNER, [Buffer.alloc(48, 3)])]));
const program = signProgram(buildProgram(), { signer: leaf, certificates: [leaf, root] }, { signer: curve, digest: "sha384" });
const chain = buildBootDisk(signProgram(buildShim({ vendor }), { signer: leaf, certificates: [leaf] }), { "EFI/BOOT/GRUBX64.EFI": signProgram(buildProgram({ sections: { ".sbat": sbatTable({ grub: 5 }) } }), { signer: vendor }), "EFI/DEBIAN/GRUB.CFG": Buffer.from("set root=(hd0,1)\nlinux /vmlinuz quiet\ninitrd /initrd.img\n") });

/** An update as published ones are: bare SignedData over name, vendor, attributes, time and lists. */
function buildUpdate(): Buffer {
  const time = Buffer.from("da0703060611150000000000000000000000", "hex").subarray(0, 16);
  const attributes = Buffer.from("67000000", "hex");
  const vendorGuid = Buffer.from("cbb219d73a3d9645a3bcdad00e67656f", "hex");
  const content = Buffer.concat([Buffer.from("dbx", "utf16le"), vendorGuid, attributes, time, lists]);
  const algorithm = sequence(objectId("2.16.840.1.101.3.4.2.1"), nothing);
  const signed = [sequence(objectId("1.2.840.113549.1.9.3"), set(objectId("1.2.840.113549.1.7.1"))), sequence(objectId("1.2.840.113549.1.9.4"), set(octets(createHash("sha256").update(content).digest())))];
  const signer = sequence(integer(1), sequence(nameDer(root.issuerName), integer(root.serial)), algorithm, der(0xa0, ...signed), sequence(objectId("1.2.840.113549.1.1.1"), nothing), octets(sign("sha256", set(...signed), root.key)));
  const blob = sequence(integer(1), set(algorithm), sequence(objectId("1.2.840.113549.1.7.1")), der(0xa0, root.der), set(signer));
  const header = Buffer.alloc(24);
  header.writeUInt32LE(24 + blob.length, 0);
  header.writeUInt16LE(0x0200, 4);
  header.writeUInt16LE(0x0ef1, 6);
  header.set(Buffer.from("9dd2af4adf68ee498aa9347d375665a7", "hex"), 8);
  return Buffer.concat([time, header, blob, lists]);
}

const machine = { ...trust, variables: { ...trust.variables, PK: Buffer.from(encodeSignatureList("x509", OWNER, [root.der])), KEK: Buffer.from(encodeSignatureList("x509", OWNER, [root.der])) } };
const update = buildUpdate();
const small = trustByName("MicrosoftWindows")!;
const trustJson = Buffer.from(JSON.stringify({ name: "fuzz", pk: [root.der.toString("base64")], db: [{ type: "x509", value: root.der.toString("base64") }, { type: "sha256", value: "ab".repeat(32) }], dbx: [{ type: "x509_sha256", value: "cd".repeat(32), revokedAt: "2026-01-31T00:00:00Z" }], sbat: "sbat,1,2024040900\n" }));
const variablesJson = Buffer.from(JSON.stringify({ name: "fuzz", secureBootEnabled: true, variables: { PK: lists.toString("base64"), db: lists.toString("base64"), dbx: null }, shimVariables: { SbatLevel: Buffer.from("sbat,1,2024040900\nshim,4\n").toString("base64") } }));

/** An empty store in a firmware volume (PI 1.8, volume 3; VariableFormat.h), as large as it must be. */
function emptyStore(): Buffer {
  const file = Buffer.alloc(0x3000, 0xff);
  file.fill(0, 0, 16);
  file.set(Buffer.from("8d2bf1ff96768b4ca9852747075b4f50", "hex"), 16);
  file.writeUInt32LE(0x4856465f, 40);
  file.writeUInt16LE(0x48, 48);
  file.set(Buffer.from("782cf3aa7b949a43a1802e144ec37792", "hex"), 0x48);
  file.writeUInt32LE(0x3000 - 0x48, 0x58);
  file.set([0x5a, 0xfe], 0x5c);
  return file;
}

const readTrust = (name: string) => async (bytes: Uint8Array): Promise<string> => {
  const found = parseTrustFile(bytes, name);
  const { verdicts } = await inspectImage(memorySource(program), { file: "input", trusts: [found], firmware: "edk2-2022.11" });
  return verdicts[0]?.because[0]?.code ?? "boots";
};

const targets: readonly Target[] = [
  { sample: dense("a signed program", program), try: judge },
  { sample: dense("a disk with shim and GRUB", chain), try: judge },
  { sample: whole("signature lists", lists), try: async (bytes) => (walkSignatureLists(bytes).isEndless ? "endless" : readTrust("lists.esl")(bytes)) },
  { sample: whole("an authenticated update", update), try: async (bytes) => applyUpdate(machine, bytes, "dbx").mode },
  { sample: dense("a variable store", Buffer.from(enrolledStore(emptyStore(), { PK: lists, db: lists, dbx: lists }, true))), try: readTrust("vars.fd") },
  { sample: whole("a trust file of entries", trustJson), try: readTrust("trust.json") },
  { sample: whole("a trust file of variables", variablesJson), try: readTrust("variables.json") },
];

/** Tries one input. Resolves to how it ended; rejects with what makes it again when it was not handled. */
async function tryInput(index: number): Promise<string> {
  const numbers = new SeededNumbers(SEED + index * 7919);
  const target = targets[index % targets.length]!;
  const source = mutate(target.sample, numbers);
  const startedAt = process.cpuUsage();
  let end: string;
  try {
    end = await target.try(source.peek(0, source.sizeBytes));
  } catch (error) {
    if (!(error instanceof DiskImageError || error instanceof TrustFileError || error instanceof UpdateError)) {
      throw new Error(`${target.sample.name}: not handled. Again: SIGNET_SEED=${SEED} SIGNET_FUZZ_INPUT=${index} ./signet test trust-fuzz`, { cause: error });
    }
    end = error.code;
  }
  const { user, system } = process.cpuUsage(startedAt);
  assert.ok((user + system) / 1000 < WORK_MS_MAX, `${target.sample.name}: ${(user + system) / 1000} ms of work. Again: SIGNET_SEED=${SEED} SIGNET_FUZZ_INPUT=${index} ./signet test trust-fuzz`);
  return `${target.sample.name}: ${end}`;
}

describe("mutated programs, lists, updates and trust files", () => {
  test("every sample is read when nothing is changed", async () => {
    for (const { sample, try: attempt } of targets) assert.doesNotMatch(await attempt(sample.bytes), /^(DI|SB-TRUST|SB-UPDATE)/, sample.name);
    assert.equal(small.contentsKnown, true);
  });

  if (only !== undefined) {
    test("the one input that was asked for is handled", async (context) => context.diagnostic(await tryInput(Number(only))));
  } else {
    test(`${INPUTS} of them end in an answer or a catalogued error, in time`, { timeout: TIMEOUT_MS }, async (context) => {
      const ends = new Map<string, number>();
      for (let index = 0; index < INPUTS; index += 1) {
        const end = await tryInput(index);
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }
      context.diagnostic(`seed ${SEED}, ${INPUTS} inputs, ${ends.size} different ends`);
      assert.ok(ends.size > 40, `only ${ends.size} different ends were reached: ${[...ends.keys()].join(", ")}`);
    });
  }
});
