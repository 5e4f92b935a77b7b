import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { flag, generation2, machineOf, pathOf, settingsOf, settingsText, TestHost, text, texts, uint16, uint64, valueText } from "./test-host.ts";

let host: TestHost;
before(async () => {
  host = await TestHost.start({ uncertainties: { attachLooksForFile: false } });
});
after(() => host.remove());

const uefi = "272E7447-90A4-4563-A4B9-8E4AB00526CE";

test("a machine of generation 2 with Secure Boot is defined, started, read back and destroyed", async () => {
  const guid = await host.define({ ...generation2, ElementName: text("first"), SecureBootEnabled: flag(true), SecureBootTemplateId: text(uefi), Notes: texts("id of ours") });
  assert.match(guid, /^[0-9A-F-]{36}$/);
  const settings = await host.one(`ASSOCIATORS OF {Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='${guid.toLowerCase()}'} WHERE AssocClass = Msvm_SettingsDefineState ResultClass = Msvm_VirtualSystemSettingData`);
  assert.equal(valueText(settings, "SecureBootEnabled"), "true");
  assert.equal(valueText(settings, "SecureBootTemplateId"), uefi.toLowerCase());
  assert.equal(valueText(settings, "VirtualSystemType"), "Microsoft:Hyper-V:System:Realized");

  const nic = await host.perform("AddResourceSettings", {
    AffectedConfiguration: settingsOf(guid),
    ResourceSettings: [settingsText({ ResourceType: uint16(10), ResourceSubType: text("Microsoft:Hyper-V:Synthetic Ethernet Port"), StaticMacAddress: flag(true), Address: text("00155D010203") }, "Msvm_SyntheticEthernetPortSettingData")],
  });
  assert.equal(nic.code, 0, nic.error);
  const controller = await host.perform("AddResourceSettings", { AffectedConfiguration: settingsOf(guid), ResourceSettings: [settingsText({ ResourceType: uint16(6), ResourceSubType: text("Microsoft:Hyper-V:Synthetic SCSI Controller") }, "Msvm_ResourceAllocationSettingData")] });
  assert.equal(controller.code, 0, controller.error);
  const memory = await host.one(`ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID='Microsoft:${guid}'} WHERE AssocClass = Msvm_VirtualSystemSettingDataComponent ResultClass = Msvm_MemorySettingData`);
  const changed = await host.perform("ModifyResourceSettings", { ResourceSettings: [settingsText({ InstanceID: text(valueText(memory, "InstanceID") ?? ""), VirtualQuantity: uint64(2048) }, "Msvm_MemorySettingData")] });
  assert.equal(changed.code, 0, changed.error);

  assert.equal((await host.requestState(guid, 2)).code, 0);
  assert.equal(await host.stateOf(guid), 2);
  assert.equal((await host.perform("DestroySystem", { AffectedSystem: machineOf(guid) })).code, 32775);
  assert.equal((await host.requestState(guid, 3)).code, 0);
  assert.equal((await host.perform("DestroySystem", { AffectedSystem: machineOf(guid) })).code, 0);
  assert.equal((await host.query(`SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'first'`)).length, 0);
  void pathOf;
});
