import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { ImageReport, Outcome } from "@signet/secure-boot";
import type { ProfileName } from "@signet/secure-boot/policy";
import type { ImageId } from "../ids.ts";
import type { Refusal } from "../refusal.ts";
import { chooseTemplate, findTemplate, templateName } from "./choose-template.ts";
import type { BootImage } from "./image-port.ts";
import { planServer, type ServerPlan } from "./plan-server.ts";
import type { FlavorSnapshot } from "./server-record.ts";

const flavor: FlavorSnapshot = { id: "1", name: "m1.small", vcpus: 1, memoryMib: 2048, diskGib: 20, ephemeralGib: 0, swapMib: 0, extraSpecs: {} };
const image: BootImage = {
  id: randomUUID() as ImageId, name: "debian", status: "active", properties: { hw_machine_type: "hyperv-gen2", os_secure_boot: "required" }, detectedFormat: "vhdx", sizeBytes: 1, virtualSizeBytes: 1,
  minRamMib: 0, minDiskGib: 0, report: null, signature: { value: "MicrosoftUEFICertificateAuthority", source: "stated", contradiction: null },
};

function reportOf(family: ImageReport["family"], outcomes: Readonly<Record<string, Outcome>>): ImageReport {
  return {
    file: "x", format: { detected: "vhdx", declared: null, virtualSizeBytes: 1, bytesRead: 1 }, layout: { partitioning: "gpt", espIndex: 1, filesystem: "fat32" }, boot: { path: null, architecture: null, generation: 2 }, chain: [], family, warnings: [],
    verdicts: Object.entries(outcomes).map(([trust, outcome]) => ({ trust, outcome, stage: null, firmwareMessage: null, because: [], remedies: [], serviceable: null, survivesNextRevocation: null })),
  };
}
const plan = (changes: Partial<BootImage>, options: { specs?: FlavorSnapshot["extraSpecs"]; profile?: ProfileName; forcedBy?: string } = {}): ServerPlan =>
  planServer({ image: { ...image, ...changes }, flavor: { ...flavor, extraSpecs: options.specs ?? {} }, profile: options.profile ?? "blueprint", forcedBy: options.forcedBy ?? null });
const codeOf = (changes: Partial<BootImage>, options: Parameters<typeof plan>[1] = {}): string => {
  try {
    plan(changes, options);
  } catch (error) {
    return (error as Refusal).code;
  }
  return "accepted";
};

