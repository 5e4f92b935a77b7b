import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CimInstance, CimScalar, CimType } from "./cim.ts";
import { CimXmlError, parseCimXml, propertyOf, valueOf, writeCimXml } from "./cim-xml.ts";

const plain = (instance: CimInstance) => Object.fromEntries(Object.entries(instance.properties).map(([name, { value }]) => [name, value]));

test("reads what libvirt writes: declaration, indented, in one property's case nothing else", () => {
  const text = `<?xml version="1.0"?>
<INSTANCE CLASSNAME="Msvm_ResourceAllocationSettingData">
  <PROPERTY NAME="ResourceType" TYPE="uint16">
    <VALUE>17</VALUE>
  </PROPERTY>
  <PROPERTY NAME="Parent" TYPE="string">
    <VALUE>\\\\TOYHOST\\Root\\Virtualization\\V2:Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016\\\\A9D0\\\\0"</VALUE>
  </PROPERTY>
  <PROPERTY.ARRAY NAME="HostResource" TYPE="string"><VALUE.ARRAY><VALUE>C:\\a &amp; b.vhdx</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>
</INSTANCE>
`;
  const instance = parseCimXml(text);
  assert.equal(instance.className, "Msvm_ResourceAllocationSettingData");
  assert.deepEqual(plain(instance), { ResourceType: 17, Parent: '\\\\TOYHOST\\Root\\Virtualization\\V2:Msvm_ResourceAllocationSettingData.InstanceID="Microsoft:8016\\\\A9D0\\\\0"', HostResource: ["C:\\a & b.vhdx"] });
});

test("reads what os-win writes: a whole instance with qualifiers, nulls, MODIFIED, CLASSORIGIN and text booleans", () => {
  const instance = parseCimXml(`<INSTANCE CLASSNAME="Msvm_VirtualSystemSettingData"><QUALIFIER NAME="dynamic" TYPE="boolean" TOINSTANCE="true"><VALUE>TRUE</VALUE></QUALIFIER>
<PROPERTY NAME="AllowFullSCSICommandSet" CLASSORIGIN="Msvm_VirtualSystemSettingData" TYPE="boolean"><QUALIFIER NAME="read" TYPE="boolean"><VALUE>TRUE</VALUE></QUALIFIER></PROPERTY>
<PROPERTY NAME="SecureBootEnabled" CLASSORIGIN="Msvm_VirtualSystemSettingData" MODIFIED="TRUE" TYPE="boolean"><VALUE>True</VALUE></PROPERTY>
<PROPERTY NAME="LockOnDisconnect" PROPAGATED="true" TYPE="boolean"><VALUE>FALSE</VALUE></PROPERTY>
<PROPERTY NAME="Description" TYPE="string"></PROPERTY><PROPERTY NAME="Empty" TYPE="string"><VALUE></VALUE></PROPERTY>
<PROPERTY NAME="AutomaticStartupActionDelay" TYPE="datetime"><VALUE>00000000000030.000000:000</VALUE></PROPERTY>
<PROPERTY.ARRAY NAME="Notes" TYPE="string"><VALUE.ARRAY><VALUE>a</VALUE><VALUE></VALUE></VALUE.ARRAY></PROPERTY.ARRAY><PROPERTY.ARRAY NAME="BootSourceOrder" TYPE="string"></PROPERTY.ARRAY>
<PROPERTY.ARRAY NAME="BootOrder" TYPE="uint16"><VALUE.ARRAY><VALUE>1</VALUE><VALUE.NULL/><VALUE> 3 </VALUE></VALUE.ARRAY></PROPERTY.ARRAY>
<PROPERTY NAME="Size" TYPE="uint64"><VALUE>18446744073709551615</VALUE></PROPERTY></INSTANCE>`);
  assert.deepEqual(plain(instance), {
    AllowFullSCSICommandSet: null, SecureBootEnabled: true, LockOnDisconnect: false, Description: null, Empty: "", AutomaticStartupActionDelay: { kind: "datetime", native: "00000000000030.000000:000" },
    Notes: ["a", ""], BootSourceOrder: null, BootOrder: [1, 3], Size: 18446744073709551615n,
  });
});

test("reads an instance inside the wrappers that serialisers put around one", () => {
  const bare = '<INSTANCE CLASSNAME="A"><PROPERTY NAME="x" TYPE="string"><VALUE>1</VALUE></PROPERTY></INSTANCE>';
  for (const text of [bare, `<CIM CIMVERSION="2.0" DTDVERSION="2.0"><DECLARATION><DECLGROUP><VALUE.OBJECT>${bare}</VALUE.OBJECT></DECLGROUP></DECLARATION></CIM>`, `<DECLGROUP.WITHPATH><VALUE.OBJECTWITHPATH><INSTANCEPATH/>${bare}</VALUE.OBJECTWITHPATH></DECLGROUP.WITHPATH>`, `\r\n <!-- x -->${bare}\r\n`, `\ufeff${bare}`]) {
    assert.equal(valueOf(parseCimXml(text), "X"), "1", text);
  }
});

