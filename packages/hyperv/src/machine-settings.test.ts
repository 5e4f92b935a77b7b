import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseCimXml, writeCimXml, valueOf } from "@signet/wsman";
import type { AboutHost } from "./about-host.ts";
import type { MachineSpec } from "./host-types.ts";
import { elementNameOf, impossibleOn, memorySettings, processorSettings, systemSettings } from "./machine-settings.ts";
import { defaultQuirks } from "./quirks.ts";
import { settingsOf } from "./settings.ts";

const versions = { "2012r2": [6, 3, 9600], "2016": [10, 0, 14_393], "2019": [10, 0, 17_763], "2022": [10, 0, 20_348], "2025": [10, 0, 26_100] } as const;
function about(release: keyof typeof versions): AboutHost {
  const [major, minor, build] = versions[release];
  return { computerName: "HOST", version: { major, minor }, build, virtualHardDiskPath: "C:\\Disks" };
}
const serverId = "0B5A1C6E-6E1B-4F52-9B1F-3A2B1C0D9E8F";
const template = "272e7447-90a4-4563-a4b9-8e4ab00526ce";
const spec: MachineSpec = {
  serverId, name: "web", generation: 2, cpuCount: 2, memoryBytes: 1024 ** 3, secureBoot: { enabled: true, templateId: template },
  rootDiskPath: "C:\\Disks\\root.vhdx", nics: [], serialConsole: true,
};
const folder = "C:\\Disks\\Signet\\Servers\\x";
const textFor = (one: MachineSpec, release: keyof typeof versions): string => writeCimXml(systemSettings(one, about(release), defaultQuirks, folder));

