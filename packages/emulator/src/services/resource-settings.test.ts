import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { CimProperty, CimReference } from "@signet/wsman/cim";
import { flag, generation2, pathOf, settingsOf, settingsText, TestHost, text, texts, uint16, uint64, valueText } from "../host/test-host.ts";

const rasd = "Msvm_ResourceAllocationSettingData";
const sasd = "Msvm_StorageAllocationSettingData";
const folder = "C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks";
const subType = (name: string) => text(`Microsoft:Hyper-V:${name}`);

let host: TestHost;
const disk = `${folder}\\disk.vhdx`;
const oldDisk = `${folder}\\disk.vhd`;
const iso = `${folder}\\install.iso`;

async function add(guid: string, properties: Readonly<Record<string, CimProperty>>, className = rasd) {
  const outcome = await host.perform("AddResourceSettings", { AffectedConfiguration: settingsOf(guid), ResourceSettings: [settingsText(properties, className)] });
  const references = outcome.output["ResultingResourceSettings"];
  return { ...outcome, id: ((Array.isArray(references) ? references[0] : references) as CimReference | null)?.keys["InstanceID"] ?? "" };
}

const controllerOf = async (guid: string) => (await add(guid, { ResourceType: uint16(6), ResourceSubType: subType("Synthetic SCSI Controller") })).id;
const drive = (controller: string, slot: string, kind = "Synthetic Disk Drive") => ({ ResourceType: uint16(kind.includes("DVD") ? 16 : 17), ResourceSubType: subType(kind), Parent: text(pathOf(rasd, controller)), AddressOnParent: text(slot) });
const image = (driveId: string, path: string, kind = "Virtual Hard Disk") => ({ ResourceType: uint16(31), ResourceSubType: subType(kind), Parent: text(pathOf(rasd, driveId)), HostResource: texts(path) });

before(async () => {
  host = await TestHost.start();
  for (const [path, format] of [[disk, 3], [oldDisk, 2]] as const) {
    const settings = settingsText({ Path: text(path), Type: uint16(3), Format: uint16(format), MaxInternalSize: uint64(64 * 1024 ** 2) }, "Msvm_VirtualHardDiskSettingData");
    const outcome = await host.perform("CreateVirtualHardDisk", { VirtualDiskSettingData: settings }, "Msvm_ImageManagementService");
    assert.equal(outcome.code, 0, outcome.error);
    assert.equal(outcome.job && outcome.job.className, "Msvm_StorageJob");
  }
  await writeFile(join(host.folder, "drive", "Users/Public/Documents/Hyper-V/Virtual Hard Disks/install.iso"), Buffer.alloc(4096));
});
after(() => host.remove());

