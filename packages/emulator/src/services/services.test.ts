import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { CimReference } from "@signet/wsman/cim";
import { flag, generation2, machineOf, settingsOf, settingsText, TestHost, text, texts, valueText } from "../host/test-host.ts";

const service = (className: string): CimReference => ({ kind: "reference", namespace: "root/virtualization/v2", className, keys: { CreationClassName: className } });

describe("services beside the machines", () => {
  let host: TestHost;
  let guid: string;
  before(async () => {
    host = await TestHost.start();
    guid = await host.define({ ...generation2, ElementName: text("served") });
  });
  after(() => host.remove());

  test("a virtual TPM needs a key protector, and the machine off", async () => {
    const [security] = await host.query(`ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID='Microsoft:${guid}'} WHERE ResultClass = Msvm_SecuritySettingData`);
    const own = { InstanceID: text(valueText(security!, "InstanceID") ?? "") };
    const settings = (properties: Parameters<typeof settingsText>[0] = {}) => settingsText({ ...own, ...properties }, "Msvm_SecuritySettingData");
    const perform = (method: string, parameters: Parameters<typeof host.perform>[1]) => host.perform(method, parameters, "Msvm_SecurityService");
    const protector = async () => Buffer.from(String((await host.client.invoke(service("Msvm_SecurityService"), "GetKeyProtector", { SecuritySettingData: settings() }))["KeyProtector"]), "base64");
    assert.deepEqual([...await protector()], [0, 0, 0, 4]);
    assert.equal((await perform("ModifySecuritySettings", { SecuritySettingData: settings({ TpmEnabled: flag(true) }) })).code, 32773);
    const key = Buffer.alloc(64, 7);
    assert.equal((await perform("SetKeyProtector", { SecuritySettingData: settings(), KeyProtector: [...key].map(String) })).code, 0);
    assert.deepEqual(await protector(), key);
    assert.equal((await perform("SetKeyProtector", { SecuritySettingData: settings(), KeyProtector: key.toString("base64") })).code, 0);
    assert.deepEqual(await protector(), key);
    assert.equal((await perform("ModifySecuritySettings", { SecuritySettingData: settings({ TpmEnabled: flag(true) }) })).code, 0);
    await host.requestState(guid, 2);
    assert.equal((await perform("ModifySecuritySettings", { SecuritySettingData: settings({ TpmEnabled: flag(false) }) })).code, 32775);
    assert.equal((await host.query(`SELECT * FROM Msvm_TPM WHERE SystemName = '${guid}'`)).length, 1);
    await host.requestState(guid, 3);
  });

  test("key-value pairs for the guest are added, changed and removed", async () => {
    const item = (name: string, data: string) => settingsText({ Name: text(name), Data: text(data), Source: { type: "uint16", array: false, value: 0 } }, "Msvm_KvpExchangeDataItem");
    const perform = (method: string, name: string, data: string) => host.perform(method, { TargetSystem: machineOf(guid), DataItems: [item(name, data)] });
    const items = async () => valueText(await host.one(`SELECT * FROM Msvm_KvpExchangeComponentSettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`), "HostExchangeItems") ?? "";
    assert.equal((await perform("AddKvpItems", "greeting", "hello <world>")).code, 0);
    assert.equal((await perform("AddKvpItems", "greeting", "again")).code, 32773);
    assert.match(await items(), /hello &lt;world&gt;/);
    assert.equal((await perform("ModifyKvpItems", "greeting", "bye")).code, 0);
    assert.match(await items(), /bye/);
    assert.equal((await perform("RemoveKvpItems", "greeting", "")).code, 0);
    assert.equal((await perform("RemoveKvpItems", "greeting", "")).code, 32773);
  });

  test("a picture of a machine that is on has width x height x 2 bytes; of one that is off there is none", async () => {
    const picture = () => host.client.invoke(service("Msvm_VirtualSystemManagementService"), "GetVirtualSystemThumbnailImage", { TargetSystem: settingsOf(guid), WidthPixels: "80", HeightPixels: "60" });
    assert.equal((await picture()).ReturnValue, 32775);
    await host.requestState(guid, 2);
    assert.equal(Buffer.from(String((await picture())["ImageData"]), "base64").length, 80 * 60 * 2);
    const head = await host.one(`ASSOCIATORS OF {Msvm_SyntheticDisplayController.CreationClassName="Msvm_SyntheticDisplayController",DeviceID="Microsoft:${guid}\\\\Display",SystemCreationClassName="Msvm_ComputerSystem",SystemName="${guid}"} WHERE AssocClass = Msvm_VideoHeadOnController ResultClass = Msvm_VideoHead`);
    assert.equal(valueText(head, "EnabledState"), "2");
    await host.requestState(guid, 3);
  });

  test("a summary holds what was asked for, of the machines asked for or of all", async () => {
    const summarise = async (parameters: Parameters<typeof host.invoke>[2]) => {
      const found = (await host.client.invoke(service("Msvm_VirtualSystemManagementService"), "GetSummaryInformation", parameters))["SummaryInformation"];
      return (Array.isArray(found) ? found : [found]) as { properties: Record<string, { value: unknown }> }[];
    };
    await host.requestState(guid, 2);
    const [one] = await summarise({ SettingData: [settingsOf(guid)], RequestedInformation: ["4", "100", "103", "105", "104"] });
    assert.deepEqual([one?.properties["NumberOfProcessors"]?.value, one?.properties["EnabledState"]?.value, one?.properties["MemoryUsage"]?.value, one?.properties["Heartbeat"]?.value, one?.properties["ElementName"]?.value], ["1", "2", "1024", "2", null]);
    await host.define({ ElementName: text("another") });
    assert.equal((await summarise({ RequestedInformation: ["1"] })).length, 2);
    await host.requestState(guid, 3);
  });

  test("switches are made external, internal and private by their ports, renamed, and not deleted while in use", async () => {
    const switches = "Msvm_VirtualEthernetSwitchManagementService";
    const define = (name: string, hostResource: string | null) => host.perform("DefineSystem", {
      SystemSettings: settingsText({ ElementName: text(name) }, "Msvm_VirtualEthernetSwitchSettingData"),
      ...(hostResource === null ? {} : { ResourceSettings: [settingsText({ HostResource: texts(hostResource) }, "Msvm_EthernetPortAllocationSettingData")] }),
    }, switches);
    const internal = await define("inner", '\\\\HV1\\root\\virtualization\\v2:Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="HV1"');
    assert.equal(internal.code, 0, internal.error);
    assert.equal((await define("second external", '\\\\HV1\\root\\virtualization\\v2:Msvm_ExternalEthernetPort.DeviceID="x"')).code, 32774);
    assert.equal((await define("nonsense", "C:\\file")).code, 32773);
    const scalar = await host.perform("DefineSystem", { SystemSettings: settingsText({ Notes: text("scalar") }, "Msvm_VirtualEthernetSwitchSettingData") }, switches);
    assert.equal(scalar.code, 32776);
    const made = internal.output["ResultingSystem"] as CimReference;
    assert.equal((await host.perform("ModifySystemSettings", { SystemSettings: settingsText({ InstanceID: text(`Microsoft:${made.keys["Name"]}`), ElementName: text("renamed") }, "Msvm_VirtualEthernetSwitchSettingData") }, switches)).code, 0);
    const settings = await host.one(`ASSOCIATORS OF {Msvm_VirtualEthernetSwitch.CreationClassName="Msvm_VirtualEthernetSwitch",Name="${made.keys["Name"]}"} WHERE AssocClass = Msvm_SettingsDefineState`);
    assert.equal(valueText(settings, "ElementName"), "renamed");
    assert.equal((await host.perform("DestroySystem", { AffectedSystem: made }, switches)).code, 0);
    assert.deepEqual(await host.query("SELECT * FROM Msvm_VirtualEthernetSwitch WHERE ElementName = 'renamed'"), []);
  });

  test("what the host cannot do is refused as not supported, and unknown parameters are named", async () => {
    assert.equal((await host.perform("ExportSystemDefinition", { ComputerSystem: machineOf(guid), ExportDirectory: "C:\\x" })).code, 1);
    await assert.rejects(host.invoke("Msvm_VirtualSystemManagementService", "DefineSystem", { Settings: "x" }), /has no parameter Settings; it takes SystemSettings/);
    await assert.rejects(host.invoke("Msvm_VirtualSystemManagementService", "MakeCoffee", {}), /MakeCoffee/);
    await assert.rejects(host.invoke("Msvm_VirtualSystemManagementService", "DefineSystem", { SystemSettings: "<INSTANCE" }), (error: { subcode?: string }) => error.subcode === "w:SchemaValidationError");
  });
});
