import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { classSchema } from "@signet/hyperv/schema";
import type { WsmanFault } from "@signet/wsman";
import { generation2, machineOf, settingsOf, settingsText, TestHost, text, uint16, valueText } from "../host/test-host.ts";

const wmi = (code: number) => (error: WsmanFault) => error.wmiCode === code;
const invalidClass = 0x80041010;
const invalidQuery = 0x80041017;
const notFound = 0x80041002;

describe("queries", () => {
  let host: TestHost;
  let first: string;
  let second: string;
  before(async () => {
    host = await TestHost.start();
    first = await host.define({ ...generation2, ElementName: text("first") });
    second = await host.define({ ElementName: text("second's \"name\"") });
    await host.perform("AddResourceSettings", { AffectedConfiguration: settingsOf(first), ResourceSettings: [settingsText({ ResourceType: uint16(10), ResourceSubType: text("Microsoft:Hyper-V:Synthetic Ethernet Port") }, "Msvm_SyntheticEthernetPortSettingData")] });
  });
  after(() => host.remove());

  const names = async (wql: string) => (await host.query(wql)).map((one) => valueText(one, "ElementName"));

  test("conditions are those of WQL: __SERVER, states, names in any case, LIKE, IS NULL, NOT", async () => {
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE Name != __SERVER"), ["first", "second's \"name\""]);
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE Name = __SERVER"), ["HV1"]);
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE Name != __SERVER AND (EnabledState = 0 or EnabledState = 3 or EnabledState = 32769)"), ["first", "second's \"name\""]);
    assert.deepEqual(await names(`SELECT * FROM Msvm_ComputerSystem WHERE Name = '${first.toLowerCase()}'`), ["first"]);
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE ElementName = 'second\\'s \"name\"'"), ["second's \"name\""]);
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE ElementName LIKE 'F%'"), ["first"]);
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE ProcessID IS NULL AND NOT ElementName LIKE '%name%'"), ["HV1", "first"]);
    assert.deepEqual(await names("SELECT * FROM Msvm_ComputerSystem WHERE ProcessID = 4"), []);
  });

  test("a query for one machine's devices gives that machine's, by InstanceID, by Parent and by path", async () => {
    const memory = await host.query(`SELECT * FROM Msvm_MemorySettingData WHERE InstanceID LIKE 'Microsoft:${first}%'`);
    assert.equal(memory.length, 1);
    const path = `\\\\\\\\HV1\\\\root\\\\virtualization\\\\v2:Msvm_MemorySettingData.InstanceID="${(valueText(memory[0]!, "InstanceID") ?? "").replaceAll("\\", "\\\\\\\\")}"`;
    assert.equal((await host.query(`SELECT * FROM Msvm_MemorySettingData WHERE __PATH = '${path}'`)).length, 1);
  });

  test("a base class gives the instances of all that derive from it, each under its own name", async () => {
    const found = await host.query(`SELECT * FROM CIM_ResourceAllocationSettingData WHERE InstanceID LIKE 'Microsoft:${first}%'`);
    const classes = new Set(found.map(({ className }) => className));
    for (const name of ["Msvm_ProcessorSettingData", "Msvm_MemorySettingData", "Msvm_SerialPortSettingData"]) assert.ok(classes.has(name), name);
    assert.equal((await host.query("SELECT * FROM CIM_Service")).length, 6);
  });

  test("projections hold what was asked for, system properties included", async () => {
    const [found] = await host.query(`SELECT ElementName, EnabledState, __PATH FROM Msvm_ComputerSystem WHERE Name = '${first}'`);
    assert.deepEqual(Object.keys(found!.properties).toSorted(), ["ElementName", "EnabledState", "__PATH"]);
    assert.equal(valueText(found!, "__PATH"), `\\\\HV1\\root\\virtualization\\v2:Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${first}"`);
  });

  test("every scalar of a class is there, null where nothing is known", async () => {
    const found = await host.one(`SELECT * FROM Msvm_ComputerSystem WHERE Name = '${first}'`);
    for (const [name, member] of Object.entries(classSchema("root/virtualization/v2", "Msvm_ComputerSystem")!.properties)) {
      if (!member.array) assert.ok(Object.hasOwn(found.properties, name), name);
    }
  });

  test("what does not exist is told apart: class, namespace, property, instance", async () => {
    await assert.rejects(host.query("SELECT * FROM Msvm_Nothing"), wmi(invalidClass));
    await assert.rejects(host.query("SELECT * FROM Msvm_ComputerSystem", "root/nowhere"), wmi(0x8004100e));
    await assert.rejects(host.query("SELECT * FROM Msvm_ComputerSystem WHERE Colour = 'blue'"), wmi(invalidQuery));
    await assert.rejects(host.query("SELECT Colour FROM Msvm_ComputerSystem"), wmi(invalidQuery));
    await assert.rejects(host.query("SELEKT * FROM Msvm_ComputerSystem"), wmi(invalidQuery));
    await assert.rejects(host.query(`ASSOCIATORS OF {Msvm_ComputerSystem.Name='${first}'} WHERE AssocClass = Msvm_Nothing`), wmi(invalidClass));
    await assert.rejects(host.client.get(machineOf("00000000-0000-0000-0000-000000000000")), wmi(notFound));
    // A machine is named by both of its keys.
    await assert.rejects(host.client.get({ ...machineOf(first), keys: { Name: first } }), wmi(notFound));
    assert.equal(valueText(await host.client.get({ ...machineOf(first), keys: { name: first.toLowerCase(), creationclassname: "msvm_computersystem" } }), "ElementName"), "first");
  });

  test("services are found by their class alone; without any selector each answers in its own way", async () => {
    const service = (className: string, keys: Record<string, string> = {}) => ({ kind: "reference", namespace: "root/virtualization/v2", className, keys }) as const;
    const found = await host.client.get(service("Msvm_VirtualSystemManagementService", { CreationClassName: "Msvm_VirtualSystemManagementService" }));
    assert.equal(valueText(found, "Name"), "vmms");
    const call = (className: string) => host.client.invoke(service(className), "DefineSystem", {});
    await assert.rejects(call("Msvm_VirtualSystemManagementService"), wmi(0x8004102f));
    await assert.rejects(call("Msvm_VirtualEthernetSwitchManagementService"), (error: WsmanFault) => error.subcode === "w:InternalError");
  });

  test("associations are followed by class, result, role and result role, and their links can be listed", async () => {
    const machine = `Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='${first.toLowerCase()}'`;
    assert.equal((await host.query(`ASSOCIATORS OF {${machine}} WHERE ResultClass = Msvm_VirtualSystemSettingData AssocClass = Msvm_SettingsDefineState`)).length, 1);
    assert.equal((await host.query(`ASSOCIATORS OF {${machine}} WHERE AssocClass = CIM_SettingsDefineState`)).length, 1);
    assert.equal((await host.query(`ASSOCIATORS OF {${machine}} WHERE AssocClass = Msvm_SettingsDefineState Role = ManagedElement ResultRole = SettingData`)).length, 1);
    assert.equal((await host.query(`ASSOCIATORS OF {${machine}} WHERE AssocClass = Msvm_SettingsDefineState Role = SettingData`)).length, 0);
    const links = await host.query(`REFERENCES OF {${machine}} WHERE ResultClass = Msvm_SettingsDefineState`);
    assert.equal(links.length, 1);
    const settings = await host.client.get(links[0]!.properties["SettingData"]?.value as Parameters<typeof host.client.get>[0]);
    assert.equal(valueText(settings, "ElementName"), "first");
    const all = await host.query("SELECT * FROM Msvm_VirtualSystemSettingDataComponent");
    assert.ok(all.length > 20);
    assert.equal(new Set((await names(`ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID='Microsoft:${second}'} WHERE AssocClass = Msvm_VirtualSystemSettingDataComponent ResultClass = Msvm_ResourceAllocationSettingData`))).size, 3);
  });

  test("what a new device holds is found by LIKE, by subtype, and from its pool over two associations", async () => {
    const maximum = await host.query("SELECT * FROM Msvm_ProcessorSettingData WHERE InstanceID LIKE 'Microsoft:Definition%Maximum'");
    assert.deepEqual(maximum.map((one) => valueText(one, "VirtualQuantity")), ["240"]);
    const byType = await host.query("SELECT * FROM Msvm_ResourceAllocationSettingData WHERE ResourceSubType = 'Microsoft:Hyper-V:Synthetic SCSI Controller' AND InstanceID LIKE '%\\\\Default'");
    assert.equal(byType.length, 1);
    const pool = await host.one("SELECT * FROM Msvm_ResourcePool WHERE ResourceSubType = 'Microsoft:Hyper-V:Synthetic Disk Drive' AND Primordial = TRUE");
    const [capabilities] = await host.query(`ASSOCIATORS OF {Msvm_ResourcePool.InstanceID="${valueText(pool, "InstanceID")}"} WHERE AssocClass = Msvm_ElementCapabilities ResultClass = Msvm_AllocationCapabilities`);
    const links = await host.query(`REFERENCES OF {Msvm_AllocationCapabilities.InstanceID="${(valueText(capabilities!, "InstanceID") ?? "").replaceAll("\\", "\\\\")}"} WHERE ResultClass = Msvm_SettingsDefineCapabilities`);
    assert.deepEqual(links.map((link) => valueText(link, "ValueRole")), ["0", "3", "3", "3"]);
    const standard = links.find((link) => valueText(link, "ValueRole") === "0");
    const settings = await host.client.get(standard!.properties["PartComponent"]?.value as Parameters<typeof host.client.get>[0]);
    assert.equal(valueText(settings, "ResourceType"), "17");
  });

  test("facts of the host's Windows: version, processors by association, disk, features", async () => {
    const system = await host.one("SELECT * FROM Win32_OperatingSystem ", "root/cimv2");
    assert.equal(valueText(system, "BuildNumber"), "20348");
    assert.ok(Number(valueText(system, "FreePhysicalMemory")) < Number(valueText(system, "TotalVisibleMemorySize")));
    assert.equal((await host.query("ASSOCIATORS OF {Win32_ComputerSystem.Name='HV1'} WHERE AssocClass = Win32_ComputerSystemProcessor ResultClass = Win32_Processor", "root/cimv2")).length, 1);
    assert.ok(Number(valueText(await host.one("SELECT Size, FreeSpace FROM Win32_LogicalDisk WHERE DeviceID='C:'", "root/cimv2"), "Size")) > 0);
    assert.equal((await host.query("SELECT * FROM Win32_ServerFeature WHERE ID = 20", "root/cimv2")).length, 1);
    assert.equal((await host.query("SELECT * FROM Win32_Processor WHERE ProcessorType = 3", "root/cimv2")).length, 1);
  });
});