describe("devices of machines", () => {
  test("controller, drive and image hang on one another by path, and their ids tell where", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("chain") });
    const controller = await controllerOf(guid);
    assert.match(controller, new RegExp(`^Microsoft:${guid}\\\\[0-9A-F-]{36}\\\\0$`));
    const hard = await add(guid, drive(controller, "0"));
    assert.equal(hard.id, `${controller}\\0\\D`);
    const put = await add(guid, image(hard.id, disk), sasd);
    assert.equal(put.id, `${controller}\\0\\L`);
    const found = await host.one(`SELECT * FROM ${sasd} WHERE InstanceID = '${put.id.replaceAll("\\", "\\\\")}'`);
    assert.equal(valueText(found, "HostResource"), disk);
    assert.equal(valueText(found, "Parent"), pathOf(rasd, hard.id));
    assert.equal((await host.query(`SELECT * FROM ${sasd} WHERE Parent = '${pathOf(rasd, hard.id).replaceAll("\\", "\\\\")}'`)).length, 1);
    assert.equal((await host.requestState(guid, 2)).code, 0);
    const state = await host.perform("GetVirtualHardDiskState", { Path: disk }, "Msvm_ImageManagementService");
    assert.match(String(state.output["State"]), /NAME="InUse" TYPE="boolean"><VALUE>true/);
    await host.requestState(guid, 3);
  });

  test("drive and image are added by one call, and libvirt's class for the image is taken", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("one call") });
    const controller = await controllerOf(guid);
    const outcome = await host.perform("AddResourceSettings", {
      AffectedConfiguration: { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_ComputerSystem", keys: { CreationClassName: "Msvm_ComputerSystem", Name: guid.toLowerCase() } },
      ResourceSettings: [settingsText(drive(controller, "3"), rasd), settingsText(image(`${controller}\\3\\D`, disk), rasd)],
    });
    assert.equal(outcome.code, 0, outcome.error);
    assert.equal((await host.query(`SELECT * FROM ${sasd} WHERE InstanceID LIKE 'Microsoft:${guid}%'`)).length, 1);
  });

  test("a place is taken once, undoubled backslashes name nothing, and a scalar is no array", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("rules") });
    const controller = await controllerOf(guid);
    const hard = await add(guid, drive(controller, "1"));
    assert.equal((await add(guid, drive(controller, "1"))).code, 32773);
    assert.equal((await add(guid, drive(controller, "64"))).code, 32773);
    assert.equal((await add(guid, { ...drive(controller, "2"), Parent: text(`\\\\HV1\\root\\virtualization\\v2:${rasd}.InstanceID="${controller}"`) })).code, 32773);
    assert.equal((await add(guid, { ...image(hard.id, disk), HostResource: text(disk) }, sasd)).code, 32773);
    assert.equal((await add(guid, image(hard.id, `${folder}\\missing.vhdx`), sasd)).code, 32773);
    assert.equal((await add(guid, image(hard.id, oldDisk), sasd)).code, 32773);
    assert.equal((await add(guid, image(hard.id, disk), sasd)).code, 0);
    assert.equal((await add(guid, image(hard.id, disk), sasd)).code, 32773);
    const free = await add(guid, { ResourceType: uint16(17), ResourceSubType: subType("Synthetic Disk Drive"), Parent: text(pathOf(rasd, controller)) });
    assert.equal(free.id, `${controller}\\0\\D`);
  });

  test("generation 1 takes a VHD on its IDE controller, and no more drives than that has places", async () => {
    const guid = await host.define({ ElementName: text("ide") });
    const controllers = await host.query(`SELECT * FROM ${rasd} WHERE InstanceID LIKE 'Microsoft:${guid}%' AND ResourceType = 5`);
    const controller = valueText(controllers[0]!, "InstanceID") ?? "";
    const hard = await add(guid, drive(controller, "0"));
    assert.equal((await add(guid, image(hard.id, oldDisk), sasd)).code, 0);
    assert.equal((await add(guid, drive(controller, "2"))).code, 32773);
    assert.equal((await add(guid, { ResourceType: uint16(5), ResourceSubType: subType("Emulated IDE Controller") })).code, 32773);
    await host.requestState(guid, 2);
    assert.equal((await add(guid, drive(controller, "1"))).code, 32775);
  });

  test("boot sources come in the order of their devices; the order is changed by paths, an empty one changes nothing", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("order") });
    const controller = await controllerOf(guid);
    const hard = await add(guid, drive(controller, "0"));
    const nic = await add(guid, { ResourceType: uint16(10), ResourceSubType: subType("Synthetic Ethernet Port") }, "Msvm_SyntheticEthernetPortSettingData");
    const dvd = await add(guid, drive(controller, "1", "Synthetic DVD Drive"));
    const source = (id: string) => `\\\\HV1\\root\\virtualization\\v2:Msvm_BootSourceSettingData.InstanceID="${id}\\B"`;
    const order = async () => (await host.client.get(settingsOf(guid))).properties["BootSourceOrder"]?.value;
    assert.deepEqual(await order(), [hard, nic, dvd].map(({ id }) => source(id)));
    const modify = (value: CimProperty) => host.perform("ModifySystemSettings", { SystemSettings: settingsText({ InstanceID: text(`Microsoft:${guid}`), BootSourceOrder: value }) });
    assert.equal((await modify(texts(source(dvd.id), pathOf("Msvm_BootSourceSettingData", `${hard.id}\\B`)))).code, 0);
    assert.deepEqual(await order(), [dvd, hard, nic].map(({ id }) => source(id)));
    assert.equal((await modify(texts())).code, 0);
    assert.deepEqual(await order(), [dvd, hard, nic].map(({ id }) => source(id)));
    assert.equal((await modify(texts(source("Microsoft:nothing")))).code, 32773);
    const path = pathOf(rasd, hard.id).replaceAll("\\", "\\\\");
    const identity = await host.one(`SELECT * FROM Msvm_LogicalIdentity WHERE SystemElement = '${path}'`);
    const same = identity.properties["SameElement"]?.value as CimReference;
    assert.equal(same.keys["InstanceID"], `${hard.id}\\B`);
    assert.equal(valueText(await host.client.get(same), "BootSourceType"), "1");
  });

  test("an image is taken out before its drive; an empty drive, an adapter with its connection go at once", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("removing") });
    const controller = await controllerOf(guid);
    const dvd = await add(guid, drive(controller, "0", "Synthetic DVD Drive"));
    const medium = await add(guid, image(dvd.id, iso, "Virtual CD/DVD Disk"), sasd);
    assert.equal(medium.code, 0, medium.error);
    const reference = (className: string, id: string): CimReference => ({ kind: "reference", namespace: "root/virtualization/v2", className, keys: { InstanceID: id } });
    const remove = (className: string, id: string) => host.perform("RemoveResourceSettings", { ResourceSettings: [reference(className, id)] });
    await assert.rejects(remove(rasd, dvd.id), (error: { wmiCode?: number }) => error.wmiCode === 0x80041001);
    assert.equal((await remove(sasd, medium.id)).code, 0);
    assert.equal((await remove(rasd, dvd.id)).code, 0);
    assert.equal((await remove(rasd, controller)).code, 0);
    const nic = await add(guid, { ResourceType: uint16(10), ResourceSubType: subType("Synthetic Ethernet Port") }, "Msvm_SyntheticEthernetPortSettingData");
    await add(guid, { ResourceType: uint16(33), ResourceSubType: subType("Ethernet Connection"), Parent: text(pathOf("Msvm_SyntheticEthernetPortSettingData", nic.id)) }, "Msvm_EthernetPortAllocationSettingData");
    assert.equal((await remove("Msvm_SyntheticEthernetPortSettingData", nic.id)).code, 0);
    assert.deepEqual(await host.query(`SELECT * FROM Msvm_EthernetPortAllocationSettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`), []);
    const [memory] = await host.query(`SELECT * FROM Msvm_MemorySettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`);
    assert.equal((await remove("Msvm_MemorySettingData", valueText(memory!, "InstanceID") ?? "")).code, 32773);
  });

  test("an adapter leads to a switch by its path, and carries a VLAN", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("network") });
    const nic = await add(guid, { ResourceType: uint16(10), ResourceSubType: subType("Synthetic Ethernet Port"), ElementName: text("port id"), StaticMacAddress: flag(true), Address: text("00155D010203") }, "Msvm_SyntheticEthernetPortSettingData");
    const external = await host.one("SELECT * FROM Msvm_VirtualEthernetSwitch WHERE ElementName = 'External'");
    const target = `root/virtualization/v2:Msvm_VirtualEthernetSwitch.CreationClassName="Msvm_VirtualEthernetSwitch",Name="${valueText(external, "Name")?.toLowerCase()}"`;
    const connect = (path: string) => add(guid, { ResourceType: uint16(33), ResourceSubType: subType("Ethernet Connection"), EnabledState: uint16(2), Parent: text(pathOf("Msvm_SyntheticEthernetPortSettingData", nic.id)), HostResource: texts(path) }, "Msvm_EthernetPortAllocationSettingData");
    assert.equal((await connect(target.replace(/[0-9a-f]{8}-/, "00000000-"))).code, 32773);
    const connection = await connect(target);
    assert.equal(connection.code, 0, connection.error);
    const kept = await host.one(`SELECT * FROM Msvm_EthernetPortAllocationSettingData WHERE InstanceID = '${connection.id.replaceAll("\\", "\\\\")}'`);
    assert.equal(valueText(kept, "HostResource"), `\\\\HV1\\root\\virtualization\\v2:Msvm_VirtualEthernetSwitch.CreationClassName="Msvm_VirtualEthernetSwitch",Name="${valueText(external, "Name")}"`);
    const affected: CimReference = { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_EthernetPortAllocationSettingData", keys: { InstanceID: connection.id } };
    const vlan = (id: number) => settingsText({ AccessVlanId: uint16(id), OperationMode: { type: "uint32", array: false, value: 1 } }, "Msvm_EthernetSwitchPortVlanSettingData");
    assert.equal((await host.perform("AddFeatureSettings", { AffectedConfiguration: affected, FeatureSettings: [vlan(5000)] })).code, 32773);
    assert.equal((await host.perform("AddFeatureSettings", { AffectedConfiguration: affected, FeatureSettings: [vlan(42)] })).code, 0);
    const features = await host.query(`ASSOCIATORS OF {Msvm_EthernetPortAllocationSettingData.InstanceID="${connection.id.replaceAll("\\", "\\\\")}"} WHERE ResultClass = Msvm_EthernetSwitchPortVlanSettingData`);
    assert.deepEqual(features.map((feature) => valueText(feature, "AccessVlanId")), ["42"]);
    const summary = await host.invoke("Msvm_VirtualSystemManagementService", "GetSummaryInformation", { SettingData: [settingsOf(guid)], RequestedInformation: ["9", "4", "100"] });
    assert.match(JSON.stringify(summary["SummaryInformation"], (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)), /"External"/);
  });

  test("a serial port leads to a named pipe", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("serial") });
    const [port] = await host.query(`SELECT * FROM Msvm_SerialPortSettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`);
    const lead = (path: string) => host.perform("ModifyResourceSettings", { ResourceSettings: [settingsText({ InstanceID: text(valueText(port!, "InstanceID") ?? ""), Connection: texts(path) }, "Msvm_SerialPortSettingData")] });
    assert.equal((await lead("C:\\console.txt")).code, 32773);
    assert.equal((await lead("\\\\.\\pipe\\serial")).code, 0);
  });

  test("a disk that vanished since fails the start, in the words of Hyper-V", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("lost") });
    const controller = await controllerOf(guid);
    const hard = await add(guid, drive(controller, "0"));
    await add(guid, image(hard.id, disk), sasd);
    const file = { kind: "reference", namespace: "root/cimv2", className: "CIM_DataFile", keys: { Name: disk } } as const;
    const copy = await host.client.invoke(file, "Rename", { FileName: `${folder}\\elsewhere.vhdx` });
    assert.equal(copy.ReturnValue, 0);
    const outcome = await host.requestState(guid, 2);
    assert.equal(outcome.code, 32768);
    assert.match(outcome.error, /'lost' failed to start.*disk\.vhdx/);
    assert.equal(await host.stateOf(guid), 3);
    assert.equal((await host.client.invoke({ ...file, keys: { Name: `${folder}\\elsewhere.vhdx` } }, "Rename", { FileName: disk })).ReturnValue, 0);
    assert.equal((await host.requestState(guid, 2)).code, 0);
    await host.requestState(guid, 3);
  });
});