describe("what is decided before a host is looked at", () => {
  test("Secure Boot that nobody asked for is off, explicitly, and asks nothing of the image", () => {
    const decided = plan({ properties: {}, detectedFormat: "vhd", signature: null });
    assert.deepEqual([decided.generation, decided.format, decided.secureBoot.wanted, decided.policy.decision], [1, "vhd", "off", "off"]);
  });

  test("refuses what can be known beforehand, each with its code", () => {
    assert.equal(codeOf({}), "accepted");
    assert.equal(codeOf({ status: "queued" }), "SIG-IMAGE-NOT-ACTIVE");
    assert.equal(codeOf({ minRamMib: 4096 }), "SIG-FLAVOR-MEMORY");
    assert.equal(codeOf({ minDiskGib: 40 }), "SIG-FLAVOR-DISK");
    assert.equal(codeOf({ properties: { hypervisor_type: "Hyper-V" } }), "SIG-IMAGE-METADATA");
    assert.equal(codeOf({ properties: { os_secure_boot: "maybe" } }), "SIG-POLICY-CONFLICT");
    assert.equal(codeOf({ properties: { hw_machine_type: "hyperv-gen3" } }), "SIG-IMAGE-MACHINE-TYPE");
    assert.equal(codeOf({ detectedFormat: "qcow2" }), "SIG-IMAGE-FORMAT");
    assert.equal(codeOf({ detectedFormat: "raw" }), "SIG-IMAGE-FORMAT");
    const noDisk = reportOf("other", {});
    assert.equal(codeOf({ detectedFormat: "raw", report: { ...noDisk, verdicts: [{ trust: "MicrosoftWindows", outcome: "unbootable", stage: null, firmwareMessage: null, because: [{ code: "DI-EMPTY", text: "The file has no bytes." }], remedies: [], serviceable: null, survivesNextRevocation: null }] } }), "SIG-IMAGE-NO-DISK");
    assert.equal(codeOf({ detectedFormat: "vhd" }), "SIG-POLICY-VHD");
    assert.equal(codeOf({ properties: { os_secure_boot: "required" } }), "SIG-POLICY-GEN2");
    assert.equal(codeOf({ signature: null, report: reportOf("linux", {}) }), "SIG-POLICY-SIGNATURE");
    assert.equal(codeOf({ signature: { value: "x", source: "stated", contradiction: "both values" } }), "SIG-POLICY-SIGNATURE-CONTRADICTED");
  });

  test("a conflict of the profile names both sides", () => {
    assert.equal(codeOf({}, { profile: "nova-hyperv", specs: { "os:secure_boot": "disabled" } }), "SIG-POLICY-CONFLICT");
    assert.throws(() => plan({}, { profile: "nova-libvirt", specs: { "os:secure_boot": "disabled" } }), /image "debian" has os_secure_boot=required, flavor "m1.small" has os:secure_boot=disabled/i);
  });

  test("a predicted refusal is refused, unless it is forced, and then who did is kept", () => {
    const refused = { report: reportOf("linux", { MicrosoftUEFICertificateAuthority: "refused" }) };
    assert.equal(codeOf(refused), "SIG-PREDICTED-REFUSED");
    assert.equal(plan(refused, { forcedBy: "admin" }).prediction?.forcedBy, "admin");
    assert.equal(plan({ signature: { value: "sha256:00", source: "stated", contradiction: "both values" }, ...refused }, { forcedBy: "admin" }).prediction?.outcome, "refused");
    assert.equal(plan({ report: reportOf("linux", { MicrosoftUEFICertificateAuthority: "boots" }) }, { forcedBy: "admin" }).prediction?.forcedBy, null);
  });

  test("without Secure Boot a predicted refusal is nobody's concern", () => {
    assert.equal(plan({ properties: { hw_machine_type: "hyperv-gen2" }, report: reportOf("linux", { MicrosoftUEFICertificateAuthority: "refused" }) }).prediction, null);
  });

  test("where the host may decide, a Generation 1 image has no Secure Boot", () => {
    assert.equal(plan({ properties: { os_secure_boot: "optional" } }, { profile: "nova-libvirt" }).secureBoot.wanted, "off");
    assert.equal(plan({ properties: { os_secure_boot: "optional", hw_machine_type: "hyperv-gen2" } }, { profile: "nova-libvirt" }).secureBoot.wanted, "on-if-capable");
  });
});

describe("the template", () => {
  test("is the one that the image names, by name or by GUID", () => {
    assert.equal(chooseTemplate(reportOf("linux", { MicrosoftUEFICertificateAuthority: "boots" }), "MicrosoftWindows").name, "MicrosoftWindows");
    assert.equal(findTemplate("{272E7447-90A4-4563-A4B9-8E4AB00526CE}")?.name, "MicrosoftUEFICertificateAuthority");
    assert.equal(templateName("1734C6E8-3154-4DDA-BA5F-A874CC483422"), "MicrosoftWindows");
    assert.equal(findTemplate("sha256:00"), null);
  });

  test("is else the one under which the loader boots, whatever the family says", () => {
    assert.equal(chooseTemplate(reportOf("linux", { MicrosoftWindows: "boots", MicrosoftUEFICertificateAuthority: "refused" }), null).name, "MicrosoftWindows");
    assert.equal(chooseTemplate(reportOf("windows", { MicrosoftWindows: "boots", MicrosoftUEFICertificateAuthority: "boots" }), null).name, "MicrosoftWindows");
  });

  test("is else the family's own, so that the refusal is told under the one that was meant", () => {
    assert.equal(chooseTemplate(reportOf("linux", { MicrosoftWindows: "refused", MicrosoftUEFICertificateAuthority: "refused" }), null).name, "MicrosoftUEFICertificateAuthority");
    assert.equal(chooseTemplate(null, null).name, "MicrosoftWindows");
    assert.equal(chooseTemplate(null, "sha256:00").name, "MicrosoftUEFICertificateAuthority");
  });
});
