import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CimInstance, CimProperty } from "../cim.ts";
import { evaluateWhere, matchesLike, parseWql, type WqlContext } from "./index.ts";

const scalar = (value: CimProperty["value"]): CimProperty => ({ type: "string", array: Array.isArray(value), value });
const guid = "8016A6CA-0899-4E6E-9828-873AA23CD8E6";
const reference = { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_ComputerSystem", keys: { CreationClassName: "Msvm_ComputerSystem", Name: guid } } as const;
const machine: CimInstance = { kind: "instance", className: "Msvm_ComputerSystem", properties: {
  Name: scalar(guid), ElementName: scalar("It's a VM"), EnabledState: scalar(2), OnTimeInMilliseconds: scalar(18446744073709551615n), ProcessID: scalar(null), Secure: scalar(true), Path: scalar("C:\\disks\\a.vhdx"),
  OperationalStatus: scalar([2, 3]), InstallDate: scalar({ kind: "datetime", native: "20251217095522.702341+000" }), Parent: scalar(reference),
  TargetInstance: scalar({ kind: "instance", className: "Msvm_ComputerSystem", properties: { EnabledState: scalar(3) } }),
} };
const context: WqlContext = { server: "HV1", namespace: "root/virtualization/v2", reference, isA: (name, ancestor) => [name, "CIM_ComputerSystem", "CIM_System"].some((one) => one.toLowerCase() === ancestor.toLowerCase()) };
const holds = (condition: string): boolean => {
  const query = parseWql(`SELECT * FROM X WHERE ${condition}`);
  assert.ok(query.kind === "select");
  return evaluateWhere(query.where, machine, context);
};

test("compares without case, numbers as numbers, and references by what they mean", () => {
  const yes = [
    `name = '${guid.toLowerCase()}'`, "ElementName = 'it\\'s A vm'", "EnabledState = 2", "EnabledState = '2'", "'2' = EnabledState", "EnabledState <= 2 AND EnabledState >= 2", "EnabledState < 10", "OnTimeInMilliseconds > 18446744073709551614", "OnTimeInMilliseconds = 0xffffffffffffffff",
    "Secure = TRUE", "Secure = 'true'", "Secure = 1", "NOT Secure = FALSE", "Path = 'c:\\\\DISKS\\\\a.vhdx'", "Name != __SERVER", "__SERVER = 'hv1'", "__CLASS = 'msvm_computersystem'", "__NAMESPACE = 'root/virtualization/v2'",
    `__PATH = '\\\\\\\\HV1\\\\root\\\\virtualization\\\\v2:Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${guid}"'`, `__PATH = 'Msvm_ComputerSystem.Name="${guid.toLowerCase()}",CreationClassName="Msvm_ComputerSystem"'`,
    `__RELPATH = 'Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${guid}"'`, `Parent = 'root\\\\virtualization\\\\v2:Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${guid}"'`,
    "__THIS ISA 'CIM_System'", "TargetInstance ISA Msvm_ComputerSystem", "TargetInstance.EnabledState = 3", "TargetInstance.EnabledState != EnabledState", "ElementName > 'A'",
  ];
  for (const condition of yes) assert.ok(holds(condition), condition);
  const no = ["EnabledState = 3", "Name = 'HV1'", "ElementName = 'It'", "Secure = FALSE", "__THIS ISA 'CIM_Service'", "TargetInstance.Name = 'x'", "Missing.Deep.Er = 1", "EnabledState = 'two'"];
  for (const condition of no) assert.ok(!holds(condition), condition);
});

test("null is neither equal nor unequal to anything but null", () => {
  for (const condition of ["ProcessID IS NULL", "ProcessID = NULL", "Missing IS NULL", "Name IS NOT NULL", "NOT Name IS NULL", "ProcessID IS NULL OR Name = 'x'"]) assert.ok(holds(condition), condition);
  for (const condition of ["ProcessID = 0", "ProcessID != 0", "NOT ProcessID = 0", "NOT ProcessID != 0", "ProcessID < 1", "ProcessID LIKE '%'", "NOT ProcessID LIKE '%'", "ProcessID = 0 OR ProcessID != 0", "Name IS NULL", "OperationalStatus = 2"]) assert.ok(!holds(condition), condition);
  assert.ok(holds("ProcessID = 0 OR EnabledState = 2") && !holds("ProcessID = 0 AND EnabledState = 2"));
});

test("LIKE knows runs, single characters and sets, without case", () => {
  const cases: [string, string, boolean][] = [
    ["Microsoft:Definition\\POOL\\Maximum", "Microsoft:Definition%Maximum", true], ["Microsoft:A\\Default", "%\\Default", true], ["Microsoft:A\\Defaults", "%\\Default", false], ["abc", "ABC", true], ["abc", "a_c", true], ["ac", "a_c", false],
    ["", "%", true], ["", "", true], ["a", "", false], ["abc", "%%%", true], ["abcabd", "%ab_d", false], ["abcabxd", "%ab_d", true], ["b1", "[a-c][0-9]", true], ["d1", "[a-c][0-9]", false], ["d1", "[^a-c]_", true], ["a]", "a]", true], ["[x", "[x", true], ["a.c", "a.c", true], ["abc", "a.c", false], ["a+b", "a+b", true],
    ["x-y", "x[-]y", true], ["x-y", "x[a-]y", true], ["5%", "5[%]", true], ["50", "5[%]", false],
  ];
  for (const [text, pattern, wanted] of cases) assert.equal(matchesLike(text, pattern), wanted, `${text} LIKE ${pattern}`);
  assert.ok(holds("ElementName LIKE 'it%vm'") && holds("ElementName NOT LIKE '%x%'") && holds("EnabledState LIKE '_'"));
});

test("a hostile pattern takes no more time than a plain one", () => {
  const beganMs = Date.now();
  assert.equal(matchesLike("a".repeat(20_000), "%a".repeat(200) + "b"), false);
  assert.equal(matchesLike("a".repeat(2000), "[".repeat(32_000)), false);
  assert.ok(Date.now() - beganMs < 2000);
});

test("LIKE without signs is equality, and a text is like itself between runs", () => {
  const text = fc.string().filter((one) => !/[%_[\]]/.test(one));
  fc.assert(fc.property(text, text, (one, other) => {
    assert.equal(matchesLike(one, other), one.toLowerCase() === other.toLowerCase());
    assert.ok(matchesLike(`${other}${one}${other}`, `%${one}%`));
  }));
});
