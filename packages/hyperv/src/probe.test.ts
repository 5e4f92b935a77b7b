import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cannotProcessFilter } from "@signet/wsman";
import { ScriptedHost } from "./scripted-host.ts";

const never = new AbortController().signal;
const uefi = { ElementName: "MicrosoftUEFICertificateAuthority", SecureBootTemplateId: "272e7447-90a4-4563-a4b9-8e4ab00526ce", InstanceID: "t" };

async function probing(build: string, prepare: (host: ScriptedHost) => void) {
  const host = await ScriptedHost.start(build);
  try {
    prepare(host);
    return { facts: await host.connect().probe(never), asked: host.asked };
  } finally {
    await host.close();
  }
}

describe("probing a host", () => {
  test("gathers what it is, in bytes and seconds of its own clock", async () => {
    const at = (native: string) => ({ kind: "datetime", native }) as const;
    const { facts } = await probing("10.0.20348", (host) => {
      host.set("Win32_OperatingSystem", {
        Version: "10.0.20348", Caption: "Microsoft Windows Server 2022 Datacenter ", TotalVisibleMemorySize: 16_777_216n, FreePhysicalMemory: 1024n,
        LastBootUpTime: at("20300101100000.500000+060"), LocalDateTime: at("20300101103000.500000+060"),
      });
      host.set("Win32_Processor", { Name: " Intel(R) Xeon(R) " }, { Name: "another" });
      host.add("Win32_LogicalDisk", { DeviceID: "C:", Size: 2_000_000_000_000n, FreeSpace: 500_000_000_000n });
      host.add("Win32_LogicalDisk", { DeviceID: "D:", Size: 1n, FreeSpace: 1n });
      host.add("Msvm_VirtualEthernetSwitch", { Name: "C08CB7B8-9B3C-408E-8E30-5E16A3AEB444", ElementName: "External" });
      host.associated.set("Msvm_SettingsDefineCapabilities", [host.add("Msvm_VirtualSystemSettingData", uefi)]);
    });
    assert.deepEqual(facts, {
      computerName: "HOST", osVersion: "10.0.20348", release: "2022", caption: "Microsoft Windows Server 2022 Datacenter", cpuCount: 8, cpuModel: "Intel(R) Xeon(R)",
      memoryBytes: 16 * 1024 ** 3, memoryFreeBytes: 1024 ** 2, diskBytes: 2_000_000_000_000, diskFreeBytes: 500_000_000_000, uptimeSeconds: 1800,
      secureBoot: { generation2: true, families: ["windows", "linux"], templates: [{ id: uefi.SecureBootTemplateId, name: "MicrosoftUEFICertificateAuthority" }] },
      switches: [{ id: "C08CB7B8-9B3C-408E-8E30-5E16A3AEB444", name: "External" }], virtualHardDiskPath: "C:\\Disks",
    });
  });

  test("never asks 2012 R2 for templates, which it does not have", async () => {
    const { facts, asked } = await probing("6.3.9600", (host) => void host.add("Msvm_VirtualSystemSettingData", uefi));
    assert.deepEqual([facts.release, facts.secureBoot], ["2012r2", { generation2: true, families: ["windows"], templates: [] }]);
    assert.ok(!asked.some((one) => one.includes("Msvm_VirtualSystemSettingData")));
  });

  test("finds templates among all settings where the association does not lead to them, or cannot be asked", async () => {
    const quiet = await probing("10.0.14393", (host) => void host.add("Msvm_VirtualSystemSettingData", uefi));
    assert.deepEqual(quiet.facts.secureBoot.families, ["windows", "linux"]);
    const refusing = await probing("10.0.14393", (host) => {
      host.add("Msvm_VirtualSystemSettingData", uefi);
      host.before = (what) => { if (what.startsWith("ASSOCIATORS")) throw cannotProcessFilter("no"); };
    });
    assert.deepEqual(refusing.facts.secureBoot.families, ["windows", "linux"]);
  });

  test("a host whose list lacks the authority for Linux does not claim Linux", async () => {
    const { facts } = await probing("10.0.17763", (host) => void host.add("Msvm_VirtualSystemSettingData", { ...uefi, SecureBootTemplateId: "1734c6e8-3154-4dda-ba5f-a874cc483422" }));
    assert.deepEqual(facts.secureBoot.families, ["windows"]);
  });
});
