import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { flag, generation2, machineOf, settingsOf, settingsText, TestHost, text, texts, uint16, valueText, wholeInstance } from "../host/test-host.ts";

const componentsOf = (guid: string, resultClass: string) =>
  `ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID='Microsoft:${guid}'} WHERE AssocClass = Msvm_VirtualSystemSettingDataComponent ResultClass = ${resultClass}`;

describe("defining machines", () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.start();
  });
  after(() => host.remove());

  test("a bare DefineSystem makes a machine of generation 1, with its controllers and without Secure Boot", async () => {
    const guid = await host.define({ ElementName: text("bare") });
    const settings = await host.client.get(settingsOf(guid));
    assert.equal(valueText(settings, "VirtualSystemSubType"), "Microsoft:Hyper-V:SubType:1");
    assert.equal(valueText(settings, "SecureBootEnabled"), "false");
    assert.equal(valueText(settings, "BootOrder"), "1,2,3,0");
    const resources = await host.query(componentsOf(guid, "Msvm_ResourceAllocationSettingData"));
    assert.deepEqual(resources.map((resource) => String(valueText(resource, "ResourceSubType"))), ["Microsoft:Hyper-V:Emulated IDE Controller", "Microsoft:Hyper-V:Emulated IDE Controller", "Microsoft:Hyper-V:Synthetic Diskette Drive"]);
    assert.deepEqual((await host.query(componentsOf(guid, "Msvm_SerialPortSettingData"))).length, 2);
  });

  test("generation 2 has Secure Boot on and the Windows template unless told otherwise, and no controller, adapter or drive", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("second") });
    const settings = await host.client.get(settingsOf(guid));
    assert.equal(valueText(settings, "SecureBootEnabled"), "true");
    assert.equal(valueText(settings, "SecureBootTemplateId"), "1734c6e8-3154-4dda-ba5f-a874cc483422");
    assert.equal(valueText(settings, "Version"), "10.0");
    assert.equal(valueText(settings, "LowMmioGapSize"), "128");
    assert.deepEqual(await host.query(componentsOf(guid, "Msvm_ResourceAllocationSettingData")), []);
    assert.deepEqual(await host.query(componentsOf(guid, "Msvm_SyntheticEthernetPortSettingData")), []);
    const [memory] = await host.query(componentsOf(guid, "Msvm_MemorySettingData"));
    assert.equal(memory && valueText(memory, "VirtualQuantity"), "1024");
    assert.equal((await host.query(componentsOf(guid, "Msvm_SecuritySettingData"))).length, 1);
  });

  test("Secure Boot and its template are set by the definition itself, the template in any spelling of its GUID", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("linux"), SecureBootEnabled: flag(true), SecureBootTemplateId: text("{272E7447-90A4-4563-A4B9-8E4AB00526CE}") });
    assert.equal(valueText(await host.client.get(settingsOf(guid)), "SecureBootTemplateId"), "272e7447-90a4-4563-a4b9-8e4ab00526ce");
    const without = await host.define({ ...generation2, ElementName: text("plain"), SecureBootEnabled: flag(false) });
    assert.equal(valueText(await host.client.get(settingsOf(without)), "SecureBootEnabled"), "false");
  });

  test("a template that the host does not have, a name too long and a subtype unknown are refused, and nothing is left of them", async () => {
    const before = (await host.query("SELECT Name FROM Msvm_ComputerSystem")).length;
    const define = (properties: Parameters<typeof settingsText>[0]) => host.perform("DefineSystem", { SystemSettings: settingsText(properties) });
    assert.equal((await define({ ...generation2, SecureBootTemplateId: text("4292ae2b-ee2c-42b5-a969-dd8f8689f6f3") })).code, 32773);
    assert.equal((await define({ ElementName: text("x".repeat(101)) })).code, 32773);
    assert.equal((await define({ VirtualSystemSubType: text("Microsoft:Hyper-V:SubType:3") })).code, 32773);
    assert.equal((await define({ SecureBootEnabled: flag(true) })).code, 32773);
    assert.equal((await define({ Version: text("99.0") })).code, 32773);
    assert.equal((await define({ AutomaticStartupActionDelay: text("00000000000030.000000:000") })).code, 32768);
    assert.equal((await define({ Notes: text("one") })).code, 32773);
    assert.equal((await define({ Colour: text("blue") })).code, 32773);
    assert.equal((await host.query("SELECT Name FROM Msvm_ComputerSystem")).length, before);
  });

  test("devices come along in the definition, those that hang on others included", async () => {
    const controller = settingsText({ InstanceID: text("mine"), ResourceType: uint16(6), ResourceSubType: text("Microsoft:Hyper-V:Synthetic SCSI Controller") }, "Msvm_ResourceAllocationSettingData");
    const drive = settingsText({ ResourceType: uint16(16), ResourceSubType: text("Microsoft:Hyper-V:Synthetic DVD Drive"), Parent: text('Msvm_ResourceAllocationSettingData.InstanceID="mine"'), AddressOnParent: text("5") }, "Msvm_ResourceAllocationSettingData");
    const processor = settingsText({ ResourceType: uint16(3), VirtualQuantity: { type: "uint64", array: false, value: 4n } }, "Msvm_ProcessorSettingData");
    const guid = await host.define({ ...generation2, ElementName: text("with devices") }, [controller, drive, processor]);
    const [cpu] = await host.query(componentsOf(guid, "Msvm_ProcessorSettingData"));
    assert.equal(cpu && valueText(cpu, "VirtualQuantity"), "4");
    const resources = await host.query(componentsOf(guid, "Msvm_ResourceAllocationSettingData"));
    const dvd = resources.find((resource) => valueText(resource, "ResourceType") === "16");
    assert.match(valueText(dvd!, "InstanceID") ?? "", new RegExp(`^Microsoft:${guid}\\\\[0-9A-F-]{36}\\\\0\\\\5\\\\D$`));
  });

  test("names, notes and automatic actions are modified; read-only properties may be echoed, not changed", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("old name"), Notes: texts("a", "b") });
    const id = { InstanceID: text(`Microsoft:${guid}`) };
    const modify = (properties: Parameters<typeof settingsText>[0]) => host.perform("ModifySystemSettings", { SystemSettings: settingsText({ ...id, ...properties }) });
    assert.equal((await modify({ ElementName: text("new name"), AutomaticStartupAction: uint16(2), VirtualSystemIdentifier: text(guid.toLowerCase()), Version: text("10.0") })).code, 0);
    const settings = await host.client.get(settingsOf(guid));
    assert.equal(valueText(settings, "ElementName"), "new name");
    assert.equal(valueText(settings, "Notes"), "a,b");
    assert.equal((await modify({ VirtualSystemSubType: text("Microsoft:Hyper-V:SubType:1") })).code, 32773);
    assert.equal((await modify({ VirtualSystemIdentifier: text("00000000-0000-0000-0000-000000000000") })).code, 32773);
    assert.equal((await modify({ AutomaticStartupAction: uint16(7) })).code, 32773);
    assert.equal(valueText(await host.one(`SELECT * FROM Msvm_ComputerSystem WHERE Name = '${guid}'`), "ElementName"), "new name");
  });

  test("a client that echoes whole instances changes only what it meant, also while the machine is on", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("echoed") });
    const echo = async (name: string) => host.perform("ModifySystemSettings", { SystemSettings: wholeInstance(await host.client.get(settingsOf(guid)), { ElementName: text(name) }) });
    for (const kind of ["Synthetic SCSI Controller", "Synthetic Ethernet Port"]) {
      const [standard] = await host.query(`SELECT * FROM CIM_ResourceAllocationSettingData WHERE ResourceSubType = 'Microsoft:Hyper-V:${kind}' AND InstanceID LIKE '%\\\\Default'`)
        .then((found) => (found.length > 0 ? found : host.query(`SELECT * FROM CIM_EthernetPortAllocationSettingData WHERE ResourceSubType = 'Microsoft:Hyper-V:${kind}' AND InstanceID LIKE '%\\\\Default'`)));
      assert.equal((await host.perform("AddResourceSettings", { AffectedConfiguration: settingsOf(guid), ResourceSettings: [wholeInstance(standard!)] })).code, 0);
    }
    assert.equal((await echo("first echo")).code, 0);
    for (const device of await host.query(componentsOf(guid, "CIM_ResourceAllocationSettingData"))) {
      const outcome = await host.perform("ModifyResourceSettings", { ResourceSettings: [wholeInstance(device)] });
      assert.equal(outcome.code, 0, `${device.className}: ${outcome.error}`);
    }
    await host.requestState(guid, 2);
    assert.equal((await echo("second echo")).code, 0);
    assert.equal(valueText(await host.client.get(settingsOf(guid)), "ElementName"), "second echo");
  });

  test("two machines may have one name, and destroying one leaves the other", async () => {
    const first = await host.define({ ElementName: text("twin") });
    const second = await host.define({ ElementName: text("twin") });
    assert.equal((await host.query("SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'twin'")).length, 2);
    assert.equal((await host.perform("DestroySystem", { AffectedSystem: machineOf(first) })).code, 0);
    assert.equal((await host.perform("DestroySystem", { AffectedSystem: machineOf(first) })).code, 32773);
    assert.equal(valueText(await host.one("SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'twin'"), "Name"), second);
  });
});

test("a host that answers at once returns 0 and the machine, and refusals as return values", async () => {
  const host = await TestHost.start({ uncertainties: { methodAnswers: "return" } });
  try {
    const answer = await host.invoke("Msvm_VirtualSystemManagementService", "DefineSystem", { SystemSettings: settingsText({ ElementName: text("now") }) });
    assert.equal(answer.ReturnValue, 0);
    assert.ok(answer["ResultingSystem"]);
    assert.equal((await host.invoke("Msvm_VirtualSystemManagementService", "DefineSystem", { SystemSettings: settingsText({ SecureBootEnabled: flag(true) }) })).ReturnValue, 32773);
  } finally {
    await host.remove();
  }
});
