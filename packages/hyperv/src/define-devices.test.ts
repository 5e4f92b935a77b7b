import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseCimXml, valueOf } from "@signet/wsman";
import { orderBoot } from "./define-devices.ts";
import type { MachineSpec } from "./host-types.ts";
import { ScriptedHost } from "./scripted-host.ts";

const guid = "0B5A1C6E-6E1B-4F52-9B1F-3A2B1C0D9E8F";
const about = { computerName: "HOST", version: { major: 10, minor: 0 }, build: 20_348, virtualHardDiskPath: "C:\\Disks" };
const spec: MachineSpec = { serverId: "11111111-2222-4333-8444-555555555555", name: "web", generation: 2, cpuCount: 1, memoryBytes: 1024 ** 3, secureBoot: { enabled: false, templateId: null }, rootDiskPath: "C:\\root.vhdx", nics: [], serialConsole: false };

describe("the boot order of a new machine", () => {
  let host: ScriptedHost;
  beforeEach(async () => {
    host = await ScriptedHost.start();
    host.add("Msvm_ResourceAllocationSettingData", { InstanceID: `Microsoft:${guid}\\C\\0\\0\\D`, ResourceSubType: "Microsoft:Hyper-V:Synthetic Disk Drive" });
    host.methods.set("Msvm_VirtualSystemManagementService.ModifySystemSettings", (input) => {
      const order = valueOf(parseCimXml(String(input["SystemSettings"])), "BootSourceOrder") as readonly string[];
      setOrder(...order);
      return { ReturnValue: 0 };
    });
  });
  afterEach(() => host.close());
  const setOrder = (...BootSourceOrder: string[]) => host.set("Msvm_VirtualSystemSettingData", { InstanceID: `Microsoft:${guid}`, BootSourceOrder });
  const order = (): unknown => valueOf(host.instances.get("Msvm_VirtualSystemSettingData")![0]!, "BootSourceOrder");
  // Hosts write these paths with single backslashes, unlike all others.
  const path = (device: string): string => `\\\\HOST\\root\\virtualization\\v2:Msvm_BootSourceSettingData.InstanceID="Microsoft:${guid}\\${device}\\B"`;
  const disk = path("C\\0\\0\\D");
  const put = (changes: Partial<MachineSpec> = {}): Promise<void> => orderBoot(host.session(), { guid, about, spec: { ...spec, ...changes } });
  const modified = (): boolean => host.asked.some((one) => one.endsWith("ModifySystemSettings"));

  test("puts the disk first and leaves the rest in order, with the paths as the host wrote them", async () => {
    setOrder(path("N1"), path("N2"), disk, path("C\\0\\1\\D"));
    await put();
    assert.deepEqual(order(), [disk, path("N1"), path("N2"), path("C\\0\\1\\D")]);
  });

  test("is left alone when the disk is first, and on Generation 1", async () => {
    setOrder(disk, path("N1"));
    await put();
    setOrder(path("N1"));
    await put({ generation: 1 });
    assert.equal(modified(), false);
  });

  test("gets the disk from the boot sources when the order does not name it", async () => {
    setOrder(path("N1"));
    host.add("Msvm_BootSourceSettingData", { InstanceID: `Microsoft:${guid}\\N1\\B` });
    host.add("Msvm_BootSourceSettingData", { InstanceID: `Microsoft:${guid}\\C\\0\\0\\D\\B` });
    await put();
    assert.deepEqual(order(), [`\\\\HOST\\root\\virtualization\\v2:Msvm_BootSourceSettingData.InstanceID="Microsoft:${guid}\\\\C\\\\0\\\\0\\\\D\\\\B"`, path("N1")]);
  });

  test("cannot be made where the host lists no source for the disk", async () => {
    setOrder(path("N1"));
    await assert.rejects(put(), { code: "HV-FAILED", message: /no boot source for the root disk/ });
  });
});
