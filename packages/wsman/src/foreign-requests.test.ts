import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseCimXml } from "./cim-xml.ts";
import { readRequest, type WsmanRequest } from "./envelope.ts";
import { ACTION, NS } from "./namespaces.ts";
import { parseObjectPath } from "./object-path.ts";
import { parseResource } from "./resource.ts";
import { parseWql } from "./wql/index.ts";
import { readParameters } from "./ws-cim.ts";
import { childText } from "./xml/read.ts";

const namespaces = 'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:wsman="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"';
const wmi = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2";

/** In the style of openwsman, which libvirt uses: `true`, no time-out, no size, an EPR copied from an answer, CIM-XML with a declaration. */
const byOpenwsman = `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope ${namespaces} xmlns:n1="${wmi}/Msvm_VirtualSystemManagementService"><s:Header><wsa:Action s:mustUnderstand="true">${wmi}/Msvm_VirtualSystemManagementService/AddResourceSettings</wsa:Action><wsa:To s:mustUnderstand="true">http://127.0.0.1:15985/wsman</wsa:To><wsman:ResourceURI s:mustUnderstand="true">${wmi}/Msvm_VirtualSystemManagementService</wsman:ResourceURI><wsa:MessageID s:mustUnderstand="true">uuid:2315e0b4</wsa:MessageID><wsa:ReplyTo><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address></wsa:ReplyTo><wsman:SelectorSet><wsman:Selector Name="CreationClassName">"Msvm_VirtualSystemManagementService"</wsman:Selector></wsman:SelectorSet></s:Header><s:Body><n1:AddResourceSettings_INPUT><n1:AffectedConfiguration><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address><wsa:ReferenceParameters><wsman:ResourceURI>${wmi}/Msvm_VirtualSystemSettingData</wsman:ResourceURI><wsman:SelectorSet><wsman:Selector Name="__cimnamespace">root/virtualization/v2</wsman:Selector><wsman:Selector Name="InstanceID">Microsoft:8016</wsman:Selector></wsman:SelectorSet></wsa:ReferenceParameters></n1:AffectedConfiguration><n1:ResourceSettings>&lt;?xml version="1.0"?&gt;
&lt;INSTANCE CLASSNAME="Msvm_ResourceAllocationSettingData"&gt;
  &lt;PROPERTY NAME="Parent" TYPE="string"&gt;
    &lt;VALUE&gt;\\\\HV\\Root\\Virtualization\\V2:Msvm_X.InstanceID="Microsoft:8016\\\\A9D0\\\\0"&lt;/VALUE&gt;
  &lt;/PROPERTY&gt;
&lt;/INSTANCE&gt;
</n1:ResourceSettings></n1:AddResourceSettings_INPUT></s:Body></s:Envelope>`;

/** In the style of pywinrm: prefixes of its own, `false` for the locales, options, a shell's command line. */
const byPywinrm = `<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" xmlns:cfg="http://schemas.microsoft.com/wbem/wsman/1/config"><env:Header><a:To>http://windows-host:5985/wsman</a:To><a:ReplyTo><a:Address mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><w:MaxEnvelopeSize mustUnderstand="true">153600</w:MaxEnvelopeSize><a:MessageID>uuid:11111111-1111-1111-1111-111111111111</a:MessageID><w:Locale mustUnderstand="false" xml:lang="en-US"></w:Locale><p:DataLocale mustUnderstand="false" xml:lang="en-US"></p:DataLocale><w:OperationTimeout>PT20S</w:OperationTimeout><w:ResourceURI mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI><a:Action mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command</a:Action><w:OptionSet><w:Option Name="WINRS_CONSOLEMODE_STDIN">TRUE</w:Option><w:Option Name="WINRS_SKIP_CMD_SHELL">FALSE</w:Option></w:OptionSet><w:SelectorSet><w:Selector Name="ShellId">11111111-1111-1111-1111-111111111113</w:Selector></w:SelectorSet></env:Header><env:Body><rsp:CommandLine><rsp:Command>ipconfig</rsp:Command><rsp:Arguments>/all</rsp:Arguments></rsp:CommandLine></env:Body></env:Envelope>`;