test("reads references as text and as elements", () => {
  const wanted = { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_ComputerSystem", keys: { Name: "8016" } };
  const holder = (content: string) => parseCimXml(`<INSTANCE CLASSNAME="A"><PROPERTY.REFERENCE NAME="r" REFERENCECLASS="B">${content}</PROPERTY.REFERENCE></INSTANCE>`);
  assert.deepEqual(valueOf(holder('<VALUE.REFERENCE>\\\\HV1\\root\\virtualization\\v2:Msvm_ComputerSystem.Name="8016"</VALUE.REFERENCE>'), "r"), wanted);
  assert.deepEqual(valueOf(holder('<VALUE.REFERENCE><INSTANCEPATH><NAMESPACEPATH><HOST>h</HOST><LOCALNAMESPACEPATH><NAMESPACE NAME="root"/><NAMESPACE NAME="virtualization"/><NAMESPACE NAME="v2"/></LOCALNAMESPACEPATH></NAMESPACEPATH><INSTANCENAME CLASSNAME="Msvm_ComputerSystem"><KEYBINDING NAME="Name"><KEYVALUE VALUETYPE="string">8016</KEYVALUE></KEYBINDING></INSTANCENAME></INSTANCEPATH></VALUE.REFERENCE>'), "r"), wanted);
  assert.equal(valueOf(holder(""), "r"), null);
  assert.throws(() => holder("<VALUE.REFERENCE>no path</VALUE.REFERENCE>"), /reference r cannot be read/);
  assert.throws(() => holder("<VALUE.REFERENCE><CLASSNAME NAME='x'/></VALUE.REFERENCE>"), /holds <CLASSNAME>/);
});

test("says which property has which wrong value", () => {
  const property = (type: string, value: string) => `<INSTANCE CLASSNAME="A"><PROPERTY NAME="p" TYPE="${type}"><VALUE>${value}</VALUE></PROPERTY></INSTANCE>`;
  const wrong: [string, RegExp][] = [
    [property("boolean", "yes"), /property p is declared boolean, but its value is "yes"; write true or false/],
    [property("uint8", "256"), /a number from 0 to 255/],
    [property("sint8", "-129"), /from -128 to 127/],
    [property("uint16", "1.5"), /a decimal number/],
    [property("uint64", "18446744073709551616"), /a number from 0/],
    [property("uint32", "-1"), /a number from 0/],
    [property("real64", "many"), /a decimal number/],
    [property("datetime", "2025-12-17T09:55:22Z"), /yyyymmddHHMMSS/],
    [property("reference", "x y"), /reference p cannot be read/],
    [property("Boolean", "true"), /TYPE "Boolean", which CIM does not have/],
    ['<INSTANCE><PROPERTY NAME="p"/></INSTANCE>', /no CLASSNAME/],
    ['<INSTANCE CLASSNAME="A"><PROPERTY TYPE="string"/></INSTANCE>', /<PROPERTY> in an embedded A has no NAME/],
    ['<INSTANCE CLASSNAME="A"><WHAT NAME="p"/></INSTANCE>', /<WHAT> in an embedded A is not a property/],
    ["<CLASS/>", /root <CLASS>/],
    ["<CIM><MESSAGE/></CIM>", /root <CIM>/],
    ["Msvm_X", /is not CIM-XML/],
    ["", /is not CIM-XML/],
    ['<!DOCTYPE x [<!ENTITY e "x">]><INSTANCE CLASSNAME="A"/>', /document type/],
    ["<CIM>".repeat(100), /nest deeper/],
  ];
  for (const [text, message] of wrong) assert.throws(() => parseCimXml(text), (error: unknown) => error instanceof CimXmlError && message.test(error.message), text);
});

test("blanks where a type has no empty value are null, and numbers may be written in hexadecimal", () => {
  const value = (type: string, text: string) => valueOf(parseCimXml(`<INSTANCE CLASSNAME="A"><PROPERTY NAME="p" TYPE="${type}"><VALUE>${text}</VALUE></PROPERTY></INSTANCE>`), "p");
  assert.deepEqual([value("uint16", " "), value("boolean", ""), value("datetime", " "), value("string", " "), value("uint16", "0x1F"), value("sint32", "+7"), value("uint64", "0"), value("real32", "1e3")], [null, null, null, " ", 31, 7, 0n, 1000]);
});

test("what is written is read back", () => {
  const scalars: Readonly<Partial<Record<CimType, fc.Arbitrary<CimScalar>>>> = {
    // What XML normalises or cannot carry has its own test.
    string: fc.string().map((text) => text.replaceAll(/[\u0000-\u001f]/g, "")), boolean: fc.boolean(), uint8: fc.integer({ min: 0, max: 255 }), sint32: fc.integer(), uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    datetime: fc.constant({ kind: "datetime", native: "20251217095522.702341+000" } as const), reference: fc.constant({ kind: "reference", namespace: "root/cimv2", className: "A", keys: { b: "c\\d" } } as const),
  };
  const property = fc.constantFrom(...(Object.keys(scalars) as CimType[])).chain((type) => {
    const scalar = scalars[type] ?? fc.constant("");
    const value = type === "reference" ? fc.option(scalar) : fc.oneof(scalar, fc.constant(null), fc.array(scalar, { maxLength: 4 }));
    return value.map((one) => ({ type, array: Array.isArray(one), value: one }));
  });
  fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[A-Za-z_]\w{0,8}$/), property, { maxKeys: 6 }), (properties) => {
    const instance = { kind: "instance", className: "Msvm_X", properties: { ...properties } } as const;
    assert.deepEqual(parseCimXml(writeCimXml(instance)), instance);
  }));
});

test("properties are found without regard to case, and no name means more than itself", () => {
  const instance = parseCimXml('<INSTANCE CLASSNAME="A"><PROPERTY NAME="__proto__" TYPE="string"><VALUE>x</VALUE></PROPERTY><PROPERTY NAME="Name" TYPE="string"><VALUE>y</VALUE></PROPERTY></INSTANCE>');
  assert.deepEqual([valueOf(instance, "NAME"), valueOf(instance, "toString"), valueOf(instance, "__PROTO__"), propertyOf(instance, "constructor")], ["y", null, "x", undefined]);
});
