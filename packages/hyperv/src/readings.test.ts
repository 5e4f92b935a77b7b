import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isAtLeast, releaseOfBuild } from "./about-host.ts";
import { serverIdIn } from "./find-machine.ts";
import { HostPaths, serverFolderOf } from "./host-paths.ts";
import { readDigest } from "./image-transfer.ts";
import { stateOf } from "./machine-state.ts";
import { guestItem, heartbeatOf } from "./observe.ts";
import { secureBootOf, templatesAmong } from "./probe.ts";
import { keyInPath, ownerOf } from "./references.ts";
import { describeReturnCode } from "./return-codes.ts";
import { instanceOf } from "./scripted-host.ts";
import { bytesIn } from "./thumbnail.ts";
import { wqlText } from "./wql-text.ts";

describe("what a host answers, as it is read", () => {
  test("the release goes by the build alone, because all since 2016 call themselves 10.0", () => {
    assert.deepEqual([9600, 14_393, 17_763, 20_348, 25_398, 26_100, 19_045, 0].map(releaseOfBuild), ["2012r2", "2016", "2019", "2022", "23h2", "2025", "unknown", "unknown"]);
  });

  test("versions are compared by number, not as text", () => {
    const host = (major: number, minor: number) => ({ version: { major, minor } });
    assert.deepEqual([isAtLeast(host(6, 2), 6, 3), isAtLeast(host(6, 3), 6, 3), isAtLeast(host(10, 0), 6, 3), isAtLeast(host(6, 3), 10, 0)], [false, true, true, false]);
  });

  const template = (values: Record<string, string>) => instanceOf("Msvm_VirtualSystemSettingData", values);
  test("templates are settings with a template that are neither machine nor checkpoint, by their own names", () => {
    const all = [
      template({ ElementName: "MicrosoftUEFICertificateAuthority", SecureBootTemplateId: "272E7447-90A4-4563-A4B9-8E4AB00526CE", VirtualSystemType: "Microsoft:Hyper-V:SecureBootTemplate" }),
      template({ ElementName: "新しい仮想マシン", SecureBootTemplateId: "1734c6e8-3154-4dda-ba5f-a874cc483422" }),
      template({ ElementName: "Ours", SecureBootTemplateId: "aaaaaaaa-0000-4000-8000-000000000000" }),
      template({ ElementName: "MicrosoftUEFICertificateAuthority", SecureBootTemplateId: "bbbbbbbb-0000-4000-8000-000000000000", VirtualSystemType: "Microsoft:Hyper-V:System:Realized" }),
      template({ ElementName: "before", SecureBootTemplateId: "cccccccc-0000-4000-8000-000000000000", VirtualSystemType: "Microsoft:Hyper-V:Snapshot:Realized" }),
      template({ ElementName: "planned", SecureBootTemplateId: "dddddddd-0000-4000-8000-000000000000", VirtualSystemType: "Microsoft:Hyper-V:System:Planned" }),
      template({ ElementName: "Definition" }),
    ];
    assert.deepEqual(templatesAmong(all), [
      { id: "272e7447-90a4-4563-a4b9-8e4ab00526ce", name: "MicrosoftUEFICertificateAuthority" }, { id: "1734c6e8-3154-4dda-ba5f-a874cc483422", name: "MicrosoftWindows" },
      { id: "aaaaaaaa-0000-4000-8000-000000000000", name: "Ours" },
    ]);
  });

  test("families of guests need the version, and for Linux the template as well", () => {
    const host = (major: number, minor: number) => ({ computerName: "H", version: { major, minor }, build: 0, virtualHardDiskPath: "" });
    const uefi = [{ id: "272e7447-90a4-4563-a4b9-8e4ab00526ce", name: "" }];
    assert.deepEqual(secureBootOf(host(6, 2), []), { generation2: false, families: [], templates: [] });
    assert.deepEqual(secureBootOf(host(6, 3), []).families, ["windows"]);
    assert.deepEqual(secureBootOf(host(10, 0), uefi).families, ["windows", "linux"]);
    assert.deepEqual(secureBootOf(host(10, 0), []).families, ["windows"]);
  });

  test("the digest is the one line of 64 hex digits, with or without blanks, in any language", () => {
    const hex = "0123456789abcdef".repeat(4);
    assert.equal(readDigest(`SHA256 hash of C:\\x.part:\r\n${hex}\r\nCertUtil: -hashfile command completed successfully.\r\n`), hex);
    assert.equal(readDigest(`SHA256 hash of file C:\\x.part:\r\n${hex.toUpperCase().match(/../g)!.join(" ")}\r\nCertUtil: …\r\n`), hex);
    assert.equal(readDigest(`SHA256-Hash von C:\\${hex}.vhdx:\r\n${hex}\r\nCertUtil: -hashfile-Befehl wurde erfolgreich ausgeführt.`), hex);
    assert.equal(readDigest("CertUtil: -hashfile command FAILED: 0x80070002"), null);
    assert.equal(readDigest(`${hex}\n${"f".repeat(64)}`), null);
    assert.equal(readDigest(hex.slice(1)), null);
  });

  test("states, also those in between and those without storage", () => {
    const state = (EnabledState: number, HealthState = 5) => stateOf(instanceOf("Msvm_ComputerSystem", { EnabledState, HealthState }));
    assert.deepEqual([2, 3, 6, 9, 32779].map((one) => state(one)), ["running", "off", "saved", "paused", "saved"]);
    for (const changing of [0, 1, 4, 10, 32770, 32773, 32774, 32776, 32777, 32780]) assert.equal(state(changing), "changing");
    for (const critical of [32781, 32785, 32792]) assert.equal(state(critical), "critical");
    assert.equal(state(9, 25), "critical");
    assert.equal(state(32793), "changing");
  });

  test("a heartbeat is there when the guest answers, and an error when it fell silent", () => {
    const beat = (...OperationalStatus: number[]) => heartbeatOf(instanceOf("Msvm_HeartbeatComponent", { EnabledState: 2, OperationalStatus }));
    assert.deepEqual([beat(2), beat(2, 32775), beat(3), beat(6), beat(7), beat(12), beat(13), beat()], ["ok", "ok", "ok", "error", "error", "none", "error", "none"]);
    assert.equal(heartbeatOf(instanceOf("Msvm_HeartbeatComponent", { EnabledState: 3, OperationalStatus: [2] })), "none");
  });

  test("the guest's system is found among its items, and an item that cannot be read does not hide it", () => {
    const item = (name: string, data: string) => `<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem"><PROPERTY NAME="Data" TYPE="string"><VALUE>${data}</VALUE></PROPERTY><PROPERTY NAME="Name" TYPE="string"><VALUE>${name}</VALUE></PROPERTY></INSTANCE>`;
    const component = (...GuestIntrinsicExchangeItems: string[]) => instanceOf("Msvm_KvpExchangeComponent", { GuestIntrinsicExchangeItems });
    assert.equal(guestItem(component("<broken", item("OSVersion", "6.1"), item("OSName", "Debian GNU/Linux")), "OSName"), "Debian GNU/Linux");
    assert.equal(guestItem(component(item("OSName", "")), "OSName"), null);
    assert.equal(guestItem(component(), "OSName"), null);
  });

  test("whose machine it is stands in the notes, among whatever people add, and Nova's own form is not taken for ours", () => {
    const id = "0b5a1c6e-6e1b-4f52-9b1f-3a2b1c0d9e8f";
    const notes = (...Notes: string[]) => serverIdIn(instanceOf("Msvm_VirtualSystemSettingData", { Notes }));
    assert.equal(notes(`signet:${id}`), id);
    assert.equal(notes(`mine!\r\nsignet:${id.toUpperCase()}\r\ndo not touch`), id);
    assert.equal(notes("hello", `signet:${id}`), id);
    for (const foreign of [id, `[${id}]`, `nova:${id}`, `signet:${id}x`, "signet:", ""]) assert.equal(notes(foreign), null);
  });

  test("devices belong to a machine by their id; definitions belong to nobody", () => {
    const guid = "0B5A1C6E-6E1B-4F52-9B1F-3A2B1C0D9E8F";
    assert.equal(ownerOf(`Microsoft:${guid.toLowerCase()}\\x\\0`), guid);
    assert.equal(ownerOf(`Microsoft:${guid}`), guid);
    for (const other of ["Microsoft:Definition\\x\\Default", `Microsoft:${guid}0\\x`, "Microsoft:VirtualSystemManagementCapabilities"]) assert.equal(ownerOf(other), null);
  });

  test("a key is found in a path with backslashes doubled or not, and not in what is no path", () => {
    assert.equal(keyInPath('\\\\HOST\\root\\virtualization\\v2:C.InstanceID="Microsoft:G\\\\x\\\\0"', "InstanceID"), "Microsoft:G\\x\\0");
    assert.equal(keyInPath('\\\\HOST\\root\\virtualization\\v2:C.InstanceID="Microsoft:G\\x\\0"', "InstanceID"), "Microsoft:G\\x\\0");
    assert.deepEqual([keyInPath("", "Name"), keyInPath("no path at all", "Name"), keyInPath('C.Other="x"', "Name")], ["", "", ""]);
  });

  test("every documented code has words, and unknown ones do not fail", () => {
    assert.deepEqual(describeReturnCode(32773), { text: "invalid parameter", retry: "never" });
    assert.equal(describeReturnCode(32774).retry, "later");
    assert.match(describeReturnCode(40_000).text, /not documented/);
  });

  test("bytes come as base64, or one by one", () => {
    assert.deepEqual([...bytesIn("AQID")], [1, 2, 3]);
    assert.deepEqual([...bytesIn(["1", "2", "255"])], [1, 2, 255]);
    assert.equal(bytesIn(null).length, 0);
  });
});