describe("the definition of a machine", () => {
  test("is exactly this text on Windows Server 2022", () => {
    const root = (name: string): string => `<PROPERTY NAME="${name}" TYPE="string"><VALUE>${folder}</VALUE></PROPERTY>`;
    assert.equal(textFor(spec, "2022"), '<INSTANCE CLASSNAME="Msvm_VirtualSystemSettingData">'
      + '<PROPERTY NAME="ElementName" TYPE="string"><VALUE>web</VALUE></PROPERTY>'
      + `<PROPERTY.ARRAY NAME="Notes" TYPE="string"><VALUE.ARRAY><VALUE>signet:${serverId.toLowerCase()}</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`
      + '<PROPERTY NAME="VirtualSystemSubType" TYPE="string"><VALUE>Microsoft:Hyper-V:SubType:2</VALUE></PROPERTY>'
      + '<PROPERTY NAME="AutomaticStartupAction" TYPE="uint16"><VALUE>2</VALUE></PROPERTY>'
      + '<PROPERTY NAME="AutomaticShutdownAction" TYPE="uint16"><VALUE>3</VALUE></PROPERTY>'
      + root("ConfigurationDataRoot") + root("SnapshotDataRoot") + root("SuspendDataRoot") + root("SwapFileDataRoot") + root("LogDataRoot")
      + '<PROPERTY NAME="AutomaticSnapshotsEnabled" TYPE="boolean"><VALUE>false</VALUE></PROPERTY>'
      + '<PROPERTY NAME="SecureBootEnabled" TYPE="boolean"><VALUE>true</VALUE></PROPERTY>'
      + `<PROPERTY NAME="SecureBootTemplateId" TYPE="string"><VALUE>${template}</VALUE></PROPERTY>`
      + '<PROPERTY NAME="ConsoleMode" TYPE="uint16"><VALUE>1</VALUE></PROPERTY></INSTANCE>');
  });

  const propertiesOf = (one: MachineSpec, release: keyof typeof versions): Record<string, unknown> =>
    Object.fromEntries(Object.entries(parseCimXml(textFor(one, release)).properties).map(([name, { value }]) => [name, value]));

  test("has on 2012 R2 no property that came later", () => {
    const windows = propertiesOf({ ...spec, secureBoot: { enabled: true, templateId: null } }, "2012r2");
    assert.equal(windows["SecureBootEnabled"], true);
    for (const name of ["SecureBootTemplateId", "ConsoleMode", "AutomaticSnapshotsEnabled"]) assert.ok(!(name in windows), name);
  });

  test("has on 2016 a template and the console, but no automatic checkpoints to switch off", () => {
    const found = propertiesOf(spec, "2016");
    assert.deepEqual([found["SecureBootEnabled"], found["SecureBootTemplateId"], found["ConsoleMode"], "AutomaticSnapshotsEnabled" in found], [true, template, 1, false]);
  });

  for (const release of ["2019", "2022", "2025"] as const) {
    test(`switches automatic checkpoints off on ${release}`, () => assert.equal(propertiesOf(spec, release)["AutomaticSnapshotsEnabled"], false));
  }

  for (const release of Object.keys(versions) as (keyof typeof versions)[]) {
    test(`says that Secure Boot is off on ${release}, because Hyper-V's own default is on`, () => {
      const found = propertiesOf({ ...spec, secureBoot: { enabled: false, templateId: null } }, release);
      assert.equal(found["SecureBootEnabled"], false);
      assert.ok(!("SecureBootTemplateId" in found));
    });
    test(`says nothing of Secure Boot for Generation 1 on ${release}`, () => {
      const found = propertiesOf({ ...spec, generation: 1, rootDiskPath: "C:\\root.vhd", secureBoot: { enabled: false, templateId: null } }, release);
      assert.equal(found["VirtualSystemSubType"], "Microsoft:Hyper-V:SubType:1");
      for (const name of ["SecureBootEnabled", "SecureBootTemplateId", "ConsoleMode"]) assert.ok(!(name in found), name);
    });
  }

  test("names the Windows template where Secure Boot is on without one, as the host itself would take it", () => {
    assert.equal(propertiesOf({ ...spec, secureBoot: { enabled: true, templateId: null } }, "2022")["SecureBootTemplateId"], "1734c6e8-3154-4dda-ba5f-a874cc483422");
  });

  test("keeps a user's name out of trouble: markup is escaped, control characters go, length is cut between characters", () => {
    assert.equal(valueOf(parseCimXml(textFor({ ...spec, name: "</VALUE><x>&\"'" }, "2022")), "ElementName"), "</VALUE><x>&\"'");
    assert.equal(elementNameOf("a\u0000b\nc\ud800d"), "a b c d");
    assert.equal(elementNameOf("x".repeat(300)).length, 100);
    assert.equal(elementNameOf("x" + "😀".repeat(60)), "x" + "😀".repeat(49));
    assert.equal(elementNameOf(" \t "), "(unnamed)");
  });

  test("memory is fixed, and numbers of 64 bits are declared so", () => {
    assert.equal(writeCimXml(memorySettings("Microsoft:G\\m", 512 * 1024 ** 2)), '<INSTANCE CLASSNAME="Msvm_MemorySettingData"><PROPERTY NAME="InstanceID" TYPE="string"><VALUE>Microsoft:G\\m</VALUE></PROPERTY>'
      + '<PROPERTY NAME="DynamicMemoryEnabled" TYPE="boolean"><VALUE>false</VALUE></PROPERTY>'
      + ["VirtualQuantity", "Reservation", "Limit"].map((name) => `<PROPERTY NAME="${name}" TYPE="uint64"><VALUE>512</VALUE></PROPERTY>`).join("") + "</INSTANCE>");
    assert.match(writeCimXml(processorSettings("Microsoft:G\\p", 4)), /<PROPERTY NAME="VirtualQuantity" TYPE="uint64"><VALUE>4<\/VALUE>/);
  });

  test("a property that the class does not have is a mistake found at once", () => {
    assert.throws(() => settingsOf("Msvm_MemorySettingData", { Quantity: 1n }), /Msvm_MemorySettingData has no property Quantity/);
  });
});

describe("what no host could make", () => {
  const problemOf = (changes: Partial<MachineSpec>, release: keyof typeof versions = "2022"): string | null => impossibleOn({ ...spec, ...changes }, about(release), defaultQuirks);
  test("is refused with the reason", () => {
    assert.equal(problemOf({}), null);
    assert.match(problemOf({ generation: 1 })!, /Secure Boot needs a Generation 2 machine/);
    assert.match(problemOf({ rootDiskPath: "C:\\root.vhd" })!, /VHDX only/);
    assert.match(problemOf({}, "2012r2")!, /6\.3 knows no Secure Boot templates/);
    assert.match(problemOf({ memoryBytes: 513 * 1024 ** 2 })!, /steps of 2 MiB; 513 MiB is none/);
    assert.match(problemOf({ memoryBytes: 0 })!, /steps of 2 MiB/);
    assert.match(problemOf({ cpuCount: 0 })!, /one processor or more/);
    assert.equal(problemOf({ secureBoot: { enabled: true, templateId: null } }, "2012r2"), null);
  });
});
