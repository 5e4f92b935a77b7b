import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeDisk } from "./judging.ts";
import { makeAuthority } from "./recipes/authority-recipe.ts";
import { buildBootDisk, type TrustRecipe } from "./recipes/boot-disk-recipe.ts";
import { buildProgram, imageDigest, signProgram } from "./recipes/program-recipe.ts";
import { buildShim, sbatTable } from "./recipes/shim-recipe.ts";

const root = makeAuthority({ name: "Firmware Root", isCa: true });
const loaderSigner = makeAuthority({ name: "Firmware Signer", issuer: root });
const vendor = makeAuthority({ name: "Vendor Root", isCa: true });
const vendorSigner = makeAuthority({ name: "Vendor Signer", issuer: vendor });
const stranger = makeAuthority({ name: "Stranger", isCa: true });
const shim = signProgram(buildShim({ vendor }), { signer: loaderSigner });
const second = buildProgram({ sections: { ".sbat": sbatTable({ grub: 5 }) } });
const grub = signProgram(second, { signer: vendorSigner });
const trust: TrustRecipe = { db: [root] };

async function judge(files: Readonly<Record<string, Uint8Array>>, changes: TrustRecipe = {}, loader: Uint8Array = shim): Promise<string> {
  const { outcome, stage, because } = await judgeDisk(buildBootDisk(loader, files), { ...trust, ...changes });
  return [outcome, stage, because[0]?.code].filter((part) => part != null).join(" ");
}
const withSecond = (program: Uint8Array): Record<string, Uint8Array> => ({ "EFI/BOOT/grubx64.efi": program });

test("a second stage signed by shim's vendor, or under firmware's db, starts", async () => {
  assert.equal(await judge(withSecond(grub)), "boots");
  assert.equal(await judge(withSecond(signProgram(second, { signer: loaderSigner }))), "boots");
  assert.equal(await judge(withSecond(signProgram(second, { signer: stranger }))), "refused second SB-NOT-TRUSTED-BY-SHIM");
  assert.equal(await judge(withSecond(second)), "refused second SB-UNSIGNED");
  assert.equal(await judge({}), "unbootable second BP-SECOND-MISSING");
});

test("without Secure Boot shim checks nothing", async () => {
  assert.equal(await judge(withSecond(second), { secureBootEnabled: false }), "boots");
});

test("shim verifies SHA-256 only, and takes one good signature beside a bad one", async () => {
  assert.equal(await judge(withSecond(signProgram(second, { signer: vendorSigner, digest: "sha384" }))), "refused second SB-SHIM-DIGEST");
  assert.equal(await judge(withSecond(signProgram(second, { signer: stranger }, { signer: vendorSigner }))), "boots");
  assert.equal(await judge(withSecond(signProgram(second, { signer: stranger }, { signer: vendorSigner })), { dbx: [stranger] }), "boots");
  assert.equal(await judge(withSecond(grub), { dbx: [vendorSigner] }), "refused second SB-REVOKED-CERTIFICATE");
  assert.equal(await judge(withSecond(grub), { dbxHashes: [imageDigest(second)] }), "refused second SB-REVOKED-HASH");
});

test("bytes behind the table of signatures stop shim, and a changed file is named as such", async () => {
  assert.equal(await judge(withSecond(Buffer.concat([grub, Buffer.alloc(8)]))), "refused second SB-SHIM-TRAILING-BYTES");
  const changed = Buffer.from(grub);
  changed.writeUInt8(0x90, 0x410);
  assert.equal(await judge(withSecond(changed)), "refused second SB-CHANGED");
});

test("an SBAT table is compulsory, well formed, and at least of the level", async () => {
  const withTable = (table: Uint8Array | null): Buffer => signProgram(buildProgram(table === null ? {} : { sections: { ".sbat": table } }), { signer: vendorSigner });
  assert.equal(await judge(withSecond(withTable(null))), "refused second SB-SBAT-MISSING");
  assert.equal(await judge(withSecond(withTable(Buffer.from("sbat,1\n")))), "refused second SB-SBAT-MALFORMED");
  assert.equal(await judge(withSecond(withTable(sbatTable({ grub: 4 })))), "refused second SB-SBAT-REVOKED");
  assert.equal(await judge(withSecond(withTable(sbatTable({ "grub.other": 1 })))), "boots");
});

test("a newer level of the machine stays, an older one is raised, and shim stops itself below it", async () => {
  assert.equal(await judge(withSecond(grub), { sbatLevel: "sbat,1,2099010100\nshim,4\ngrub,6\n" }), "refused second SB-SBAT-REVOKED");
  assert.equal(await judge(withSecond(grub), { sbatLevel: "sbat,1,2020010100\ngrub,9\n" }), "boots");
  assert.equal(await judge(withSecond(grub), { sbatLevel: "sbat,1,2099010100\nshim,5\n" }), "refused loader SB-SBAT-SELF");
});

test("fallback takes over from GRUB where it exists, and loops without a list of loaders", async () => {
  const fallback = signProgram(buildProgram({ sections: { ".sbat": sbatTable({ shim: 4 }) } }), { signer: vendorSigner });
  const files = { "EFI/BOOT/fbx64.efi": fallback, ...withSecond(grub) };
  assert.equal(await judge(files), "unbootable second BP-FALLBACK-LOOP");
  const csv = Buffer.from("\ufeffshimx64.efi,vendor,,This is the boot entry\n", "utf16le");
  assert.equal(await judge({ ...files, "EFI/vendor/BOOTX64.CSV": csv, "EFI/vendor/shimx64.efi": shim, "EFI/vendor/grubx64.efi": grub }), "boots");
  assert.equal(await judge({ ...files, "EFI/vendor/BOOTX64.CSV": csv, "EFI/vendor/shimx64.efi": shim, "EFI/vendor/grubx64.efi": second }), "refused second SB-UNSIGNED");
});

test("files that shim loads at run time leave the answer open", async () => {
  assert.equal(await judge({ ...withSecond(grub), "EFI/BOOT/shim_certificate.efi": second }), "unknown second BP-SHIM-EXTRAS");
});

test("the kernel that a simple grub.cfg names is judged by shim, its SBAT table being optional", async () => {
  const prefix = Buffer.alloc(24 + 8 + 16);
  prefix.writeUInt32LE(0x676d696d, 0);
  prefix.writeBigUInt64LE(24n, 8);
  prefix.writeBigUInt64LE(48n, 16);
  prefix.writeUInt32LE(3, 24);
  prefix.writeUInt32LE(24, 28);
  prefix.write("/EFI/vendor\0", 32);
  const realGrub = signProgram(buildProgram({ sections: { ".sbat": sbatTable({ grub: 5 }), mods: prefix } }), { signer: vendorSigner });
  const kernel = signProgram(buildProgram({ filling: 1 }), { signer: vendorSigner });
  const config = Buffer.from("set timeout=0\nlinux /vmlinuz quiet\ninitrd /initrd.img\nboot\n");
  const files = { ...withSecond(realGrub), "EFI/vendor/grub.cfg": config };
  assert.equal(await judge({ ...files, VMLINUZ: kernel }), "boots");
  const changed = Buffer.from(kernel);
  changed.writeUInt8(0x90, 0x410);
  assert.equal(await judge({ ...files, VMLINUZ: changed }), "refused kernel SB-CHANGED");
  const branching = Buffer.from("if [ -e /x ]; then linux /vmlinuz; fi\n");
  assert.equal(await judge({ ...files, "EFI/vendor/grub.cfg": branching, VMLINUZ: changed }), "boots");
});
