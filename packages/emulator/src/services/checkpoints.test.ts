import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { CimReference } from "@signet/wsman/cim";
import { flag, generation2, machineOf, pathOf, settingsOf, settingsText, TestHost, text, texts, uint16, uint64, valueText } from "../host/test-host.ts";

const service = "Msvm_VirtualSystemSnapshotService";
const folder = "C:\\disks";

describe("checkpoints", () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.start();
  });
  after(() => host.remove());

  async function machineWithDisk(name: string): Promise<string> {
    const path = `${folder}\\${name}.vhdx`;
    await mkdir(join(host.folder, "drive", "disks"), { recursive: true });
    const made = await host.perform("CreateVirtualHardDisk", { VirtualDiskSettingData: settingsText({ Path: text(path), Type: uint16(3), Format: uint16(3), MaxInternalSize: uint64(64 * 1024 ** 2) }, "Msvm_VirtualHardDiskSettingData") }, "Msvm_ImageManagementService");
    assert.equal(made.code, 0, made.error);
    const guid = await host.define({ ...generation2, ElementName: text(name), SecureBootEnabled: flag(true), Notes: texts("ours") });
    const add = (settings: string[]) => host.perform("AddResourceSettings", { AffectedConfiguration: settingsOf(guid), ResourceSettings: settings });
    const controller = await add([settingsText({ ResourceType: uint16(6), ResourceSubType: text("Microsoft:Hyper-V:Synthetic SCSI Controller") }, "Msvm_ResourceAllocationSettingData")]);
    const resulting = controller.output["ResultingResourceSettings"];
    const id = ((Array.isArray(resulting) ? resulting[0] : resulting) as CimReference).keys["InstanceID"] ?? "";
    const outcome = await add([
      settingsText({ ResourceType: uint16(17), ResourceSubType: text("Microsoft:Hyper-V:Synthetic Disk Drive"), Parent: text(pathOf("Msvm_ResourceAllocationSettingData", id)), AddressOnParent: text("0") }, "Msvm_ResourceAllocationSettingData"),
      settingsText({ ResourceType: uint16(31), ResourceSubType: text("Microsoft:Hyper-V:Virtual Hard Disk"), Parent: text(pathOf("Msvm_ResourceAllocationSettingData", `${id}\\0\\D`)), HostResource: texts(path) }, "Msvm_StorageAllocationSettingData"),
    ]);
    assert.equal(outcome.code, 0, outcome.error);
    return guid;
  }

  async function checkpoint(guid: string, name: string): Promise<CimReference> {
    const outcome = await host.perform("CreateSnapshot", { AffectedSystem: machineOf(guid), SnapshotType: "2", SnapshotSettings: settingsText({ ElementName: text(name) }) }, service);
    assert.equal(outcome.code, 0, outcome.error);
    assert.equal(outcome.output["ResultingSnapshot"], null);
    const links = await host.query(`REFERENCES OF {Msvm_ConcreteJob.InstanceID="${valueText(outcome.job!, "InstanceID")}"} WHERE ResultClass = Msvm_AffectedJobElement`);
    const made = links.find((link) => valueText(link, "ElementEffects") === "5");
    assert.ok(made);
    return made.properties["AffectedElement"]?.value as CimReference;
  }

  const diskOf = async (guid: string) => valueText(await host.one(`SELECT * FROM Msvm_StorageAllocationSettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`), "HostResource") ?? "";
  const files = async () => (await readdir(join(host.folder, "drive", "disks"))).length;
  const destroy = (snapshot: CimReference) => host.perform("DestroySnapshot", { AffectedSnapshot: snapshot }, service);

  test("a checkpoint keeps settings and disk, and the machine goes on with a disk of its own", async () => {
    const guid = await machineWithDisk("first");
    const snapshot = await checkpoint(guid, "before the change");
    const settings = await host.client.get(snapshot);
    assert.equal(valueText(settings, "VirtualSystemType"), "Microsoft:Hyper-V:Snapshot:Realized");
    assert.equal(valueText(settings, "VirtualSystemIdentifier"), guid);
    assert.equal(await diskOf(snapshot.keys["InstanceID"]?.replace("Microsoft:", "") ?? ""), `${folder}\\first.vhdx`);
    assert.match(await diskOf(guid), /first_[0-9A-F-]{36}\.avhdx$/);
    assert.equal((await host.query(`ASSOCIATORS OF {Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${guid}"} WHERE AssocClass = Msvm_SnapshotOfVirtualSystem`)).length, 1);
    assert.equal((await host.query("SELECT * FROM Msvm_VirtualSystemSettingData WHERE VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'")).length, 1);
    assert.match(valueText(await host.client.get(settingsOf(guid)), "Parent") ?? "", new RegExp(`${snapshot.keys["InstanceID"]}"$`));
    assert.equal((await destroy(snapshot)).code, 0);
    assert.equal(await diskOf(guid), `${folder}\\first.vhdx`);
    assert.equal(await files(), 1);
    await assert.rejects(host.client.get(snapshot));
  });

  test("applying one brings back its Secure Boot and its disk, while name and notes stay", async () => {
    const guid = await machineWithDisk("applied");
    const snapshot = await checkpoint(guid, "secure");
    const modify = (properties: Parameters<typeof settingsText>[0]) => host.perform("ModifySystemSettings", { SystemSettings: settingsText({ InstanceID: text(`Microsoft:${guid}`), ...properties }) });
    assert.equal((await modify({ SecureBootEnabled: flag(false), ElementName: text("renamed") })).code, 0);
    const before = await diskOf(guid);
    await host.requestState(guid, 2);
    assert.equal((await host.perform("ApplySnapshot", { Snapshot: snapshot }, service)).code, 32775);
    await host.requestState(guid, 3);
    assert.equal((await host.perform("ApplySnapshot", { Snapshot: snapshot }, service)).code, 0);
    const settings = await host.client.get(settingsOf(guid));
    assert.deepEqual(["SecureBootEnabled", "ElementName", "Notes"].map((name) => valueText(settings, name)), ["true", "renamed", "ours"]);
    assert.notEqual(await diskOf(guid), before);
    assert.equal((await host.requestState(guid, 2)).code, 0);
    await host.requestState(guid, 3);
  });

  test("of a chain of three the middle one goes, of a tree the branches too, and the machine starts after each", async () => {
    const guid = await machineWithDisk("tree");
    const present = await files();
    const [first, second, third] = [await checkpoint(guid, "1"), await checkpoint(guid, "2"), await checkpoint(guid, "3")];
    assert.equal(await files(), present + 3);
    assert.equal((await destroy(second)).code, 0);
    assert.equal(await files(), present + 2);
    await host.restart();
    assert.equal((await host.requestState(guid, 2)).code, 0);
    await host.requestState(guid, 3);
    assert.equal((await host.perform("ApplySnapshot", { Snapshot: first }, service)).code, 0);
    await checkpoint(guid, "branch");
    assert.equal((await host.perform("DestroySnapshotTree", { SnapshotSettingData: first }, service)).code, 0);
    assert.equal(await diskOf(guid), `${folder}\\tree.vhdx`);
    assert.equal(await files(), present);
    assert.equal((await host.requestState(guid, 2)).code, 0);
    await host.requestState(guid, 3);
    await assert.rejects(host.client.get(third));
  });

  test("a machine that pretends takes a checkpoint while it is on", async () => {
    const guid = await machineWithDisk("live");
    await host.requestState(guid, 2);
    const snapshot = await checkpoint(guid, "live");
    assert.equal(await host.stateOf(guid), 2);
    const state = await host.perform("GetVirtualHardDiskState", { Path: await diskOf(guid) }, "Msvm_ImageManagementService");
    assert.match(String(state.output["State"]), /NAME="InUse" TYPE="boolean"><VALUE>true/);
    assert.equal((await destroy(snapshot)).code, 0);
    await host.requestState(guid, 3);
  });
});
