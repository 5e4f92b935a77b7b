import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { CimProperty, CimReference } from "@signet/wsman/cim";
import { settingsText, TestHost, text, uint16, uint64, valueText } from "../host/test-host.ts";

const service = "Msvm_ImageManagementService";
const folder = "C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks";
const mebibyte = 1024 ** 2;

describe("virtual disks and files over WMI", () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.start();
  });
  after(() => host.remove());

  const disk = (name: string, type: number, format: number, more: Readonly<Record<string, CimProperty>> = {}) =>
    settingsText({ Path: text(`${folder}\\${name}`), Type: uint16(type), Format: uint16(format), MaxInternalSize: uint64(64 * mebibyte), ...more }, "Msvm_VirtualHardDiskSettingData");
  const create = (...parameters: Parameters<typeof disk>) => host.perform("CreateVirtualHardDisk", { VirtualDiskSettingData: disk(...parameters) }, service);
  const settingsOf = async (name: string) => String((await host.perform("GetVirtualHardDiskSettingData", { Path: `${folder}\\${name}` }, service)).output["SettingData"]);
  const file = (name: string): CimReference => ({ kind: "reference", namespace: "root/cimv2", className: "CIM_DataFile", keys: { Name: `${folder}\\${name}` } });

  test("disks are made, read, grown, converted and laid over one another", async () => {
    assert.equal((await create("base.vhdx", 3, 3)).code, 0);
    assert.match(await settingsOf("BASE.vhdx"), /NAME="Type" TYPE="uint16"><VALUE>3<.*NAME="MaxInternalSize" TYPE="uint64"><VALUE>67108864</);
    assert.equal((await create("child.vhdx", 4, 3, { ParentPath: text(`${folder}\\base.vhdx`), MaxInternalSize: uint64(0) })).code, 0);
    assert.match(await settingsOf("child.vhdx"), /NAME="ParentPath" TYPE="string"><VALUE>C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks\\base\.vhdx</);
    assert.equal((await host.perform("ResizeVirtualHardDisk", { Path: `${folder}\\child.vhdx`, MaxInternalSize: String(128 * mebibyte) }, service)).code, 0);
    assert.equal((await host.perform("ConvertVirtualHardDisk", { SourcePath: `${folder}\\base.vhdx`, VirtualDiskSettingData: disk("flat.vhd", 2, 2) }, service)).code, 0);
    assert.equal((await host.perform("ValidateVirtualHardDisk", { Path: `${folder}\\flat.vhd` }, service)).code, 0);
  });

  test("failures end the job with the code of Windows and a sentence that names the path", async () => {
    const missing = await host.perform("GetVirtualHardDiskSettingData", { Path: `${folder}\\none.vhdx` }, service);
    assert.equal(missing.code, 32779);
    assert.match(missing.error, /none\.vhdx/);
    assert.equal(missing.job?.className, "Msvm_StorageJob");
    assert.equal((await create("twice.vhdx", 3, 3)).code, 0);
    assert.notEqual((await create("twice.vhdx", 3, 3)).code, 0);
    assert.equal((await create("odd.vhdx", 7, 3)).code, 32770);
    assert.equal((await create("outside.vhdx", 3, 3, { Path: text("C:\\..\\outside.vhdx") })).code, 32773);
    assert.equal((await host.perform("ResizeVirtualHardDisk", { Path: `${folder}\\twice.vhdx` }, service)).code, 32773);
  });

  test("a file is found by its whole name, in any case, and is deleted, copied and renamed", async () => {
    assert.equal((await create("file.vhdx", 3, 3)).code, 0);
    const byName = (name: string) => host.query(`SELECT Name, FileSize FROM CIM_DataFile WHERE Name = '${`${folder}\\${name}`.replaceAll("\\", "\\\\")}'`, "root/cimv2");
    const [found] = await byName("FILE.vhdx");
    assert.ok(Number(valueText(found!, "FileSize")) > mebibyte);
    assert.equal((await host.client.invoke(file("file.vhdx"), "Copy", { FileName: `${folder}\\copy.vhdx` })).ReturnValue, 0);
    assert.equal((await host.client.invoke(file("file.vhdx"), "Copy", { FileName: `${folder}\\copy.vhdx` })).ReturnValue, 10);
    assert.equal((await host.client.invoke(file("copy.vhdx"), "Rename", { FileName: `${folder}\\moved.vhdx` })).ReturnValue, 0);
    assert.equal((await host.client.invoke(file("moved.vhdx"), "Delete", {})).ReturnValue, 0);
    assert.deepEqual(await byName("moved.vhdx"), []);
    await assert.rejects(host.client.invoke(file("moved.vhdx"), "Delete", {}), (error: { wmiCode?: number }) => error.wmiCode === 0x80041002);
    const listed = await host.query(`SELECT Name FROM CIM_DataFile WHERE Drive = 'C:' AND Path = '${`${folder.slice(2)}\\`.replaceAll("\\", "\\\\")}'`, "root/cimv2");
    assert.ok(listed.some((one) => valueText(one, "Name") === `${folder}\\file.vhdx`.toLowerCase()));
    assert.equal((await host.query(`SELECT * FROM Win32_Directory WHERE Name = '${folder.replaceAll("\\", "\\\\")}'`, "root/cimv2")).length, 1);
  });
});
