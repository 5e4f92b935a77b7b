import assert from "node:assert/strict";
import { test } from "node:test";
import type { CimInstance } from "./cim.ts";
import { WsmanFault } from "./faults.ts";
import { NS } from "./namespaces.ts";
import { classUri, parseResource, readSelectors } from "./resource.ts";
import { readInstance, readParameters, readValues, writeFragment, writeInstance, writeValue } from "./ws-cim.ts";
import { readXml } from "./xml/read.ts";

const namespace = "root/virtualization/v2";
const reference = { kind: "reference", namespace, className: "Msvm_ComputerSystem", keys: { Name: "A<B" } } as const;
const namespaces = `xmlns:p="urn:x" xmlns:a="${NS.a}" xmlns:w="${NS.w}" xmlns:cim="${NS.cim}" xmlns:xsi="${NS.xsi}"`;
const epr = `<a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>${classUri(namespace, "Msvm_X")}</w:ResourceURI><w:SelectorSet><w:Selector Name="__cimnamespace">root/other</w:Selector><w:Selector Name="InstanceID">Microsoft:1</w:Selector></w:SelectorSet></a:ReferenceParameters>`;
const parameters = (content: string) => readParameters(readXml(`<p:M_INPUT ${namespaces}>${content}</p:M_INPUT>`));
const isFault = (subcode: string, reason: RegExp) => (error: unknown) => error instanceof WsmanFault && error.subcode === subcode && reason.test(error.reason);

test("writes an instance as WinRM does", () => {
  const instance: CimInstance = { kind: "instance", className: "Msvm_X", properties: {
    zeta: { type: "uint64", array: false, value: 18446744073709551615n }, Alpha: { type: "string", array: false, value: null }, empty: { type: "string", array: false, value: "" }, none: { type: "string", array: true, value: null },
    list: { type: "uint16", array: true, value: [2, 3] }, bytes: { type: "uint8", array: true, value: [1, 255] }, flag: { type: "boolean", array: false, value: true },
    when: { type: "datetime", array: false, value: { kind: "datetime", native: "20251217095522.702341+000" } }, wait: { type: "datetime", array: false, value: { kind: "datetime", native: "00000000000001.004170:000" } },
    ref: { type: "reference", array: false, value: reference }, inner: { type: "object", array: false, value: { kind: "instance", className: "Msvm_Y", properties: { b: { type: "string", array: false, value: "<" } } } },
  } };
  assert.equal(writeInstance(namespace, instance), `<p:Msvm_X xmlns:xsi="${NS.xsi}" xmlns:p="${classUri(namespace, "Msvm_X")}" xmlns:cim="${NS.cim}" xsi:type="p:Msvm_X_Type">`
    + '<p:Alpha xsi:nil="true"/><p:bytes>Af8=</p:bytes><p:empty/><p:flag>true</p:flag>'
    + `<p:inner xmlns:e="${classUri(namespace, "Msvm_Y")}" xsi:type="e:Msvm_Y_Type"><e:b>&lt;</e:b></p:inner><p:list>2</p:list><p:list>3</p:list>`
    + `<p:ref xmlns:a="${NS.a}" xmlns:w="${NS.w}"><a:Address>${NS.a}/role/anonymous</a:Address><a:ReferenceParameters><w:ResourceURI>${classUri(namespace, "Msvm_ComputerSystem")}</w:ResourceURI><w:SelectorSet><w:Selector Name="Name">A&lt;B</w:Selector></w:SelectorSet></a:ReferenceParameters></p:ref>`
    + `<p:wait><cim:Interval xmlns:cim="${NS.cim}">P0DT0H0M1.00417S</cim:Interval></p:wait><p:when><cim:Datetime xmlns:cim="${NS.cim}">2025-12-17T09:55:22.702341Z</cim:Datetime></p:when><p:zeta>18446744073709551615</p:zeta></p:Msvm_X>`);
});

test("what is written is read back, without the types that are not on the wire", () => {
  const instance: CimInstance = { kind: "instance", className: "Msvm_X", properties: { a: { type: "uint16", array: false, value: 5 }, b: { type: "string", array: true, value: ["x", "y"] }, c: { type: "datetime", array: false, value: { kind: "datetime", native: "20251217095522.702341+060" } }, d: { type: "reference", array: false, value: reference }, e: { type: "string", array: false, value: null } } };
  const back = readInstance(readXml(writeInstance(namespace, instance)));
  assert.deepEqual([back.className, Object.fromEntries(Object.entries(back.properties).map(([name, { value }]) => [name, value]))], ["Msvm_X", { a: "5", b: ["x", "y"], c: { kind: "datetime", native: "20251217085522.702341+000" }, d: reference, e: null }]);
  const fragment = readInstance(readXml(writeFragment(namespace, instance).replace("<w:XmlFragment", `<w:XmlFragment xmlns:w="${NS.w}"`)));
  assert.deepEqual([fragment.className, Object.keys(fragment.properties)], ["", ["a", "b", "c", "d", "e"]]);
});

test("an element that holds an instance of another class says so by its type", () => {
  const nested = readValues(readXml(`<r ${namespaces} xmlns:e="urn:e"><p:SummaryInformation xsi:type="e:Msvm_SummaryInformation_Type"><e:Name>1</e:Name></p:SummaryInformation></r>`));
  assert.deepEqual(nested, { SummaryInformation: { kind: "instance", className: "Msvm_SummaryInformation", properties: { Name: { type: "string", array: false, value: "1" } } } });
});

