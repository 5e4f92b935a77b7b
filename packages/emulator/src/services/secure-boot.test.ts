import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { flag, generation2, settingsOf, settingsText, TestHost, text, texts, valueText } from "../host/test-host.ts";

const uefi = "272e7447-90a4-4563-a4b9-8e4ab00526ce";
const windows = "1734c6e8-3154-4dda-ba5f-a874cc483422";
const byCapabilities = 'ASSOCIATORS OF {Msvm_VirtualSystemManagementCapabilities.InstanceID="Microsoft:VirtualSystemManagementCapabilities"} WHERE AssocClass=Msvm_SettingsDefineCapabilities ResultClass=Msvm_VirtualSystemSettingData';

for (const release of ["2016", "2019", "2022", "2025"]) {
  describe(`Secure Boot on ${release}`, () => {
    let host: TestHost;
    before(async () => {
      host = await TestHost.start({ release });
    });
    after(() => host.remove());

    const modify = (guid: string, properties: Parameters<typeof settingsText>[0]) => host.perform("ModifySystemSettings", { SystemSettings: settingsText({ InstanceID: text(`Microsoft:${guid}`), ...properties }) });

    test("the templates are listed by name and by association, and do not look like machines", async () => {
      const listed = await host.query(byCapabilities);
      assert.deepEqual(listed.map((template) => [valueText(template, "ElementName"), valueText(template, "SecureBootTemplateId")]), [["MicrosoftWindows", windows], ["MicrosoftUEFICertificateAuthority", uefi]]);
      assert.equal(valueText(await host.one("SELECT * FROM Msvm_VirtualSystemSettingData WHERE ElementName='MicrosoftUEFICertificateAuthority'"), "SecureBootTemplateId"), uefi);
      assert.deepEqual(await host.query("SELECT * FROM Msvm_VirtualSystemSettingData WHERE VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'"), []);
      assert.equal((await host.query("SELECT * FROM Msvm_ComputerSystem")).length, 1);
    });

    test("switch and template change while the machine is off, and only then", async () => {
      const guid = await host.define({ ...generation2, ElementName: text("changing") });
      assert.equal((await modify(guid, { SecureBootEnabled: flag(true), SecureBootTemplateId: text(uefi.toUpperCase()) })).code, 0);
      assert.equal((await modify(guid, { SecureBootTemplateId: text("00000000-1111-2222-3333-444444444444") })).code, 32773);
      assert.equal((await host.requestState(guid, 2)).code, 0);
      assert.equal((await modify(guid, { SecureBootEnabled: flag(false) })).code, 32775);
      assert.equal((await modify(guid, { SecureBootTemplateId: text(windows) })).code, 32775);
      // An echo of what is set changes nothing, and a new name may be given at any time.
      assert.equal((await modify(guid, { SecureBootEnabled: flag(true), SecureBootTemplateId: text(uefi.toUpperCase()), ElementName: text("renamed"), Notes: texts("note") })).code, 0);
      assert.equal((await host.requestState(guid, 3)).code, 0);
      assert.equal((await modify(guid, { SecureBootEnabled: flag(false) })).code, 0);
      const settings = await host.client.get(settingsOf(guid));
      assert.equal(valueText(settings, "SecureBootEnabled"), "false");
      // A template stays while Secure Boot is off.
      assert.equal(valueText(settings, "SecureBootTemplateId"), uefi);
    });

    test("on generation 1 it cannot be switched on, but off it is already", async () => {
      const guid = await host.define({ ElementName: text("old") });
      assert.equal((await modify(guid, { SecureBootEnabled: flag(true) })).code, 32773);
      assert.equal((await modify(guid, { SecureBootEnabled: flag(false) })).code, 0);
    });
  });
}

describe("Secure Boot on 2012 R2", () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.start({ release: "2012r2" });
  });
  after(() => host.remove());

  test("generation 2 and the switch exist, the template does not", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("windows 8") });
    const settings = await host.client.get(settingsOf(guid));
    assert.equal(valueText(settings, "SecureBootEnabled"), "true");
    assert.ok(!Object.hasOwn(settings.properties, "SecureBootTemplateId"));
    assert.ok(!Object.hasOwn(settings.properties, "ConsoleMode"));
    assert.deepEqual(await host.query(byCapabilities), []);
    assert.equal((await host.perform("DefineSystem", { SystemSettings: settingsText({ ...generation2, SecureBootTemplateId: text(windows) }) })).code, 32773);
    await assert.rejects(host.query(`SELECT * FROM Msvm_VirtualSystemSettingData WHERE SecureBootTemplateId = '${uefi}'`), /no property SecureBootTemplateId/);
  });

  test("the security service and serial port settings of later releases are not there", async () => {
    await assert.rejects(host.query("SELECT * FROM Msvm_SecurityService"), (error: { wmiCode?: number }) => error.wmiCode === 0x80041010);
    assert.equal((await host.query("SELECT * FROM Msvm_ResourceAllocationSettingData WHERE ResourceType = 21 AND NOT InstanceID LIKE '%Definition%'")).length, 2);
    assert.equal(valueText(await host.one("SELECT * FROM Win32_OperatingSystem", "root/cimv2"), "Version"), "6.3.9600");
  });
});
