import assert from "node:assert/strict";
import { test } from "node:test";
import { envelopeBytesDefault, envelopeBytesMin, operationTimeoutDefaultMs, readRequest, writeAnswer, writeFault } from "./envelope.ts";
import { accessDenied, cannotProcessFilter, instanceNotFound, mustUnderstand, shellNotFound, timedOut, wmiFailure, WsmanFault } from "./faults.ts";
import { readAnswer } from "./client/messages.ts";
import { child, childText, readXml } from "./xml/read.ts";
import { NS } from "./namespaces.ts";

const envelope = (header: string, body = "", more = "") =>
  `<s:Envelope xmlns:s="${NS.s}" xmlns:wsa="${NS.a}" xmlns:wsman="${NS.w}" xmlns:p="${NS.p}"${more}><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;

const fault = (check: Partial<WsmanFault>) => (error: unknown) => {
  assert.ok(error instanceof WsmanFault);
  for (const [key, value] of Object.entries(check)) assert.equal(error[key as keyof WsmanFault], value);
  return true;
};

test("reads a request whatever its prefixes and the order of its headers", () => {
  const request = readRequest(envelope(
    '<wsman:SelectorSet><wsman:Selector Name="__cimnamespace">root/virtualization/v2</wsman:Selector><wsman:Selector Name="Name">"8016"</wsman:Selector></wsman:SelectorSet>'
    + "<wsman:OperationTimeout>PT20S</wsman:OperationTimeout><wsman:MaxEnvelopeSize>153600</wsman:MaxEnvelopeSize>"
    + '<wsman:OptionSet><wsman:Option Name="WINRS_CODEPAGE">65001</wsman:Option></wsman:OptionSet>'
    + '<wsa:MessageID s:mustUnderstand="true"> uuid:1 </wsa:MessageID><wsa:Action s:mustUnderstand="1">urn:act</wsa:Action><wsman:ResourceURI>urn:res</wsman:ResourceURI>'
    + '<p:SessionId s:mustUnderstand="false">x</p:SessionId><unknown xmlns="urn:x"/>', "<a/><b/>"));
  assert.deepEqual({ ...request, body: request.body?.local }, {
    action: "urn:act", resourceUri: "urn:res", messageId: "uuid:1", selectors: { Name: "8016" }, allSelectors: { __cimnamespace: "root/virtualization/v2", Name: "8016" },
    options: { WINRS_CODEPAGE: "65001" }, operationTimeoutMs: 20_000, envelopeBytesMax: 153_600, body: "a",
  });
});

test("what a request leaves out has WinRM's defaults, and what it asks for has bounds", () => {
  const bare = readRequest(envelope(""));
  assert.deepEqual([bare.operationTimeoutMs, bare.envelopeBytesMax, bare.body, bare.action], [operationTimeoutDefaultMs, envelopeBytesDefault, undefined, ""]);
  const size = (text: string, limit?: number) => readRequest(envelope(`<wsman:MaxEnvelopeSize>${text}</wsman:MaxEnvelopeSize>`), limit).envelopeBytesMax;
  assert.deepEqual([size("1"), size("99999999999"), size("nonsense"), size("-5"), size("20000", 10_000)], [envelopeBytesMin, envelopeBytesDefault, envelopeBytesDefault, envelopeBytesDefault, 10_000]);
  assert.equal(readRequest(envelope("<wsman:OperationTimeout>soon</wsman:OperationTimeout>")).operationTimeoutMs, operationTimeoutDefaultMs);
});

test("refuses a header that must be understood and is not known, in whatever form that is said", () => {
  for (const value of ["true", "1", "TRUE"]) {
    assert.throws(() => readRequest(envelope(`<x:Lease xmlns:x="urn:x" s:mustUnderstand="${value}"/>`)), fault({ code: "s:MustUnderstand", subcode: null }));
    // A known name in another namespace is another header.
    assert.throws(() => readRequest(envelope(`<Action xmlns="urn:x" s:mustUnderstand="${value}"/>`)), fault({ code: "s:MustUnderstand" }));
  }
  for (const value of ["false", "0"]) assert.equal(readRequest(envelope(`<x:Lease xmlns:x="urn:x" s:mustUnderstand="${value}"/>`)).action, "");
  assert.equal(readRequest(envelope('<x:Lease xmlns:x="urn:x" mustUnderstand="true"/>')).action, "");
});

test("refuses what is no SOAP 1.2 envelope", () => {
  for (const text of ["", "nonsense", "<a/>", '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>', "<!DOCTYPE x><s/>", `<s:Body xmlns:s="${NS.s}"/>`]) {
    assert.throws(() => readRequest(text), fault({ code: "s:Sender", subcode: "a:InvalidMessageInformationHeader" }), text);
  }
});

test("names from outside are names and nothing else", () => {
  const request = readRequest(envelope('<wsman:SelectorSet><wsman:Selector Name="__proto__">x</wsman:Selector></wsman:SelectorSet><wsman:OptionSet><wsman:Option Name="__proto__">y</wsman:Option></wsman:OptionSet>'));
  assert.deepEqual([Object.entries(request.selectors), Object.entries(request.options)], [[["__proto__", "x"]], [["__proto__", "y"]]]);
});

test("an answer has WinRM's prefixes and names the message that it answers", () => {
  const text = writeAnswer("urn:action", "uuid:<1>", "<x/>");
  for (const [prefix, uri] of Object.entries({ s: NS.s, a: NS.a, x: NS.x, n: NS.n, w: NS.w, p: NS.p, xsi: NS.xsi })) assert.ok(text.includes(`xmlns:${prefix}="${uri}"`));
  assert.match(text, /^<s:Envelope xml:lang="en-US".*<a:RelatesTo>uuid:&lt;1&gt;<\/a:RelatesTo><\/s:Header><s:Body><x\/><\/s:Body><\/s:Envelope>$/);
  assert.match(text, /<a:MessageID>uuid:[0-9A-F-]{36}<\/a:MessageID>/);
});

test("a fault is read back by our own reader as what it was", () => {
  for (const one of [instanceNotFound("x < y"), accessDenied(), timedOut(), shellNotFound("1"), cannotProcessFilter("no"), wmiFailure(0x80041001, "still has its disk"), mustUnderstand("Lease"), new WsmanFault({ code: "s:Receiver", subcode: "w:InternalError", reason: "" })]) {
    assert.throws(() => readAnswer(writeFault(one, "uuid:1", "HV1")), fault({ code: one.code, subcode: one.subcode, reason: one.reason || "The host gave no reason.", wsmanCode: one.wsmanCode ?? one.wmiCode, wmiCode: one.wmiCode }));
  }
});

test("a fault has the places at which foreign clients look", () => {
  const body = child(child(readXml(writeFault(instanceNotFound("X"), "uuid:1", "HV1")), NS.s, "Body"), NS.s, "Fault");
  assert.equal(childText(child(body, NS.s, "Reason"), NS.s, "Text"), "No instance answers to X.");
  assert.equal(childText(child(child(body, NS.s, "Code"), NS.s, "Subcode"), NS.s, "Value"), "a:DestinationUnreachable");
  assert.match(writeFault(timedOut(), "", "HV1"), /<f:WSManFault xmlns:f="[^"]+" Code="2150858793" Machine="HV1">/);
  assert.match(writeFault(instanceNotFound("X"), "", "HV1"), /Code="2150858752".*<f:ProviderFault provider="WMI Provider"[^>]*><f:WSManFault [^>]*Code="2147749890"/);
});
