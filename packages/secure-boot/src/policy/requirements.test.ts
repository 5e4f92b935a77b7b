import assert from "node:assert/strict";
import { test } from "node:test";
import { objectToSecureBoot, type SecureBootCandidate, vhdObjection } from "./requirements.ts";

const image = (required: string | null, flavor: string | null = null): SecureBootCandidate["asked"] => [
  { source: "image property", name: "os_secure_boot", value: required },
  { source: "flavor extra spec", name: "os:secure_boot", value: flavor },
];
const fit: SecureBootCandidate = {
  imageName: "im-secure", flavorName: "m1.your.flavor", asked: image("required"), machineType: "hyperv-gen2", family: "linux",
  signature: "MicrosoftUEFICertificateAuthority", signatureContradiction: null, detectedFormat: "vhdx",
};

test("a Generation 2 image with a signature has nothing against it", () => {
  assert.equal(objectToSecureBoot(fit), null);
});

test("Secure Boot without hyperv-gen2 is refused with what to set and what to remove", () => {
  for (const machineType of [null, "hyperv-gen1", "q35"]) {
    const objection = objectToSecureBoot({ ...fit, machineType });
    assert.equal(objection?.code, "SIG-POLICY-GEN2");
    assert.equal(objection?.text, 'Image "im-secure" asks for Secure Boot but is a Generation 1 image.');
    assert.equal(objection?.remedy, "Set hw_machine_type=hyperv-gen2 on the image, or remove os_secure_boot.");
  }
});

test("when only the flavor asks, the remedy speaks of the flavor", () => {
  const objection = objectToSecureBoot({ ...fit, machineType: null, asked: image("optional", "required") });
  assert.match(objection!.text, /^Flavor "m1.your.flavor" asks for Secure Boot on image "im-secure", which is a Generation 1 image\.$/);
  assert.match(objection!.remedy, /choose a flavor without os:secure_boot/);
});

test("a Linux image without any signature is refused; a Windows image needs none", () => {
  assert.equal(objectToSecureBoot({ ...fit, signature: null })?.code, "SIG-POLICY-SIGNATURE");
  assert.equal(objectToSecureBoot({ ...fit, signature: null, family: "windows" }), null);
});

test("a signature that the loader contradicts is refused with both values shown", () => {
  const objection = objectToSecureBoot({ ...fit, signatureContradiction: "stated sha256:00, found sha256:11." });
  assert.equal(objection?.code, "SIG-POLICY-SIGNATURE-CONTRADICTED");
  assert.match(objection.text, /stated sha256:00, found sha256:11\./);
});

test("a VHD is refused for Generation 2, with the command that converts it", () => {
  assert.deepEqual(objectToSecureBoot({ ...fit, detectedFormat: "vhd" }), vhdObjection("im-secure"));
  assert.match(vhdObjection("im-secure").remedy, /qemu-img convert -f vpc -O vhdx/);
});