describe("paths on a host", () => {
  const id = "0B5A1C6E-6E1B-4F52-9B1F-3A2B1C0D9E8F";
  test("are made of ids and digests only", () => {
    const paths = new HostPaths("D:\\Hyper-V\\Disks\\", "hv1");
    assert.equal(paths.rootDisk(id, "vhdx"), `D:\\Hyper-V\\Disks\\Signet\\Servers\\${id.toLowerCase()}\\root.vhdx`);
    assert.equal(paths.image("a".repeat(64), "vhd"), `D:\\Hyper-V\\Disks\\Signet\\Images\\${"a".repeat(64)}.vhd`);
    for (const bad of ["..\\..\\Windows", `${id}\\..`, "", `${id}" & del`]) assert.throws(() => paths.serverFolder(bad), TypeError);
    for (const bad of ["A".repeat(64), "a".repeat(63), "..\\x"]) assert.throws(() => paths.image(bad, "vhdx"), TypeError);
  });

  test("on a share, or with a name that a command would change, are refused with what to do", () => {
    for (const bad of ["\\\\server\\share", "", "C:\\%TEMP%\\x", 'C:\\a"b']) assert.throws(() => new HostPaths(bad, "hv1"), { code: "HV-PATH", message: /Set-VMHost/ });
    assert.equal(new HostPaths("C:\\", "hv1").images, "C:\\Signet\\Images");
  });

  test("a server's folder is known again by its tail, wherever it was made", () => {
    assert.equal(serverFolderOf(`E:\\old\\Signet\\Servers\\${id}\\root.vhdx`, id), `E:\\old\\Signet\\Servers\\${id}`);
    for (const other of ["C:\\root.vhdx", `C:\\Signet\\Servers\\${id}x\\root.vhdx`, `C:\\Signet\\Servers\\${id}\\sub\\root.vhdx`, ""]) assert.equal(serverFolderOf(other, id), null);
  });

  test("are literals of WQL with every backslash written twice", () => {
    assert.equal(wqlText("C:\\it's\\x"), "'C:\\\\it\\'s\\\\x'");
  });
});