/** In the style of PowerShell's CIM cmdlets over WinRM: `s:mustUnderstand="true"` and `false`, session headers, an option set that must be understood, XmlFragment's neighbours. */
const byPowerShell = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header><a:To>http://hv1:5985/wsman</a:To><w:ResourceURI s:mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/*</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:Action s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate</a:Action><w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize><a:MessageID>uuid:A1</a:MessageID><w:Locale xml:lang="de-DE" s:mustUnderstand="false"/><p:DataLocale xml:lang="de-DE" s:mustUnderstand="false"/><p:SessionId s:mustUnderstand="false">uuid:B2</p:SessionId><p:OperationID s:mustUnderstand="false">uuid:C3</p:OperationID><p:SequenceId s:mustUnderstand="false">1</p:SequenceId><w:OptionSet xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" s:mustUnderstand="true"><w:Option Name="wmi:timeoutBehavior">x</w:Option></w:OptionSet><w:OperationTimeout>PT60.000S</w:OperationTimeout></s:Header><s:Body><n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements><w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">select * from Msvm_ComputerSystem where Name &lt;&gt; 'x'</w:Filter></n:Enumerate></s:Body></s:Envelope>`;

/** In the style of libvirt's pull, whose resource need not be that of the enumeration. */
const aPull = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope ${namespaces} xmlns:wsen="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><s:Header><wsa:Action s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull</wsa:Action><wsa:To s:mustUnderstand="true">http://127.0.0.1/wsman</wsa:To><wsman:ResourceURI s:mustUnderstand="true">${wmi}/Msvm_VirtualSystemManagementService</wsman:ResourceURI><wsa:MessageID s:mustUnderstand="true">uuid:1</wsa:MessageID><wsa:ReplyTo><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address></wsa:ReplyTo></s:Header><s:Body><wsen:Pull><wsen:EnumerationContext>uuid:392A12AA</wsen:EnumerationContext></wsen:Pull></s:Body></s:Envelope>`;

/** Reads all that a request holds, as the server would: resource, query, parameters, and the texts within them. */
function readWhole(text: string): WsmanRequest {
  const request = readRequest(text);
  assert.notEqual(request.action, "");
  assert.notEqual(request.messageId, "");
  const filter = request.action === ACTION.enumerate ? childText(request.body, NS.w, "Filter") : undefined;
  if (filter !== undefined) parseWql(filter);
  if (request.body?.local.endsWith("_INPUT")) {
    assert.ok(parseResource(request.resourceUri, request.allSelectors));
    for (const value of Object.values(readParameters(request.body)).flat()) if (typeof value === "string" && /^\s*<(\?xml|INSTANCE)/.test(value)) readSettings(value);
  }
  return request;
}

function readSettings(text: string): void {
  for (const [name, { value }] of Object.entries(parseCimXml(text).properties)) if (name === "Parent" && typeof value === "string") parseObjectPath(value);
}

test("reads a request in openwsman's style", () => {
  const request = readWhole(byOpenwsman);
  const parameters = readParameters(request.body ?? assert.fail());
  assert.deepEqual([request.selectors, parameters["AffectedConfiguration"]], [{ CreationClassName: "Msvm_VirtualSystemManagementService" }, { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_VirtualSystemSettingData", keys: { InstanceID: "Microsoft:8016" } }]);
});

test("reads a request in pywinrm's style", () => {
  const request = readWhole(byPywinrm);
  assert.deepEqual([request.action, request.selectors, request.options, request.operationTimeoutMs, request.envelopeBytesMax], [ACTION.command, { ShellId: "11111111-1111-1111-1111-111111111113" }, { WINRS_CONSOLEMODE_STDIN: "TRUE", WINRS_SKIP_CMD_SHELL: "FALSE" }, 20_000, 153_600]);
});

test("reads a request in PowerShell's style, and a pull", () => {
  const request = readWhole(byPowerShell);
  assert.deepEqual([childText(request.body, NS.w, "MaxElements"), request.operationTimeoutMs, request.options], ["32000", 60_000, { "wmi:timeoutBehavior": "x" }]);
  assert.equal(childText(readWhole(aPull).body, NS.n, "EnumerationContext"), "uuid:392A12AA");
});

const shared = process.env["SIGNET_SHARED"] ?? fileURLToPath(new URL("../../../../shared", import.meta.url));
const recorded = join(shared, "data", "hyperv", "libvirt-requests.json");

test("reads every request that libvirt was recorded to send", { skip: existsSync(recorded) ? false : "no recording beside the repository" }, () => {
  const { commands } = JSON.parse(readFileSync(recorded, "utf8")) as { commands: Record<string, { action: string; body: string }[]> };
  const requests = Object.values(commands).flat();
  assert.ok(requests.length > 200);
  for (const { action, body } of requests) {
    assert.ok(readWhole(body).action.endsWith(action), action);
  }
});
