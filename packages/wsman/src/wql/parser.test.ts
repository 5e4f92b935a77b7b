import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseWql, WqlSyntaxError } from "./index.ts";

const where = (text: string) => {
  const query = parseWql(`SELECT * FROM C WHERE ${text}`);
  assert.ok(query.kind === "select");
  return query.where;
};
const property = (name: string) => ({ kind: "property", name }) as const;
const literal = (value: string | bigint | number | boolean | null) => ({ kind: "literal", value }) as const;

test("reads the queries of libvirt, os-win and our own driver", () => {
  assert.deepEqual(parseWql("SELECT * FROM Win32_ComputerSystemProduct "), { kind: "select", properties: "*", className: "Win32_ComputerSystemProduct", where: null });
  assert.deepEqual(parseWql("select Name, ElementName from Msvm_VirtualEthernetSwitch"), { kind: "select", properties: ["Name", "ElementName"], className: "Msvm_VirtualEthernetSwitch", where: null });
  assert.deepEqual(where("Name != __SERVER AND (EnabledState != 0 and EnabledState != 3)"), { kind: "and", terms: [
    { kind: "compare", left: property("Name"), operator: "!=", right: property("__SERVER") },
    { kind: "and", terms: [{ kind: "compare", left: property("EnabledState"), operator: "!=", right: literal(0n) }, { kind: "compare", left: property("EnabledState"), operator: "!=", right: literal(3n) }] },
  ] });
  assert.deepEqual(where("InstanceID LIKE 'Microsoft:Definition%Maximum'"), { kind: "like", operand: property("InstanceID"), pattern: "Microsoft:Definition%Maximum", negated: false });
  assert.deepEqual(where("ResourceSubType='Microsoft:Hyper-V:Synthetic SCSI Controller' AND InstanceID LIKE '%\\\\Default'"), { kind: "and", terms: [
    { kind: "compare", left: property("ResourceSubType"), operator: "=", right: literal("Microsoft:Hyper-V:Synthetic SCSI Controller") }, { kind: "like", operand: property("InstanceID"), pattern: "%\\Default", negated: false },
  ] });
  assert.deepEqual(where("Name = 'C:\\\\a b\\\\it\\'s.vhdx'"), { kind: "compare", left: property("Name"), operator: "=", right: literal("C:\\a b\\it's.vhdx") });
  assert.deepEqual(where("TargetInstance ISA 'Msvm_ComputerSystem' AND TargetInstance.EnabledState <> PreviousInstance.EnabledState"), { kind: "and", terms: [
    { kind: "isa", operand: property("TargetInstance"), className: "Msvm_ComputerSystem" }, { kind: "compare", left: property("TargetInstance.EnabledState"), operator: "!=", right: property("PreviousInstance.EnabledState") },
  ] });
});