test("reads parameters: nulls, repeats, references without a wrapper, times in either form, CIM-XML as text", () => {
  assert.deepEqual(parameters(`<p:a>1</p:a><p:n xsi:nil="true"/><p:m xsi:nil="1">x</p:m><p:l>x</p:l><p:l>y</p:l><p:one/><p:t><cim:Datetime>2025-12-17T09:55:22Z</cim:Datetime></p:t><p:i><cim:Interval>PT30S</cim:Interval></p:i><p:o><cim:Datetime>20251217095522.000000+000</cim:Datetime></p:o><p:s>&lt;INSTANCE/&gt;</p:s><p:c><![CDATA[<INSTANCE/>]]></p:c><p:r>${epr}</p:r><p:q>${epr}</p:q><p:q>${epr}</p:q>`), {
    a: "1", n: null, m: null, l: ["x", "y"], one: "", t: { kind: "datetime", native: "20251217095522.000000+000" }, i: { kind: "datetime", native: "00000000000030.000000:000" }, o: { kind: "datetime", native: "20251217095522.000000+000" },
    s: "<INSTANCE/>", c: "<INSTANCE/>", r: { kind: "reference", namespace, className: "Msvm_X", keys: { InstanceID: "Microsoft:1" } }, q: [1, 2].map(() => ({ kind: "reference", namespace, className: "Msvm_X", keys: { InstanceID: "Microsoft:1" } })),
  });
  assert.deepEqual(parameters('<p:l xsi:nil="true"/><p:l>x</p:l><p:k xsi:nil="true"/><p:k xsi:nil="true"/>'), { l: ["x"], k: null });
});

test("refuses the forms that a real host refuses", () => {
  assert.throws(() => parameters(`<p:r><a:EndpointReference>${epr}</a:EndpointReference></p:r>`), isFault("w:SchemaValidationError", /r wraps its reference/));
  assert.throws(() => parameters('<p:s><INSTANCE CLASSNAME="A"/></p:s>'), isFault("w:SchemaValidationError", /s holds elements/));
  assert.throws(() => parameters("<p:r><a:ReferenceParameters><w:ResourceURI>http://example.com/x</w:ResourceURI></a:ReferenceParameters></p:r>"), isFault("w:SchemaValidationError", /names no WMI class/));
});

test("a hundred thousand values of one name are read in reasonable time", () => {
  const beganMs = Date.now();
  assert.equal((parameters("<p:a>x</p:a>".repeat(100_000))["a"] as readonly unknown[]).length, 100_000);
  assert.ok(Date.now() - beganMs < 5000);
});

test("no name means more than itself", () => {
  assert.deepEqual(Object.entries(parameters("<p:__proto__>x</p:__proto__><p:toString>y</p:toString>")), [["__proto__", "x"], ["toString", "y"]]);
});

test("resource URIs are read in any case, in Microsoft's form and in DMTF's", () => {
  assert.deepEqual(parseResource("HTTP://schemas.microsoft.com/WBEM/wsman/1/wmi/Root/Virtualization/V2/Msvm_ComputerSystem"), { namespace: "Root/Virtualization/V2", className: "Msvm_ComputerSystem" });
  assert.deepEqual(parseResource(`${classUri("root/cimv2", "*")}?x=1`), { namespace: "root/cimv2", className: "*" });
  assert.deepEqual(parseResource("http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_X", { __CimNamespace: "root/virtualization/v2" }), { namespace: "root/virtualization/v2", className: "CIM_X" });
  assert.deepEqual(parseResource("http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_X"), { namespace: "root/cimv2", className: "CIM_X" });
  for (const uri of ["", "urn:x", "http://schemas.microsoft.com/wbem/wsman/1/wmi/", "http://schemas.microsoft.com/wbem/wsman/1/wmi/root", "http://schemas.microsoft.com/wbem/wsman/1/wmi//x"]) assert.equal(parseResource(uri), null, uri);
});

test("selectors lose quotes around them and the namespace that the URI has already", () => {
  const set = readXml(`<w:SelectorSet xmlns:w="${NS.w}" xmlns:a="${NS.a}"><w:Selector Name="__cimnamespace">x</w:Selector><w:Selector Name="CreationClassName">"Msvm_ShutdownComponent"</w:Selector><w:Selector Name="Empty"/><w:Selector Name="Antecedent"><a:EndpointReference>${epr}</a:EndpointReference></w:Selector></w:SelectorSet>`);
  assert.deepEqual(readSelectors(set).keys, { CreationClassName: "Msvm_ShutdownComponent", Empty: "", Antecedent: 'root\\virtualization\\v2:Msvm_X.InstanceID="Microsoft:1"' });
  assert.deepEqual(readSelectors(undefined), { keys: {}, all: {} });
});

test("a value of each kind is written under its tag", () => {
  assert.equal(writeValue("p:x", namespace, null), '<p:x xsi:nil="true"/>');
  assert.equal(writeValue("p:x", namespace, []), "");
  assert.equal(writeValue("p:x", namespace, [true, 5n, "<"]), "<p:x>true</p:x><p:x>5</p:x><p:x>&lt;</p:x>");
});
