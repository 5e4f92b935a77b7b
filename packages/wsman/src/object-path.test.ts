import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { formatObjectPath, ObjectPathError, objectPathCharactersMax, parseObjectPath, sameReference, splitObjectPath } from "./object-path.ts";

const disk = { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_ResourceAllocationSettingData", keys: { InstanceID: "Microsoft:8016A6CA\\A9D07399\\0" } } as const;

test("reads a path with its backslashes doubled or not, slashes either way, and either quote", () => {
  const forms = [
    '\\\\TOYHOST\\Root\\Virtualization\\V2:Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016A6CA\\\\A9D07399\\\\0"',
    '\\\\TOYHOST\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016A6CA\\A9D07399\\0"',
    "//toyhost/root/virtualization/v2:Msvm_ResourceAllocationSettingData.InstanceID='Microsoft:8016A6CA\\\\A9D07399\\\\0'",
    'root/virtualization/v2:msvm_resourceallocationsettingdata.instanceid = "microsoft:8016a6ca\\\\a9d07399\\\\0"',
    ' Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016A6CA\\\\A9D07399\\\\0" ',
    "\\\\.\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID='Microsoft:8016A6CA\\A9D07399\\0'",
  ];
  for (const form of forms) assert.ok(sameReference(parseObjectPath(form), disk), form);
  assert.deepEqual(splitObjectPath(forms[0] ?? "").server, "TOYHOST");
  assert.deepEqual(splitObjectPath(forms[3] ?? "").server, null);
  assert.equal(parseObjectPath(forms[4] ?? "").namespace, "");
});

test("reads several keys, numbers, escaped quotes, singletons and keys without names", () => {
  assert.deepEqual(parseObjectPath("Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='8016a6ca'").keys, { CreationClassName: "Msvm_ComputerSystem", Name: "8016a6ca" });
  assert.deepEqual(parseObjectPath('A.x=1,y="a,b=\\"c\\"", z = \'it\\\'s\'').keys, { x: "1", y: 'a,b="c"', z: "it's" });
  assert.deepEqual(parseObjectPath("root\\cimv2:Win32_OperatingSystem=@").keys, {});
  assert.deepEqual(parseObjectPath('Win32_Service="vmms"').keys, { "": "vmms" });
  assert.deepEqual(parseObjectPath("CIM_DataFile.Name=\"c:\\\\disks\\\\a.vhdx\"").keys, { Name: "c:\\disks\\a.vhdx" });
  assert.deepEqual(parseObjectPath("Msvm_ComputerSystem").keys, {});
});

test("refuses what is no path", () => {
  for (const text of ["", " ", "1abc", "a b", "a.", "a.b", "a.b=", 'a.b="c', 'a.b="c"d', 'a.b="c",', "a.b='c\"", "a:b:c.d=1", "\\\\", "a.=,", "x".repeat(objectPathCharactersMax + 1)]) {
    assert.throws(() => parseObjectPath(text), ObjectPathError, text.slice(0, 40));
  }
  const beganMs = Date.now();
  assert.throws(() => parseObjectPath(`${"a\\".repeat(8000)} !`));
  assert.ok(Date.now() - beganMs < 1000);
});

test("what is written is read back, whatever the keys hold", () => {
  const name = fc.stringMatching(/^[A-Za-z_]\w{0,10}$/);
  fc.assert(fc.property(name, fc.dictionary(name, fc.string({ unit: "binary" }), { maxKeys: 4 }), (className, keys) => {
    const reference = { kind: "reference", namespace: "root/virtualization/v2", className, keys: { ...keys } } as const;
    assert.deepEqual(parseObjectPath(formatObjectPath(reference, "HV1")), reference);
  }));
  assert.equal(formatObjectPath(disk, "HV1"), '\\\\HV1\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016A6CA\\\\A9D07399\\\\0"');
  assert.equal(formatObjectPath({ ...disk, namespace: "" }), 'Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016A6CA\\\\A9D07399\\\\0"');
});

test("a key of any name is a key and nothing else", () => {
  const { keys } = parseObjectPath('A.__proto__="x",constructor="y"');
  assert.deepEqual(Object.entries(keys), [["__proto__", "x"], ["constructor", "y"]]);
});

test("references are the same without regard to case, and an empty namespace is any", () => {
  assert.ok(sameReference({ ...disk, namespace: "" }, disk));
  assert.ok(!sameReference({ ...disk, namespace: "root/cimv2" }, disk));
  assert.ok(!sameReference({ ...disk, keys: {} }, disk));
  assert.ok(!sameReference({ ...disk, keys: { ...disk.keys, other: "1" } }, disk));
  assert.ok(!sameReference({ ...disk, className: "Other" }, disk));
});