test("reads associators and references with the path that the braces hold", () => {
  assert.deepEqual(parseWql("ASSOCIATORS OF {Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='uuid'} WHERE AssocClass = Msvm_SettingsDefineState ResultClass = Msvm_VirtualSystemSettingData"), {
    kind: "associators", object: { kind: "reference", namespace: "", className: "Msvm_ComputerSystem", keys: { CreationClassName: "Msvm_ComputerSystem", Name: "uuid" } }, assocClass: "Msvm_SettingsDefineState", resultClass: "Msvm_VirtualSystemSettingData", role: null, resultRole: null,
  });
  assert.deepEqual(parseWql('associators of{\\\\HV1\\root\\virtualization\\v2:Msvm_X.InstanceID="Microsoft:a\\\\{b}"}where resultrole=Dependent Role = "Antecedent"'), {
    kind: "associators", object: { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_X", keys: { InstanceID: "Microsoft:a\\{b}" } }, assocClass: null, resultClass: null, role: "Antecedent", resultRole: "Dependent",
  });
  assert.deepEqual(parseWql("REFERENCES OF {A.b='c'} WHERE ResultClass = D Role = e"), { kind: "references", object: { kind: "reference", namespace: "", className: "A", keys: { b: "c" } }, resultClass: "D", role: "e" });
  assert.throws(() => parseWql("ASSOCIATORS OF {A.b='c'} WHERE ClassDefsOnly"), /"ClassDefsOnly" is not known here/);
  assert.throws(() => parseWql("REFERENCES OF {A.b='c'} WHERE AssocClass = x"), /not known/);
});

test("NOT, AND and OR bind in this order, and every form of a comparison is read", () => {
  const is = (name: string) => ({ kind: "compare", left: property(name), operator: "=", right: literal(1n) }) as const;
  assert.deepEqual(where("a=1 OR b=1 AND NOT c=1"), { kind: "or", terms: [is("a"), { kind: "and", terms: [is("b"), { kind: "not", term: is("c") }] }] });
  assert.deepEqual(where("(a=1 OR b=1) AND c=1"), { kind: "and", terms: [{ kind: "or", terms: [is("a"), is("b")] }, is("c")] });
  assert.deepEqual([where("a IS NULL"), where("a is not null"), where("a NOT LIKE 'x'")], [{ kind: "isNull", operand: property("a"), negated: false }, { kind: "isNull", operand: property("a"), negated: true }, { kind: "like", operand: property("a"), pattern: "x", negated: true }]);
  const rights = ["1", "-1", "+1", "0x1F", "-0x10", "1.5", "1e3", "TRUE", "false", "NULL", '"x"', "''"].map((text) => (where(`a = ${text}`) as { right: unknown }).right);
  assert.deepEqual(rights, [1n, -1n, 1n, 31n, -16n, 1.5, 1000, true, false, null, "x", ""].map(literal));
  assert.deepEqual(["=", "!=", "<>", "<", "<=", ">", ">="].map((sign) => (where(`a${sign}1`) as { operator: string }).operator), ["=", "!=", "!=", "<", "<=", ">", ">="]);
});

test("says where a query cannot be read", () => {
  const wrong: [string, RegExp][] = [
    ["", /SELECT, ASSOCIATORS OF or REFERENCES OF/], ["DROP TABLE x", /SELECT/], ["SELECT", /property name/], ["SELECT *", /FROM/], ["SELECT * FROM", /class name/], ["SELECT * FROM 'x'", /class name/],
    ["SELECT *, a FROM b", /FROM/], ["SELECT * FROM a WHERE", /a property or a value/], ["SELECT * FROM a WHERE b", /a comparison/], ["SELECT * FROM a WHERE b = ", /a property or a value/], ["SELECT * FROM a WHERE b == 1", /a property or a value/],
    ["SELECT * FROM a WHERE (b = 1", /"\)"/], ["SELECT * FROM a WHERE b = 1)", /end of the query/], ["SELECT * FROM a WHERE b = 'c", /not closed/], ["SELECT * FROM a WHERE b LIKE 5", /a pattern/], ["SELECT * FROM a WHERE b NOT = 1", /a comparison/],
    ["SELECT * FROM a; DELETE FROM b", /cannot be read at character 16/], ["SELECT * FROM a -- x", /cannot be read/], ["SELECT * FROM a WHERE b = 1 OR", /a property/], ["ASSOCIATORS OF A.b='c'", /braces/], ["ASSOCIATORS OF {A.b='c'", /not closed with "}"/],
    ["ASSOCIATORS OF {}", /not an object path/], ["ASSOCIATORS OF {A.b='c'} AssocClass = x", /end of the query/], ["SELECT * FROM a WHERE b IS 1", /NULL/], [`SELECT * FROM a WHERE ${"(".repeat(100)}`, /nest deeper/], [`SELECT * FROM a WHERE ${"NOT ".repeat(100)}b=1`, /nest deeper/],
    [`SELECT * FROM a WHERE b = '${"x".repeat(40_000)}'`, /characters; at most/],
  ];
  for (const [text, message] of wrong) assert.throws(() => parseWql(text), (error: unknown) => error instanceof WqlSyntaxError && message.test(error.message), text);
});

test("a quoted value cannot leave its quotes, whatever is put into it by the rule", () => {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
    assert.deepEqual(where(`a = ${quoted(text)} AND b = 1`), { kind: "and", terms: [{ kind: "compare", left: property("a"), operator: "=", right: literal(text) }, { kind: "compare", left: property("b"), operator: "=", right: literal(1n) }] });
  }));
  assert.deepEqual(where("a = 'x' OR 'y' = 'y'")?.kind, "or");
  assert.deepEqual(where(`a = ${quoted("x' OR 'y' = 'y")}`)?.kind, "compare");
});

test("nonsense is refused in words of our own, never by another error", () => {
  const piece = fc.constantFrom("SELECT", "*", "FROM", "a", "WHERE", "'x'", "\"", "=", "<", "(", ")", "{", "}", "AND", "OR", "NOT", "IS", "NULL", "LIKE", "ISA", "1", "0x", ",", ".", "\\", "ASSOCIATORS", "OF", "{a.b='c'}", "%", "\u0000");
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom(" ", ""), (pieces, between) => {
    try {
      parseWql(pieces.join(between));
    } catch (error) {
      assert.ok(error instanceof WqlSyntaxError, String(error));
    }
  }), { numRuns: 3000 });
});
