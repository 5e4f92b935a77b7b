import assert from "node:assert/strict";
import { test } from "node:test";
import { CimXmlError } from "../cim-xml.ts";
import { accessDenied, LostConnection, wmiFailure } from "../faults.ts";
import { ACTION, NS } from "../namespaces.ts";
import { ObjectPathError } from "../object-path.ts";
import { classUri } from "../resource.ts";
import { faultOf, readTestAnswer, testNamespace, TestPrograms, TestProvider, testRequest } from "../test-provider.ts";
import { childText } from "../xml/read.ts";
import { element } from "../xml/write.ts";
import { Dispatcher } from "./dispatch.ts";

const { signal } = new AbortController();
const thing = classUri(testNamespace, "Test_Thing");

function lab(envelopeBytesMax = 512_000) {
  const provider = new TestProvider(3);
  const bugs: unknown[] = [];
  const dispatcher = new Dispatcher({ provider, programs: new TestPrograms(), computerName: "HV1", enumerationTimeoutMs: 60_000, envelopeBytesMax, onBug: (error) => bugs.push(error) });
  const ask = (text: string, user: string | null = "me") => dispatcher.answer(text, user, signal);
  const invoke = (method: string, body: string, more: Partial<Parameters<typeof testRequest>[0]> = {}) => ask(testRequest({ action: `${thing}/${method}`, resourceUri: thing, selectors: { CreationClassName: "Test_Thing" }, body, ...more }));
  return { provider, bugs, ask, invoke };
}

const input = (method: string, content = "") => element(`i:${method}_INPUT`, { "xmlns:i": thing }, content);

test("gets an instance by its selectors, in any case of the URI and with a surplus namespace", async () => {
  const { ask } = lab();
  const { status, text } = await ask(testRequest({ action: ACTION.get, resourceUri: thing, selectors: { __cimnamespace: "x", InstanceID: '"Microsoft:1"' } }));
  const answer = readTestAnswer(text);
  assert.deepEqual([status, answer.action, answer.relatesTo, answer.body?.local, childText(answer.body, thing, "Number")], [200, `${ACTION.get}Response`, "uuid:42", "Test_Thing", "1"]);
  const missing = await ask(testRequest({ action: ACTION.get, resourceUri: thing, selectors: { InstanceID: "9" } }));
  assert.deepEqual([missing.status, faultOf(missing.text)?.subcode, faultOf(missing.text)?.code], [500, "a:DestinationUnreachable", "2150858752"]);
});

test("invokes a method with what the body says and answers every out parameter", async () => {
  const { provider, invoke } = lab();
  provider.answer = () => ({ Job: { kind: "reference", namespace: testNamespace, className: "Msvm_ConcreteJob", keys: { InstanceID: "1" } }, ResultingSystem: null, Names: ["a", "b"], ReturnValue: 4096 });
  const { status, text } = await invoke("DefineSystem", input("DefineSystem", "<i:SystemSettings>&lt;INSTANCE/&gt;</i:SystemSettings>"));
  assert.deepEqual([status, provider.invoked], [200, [{ target: { kind: "reference", namespace: testNamespace, className: "Test_Thing", keys: { CreationClassName: "Test_Thing" } }, method: "DefineSystem", input: { SystemSettings: "<INSTANCE/>" } }]]);
  const { body, action } = readTestAnswer(text);
  assert.deepEqual([action, body?.local, body?.children.map(({ local }) => local)], [`${thing}/DefineSystemResponse`, "DefineSystem_OUTPUT", ["Job", "ResultingSystem", "Names", "Names", "ReturnValue"]]);
  // libvirt's literal path: /s:Envelope/s:Body/p:METHOD_OUTPUT/p:Job/a:ReferenceParameters/w:SelectorSet/w:Selector[@Name='InstanceID']
  assert.match(text, /<s:Body><p:DefineSystem_OUTPUT xmlns:p="[^"]*Test_Thing"[^>]*><p:Job [^>]*><a:Address>[^<]*<\/a:Address><a:ReferenceParameters><w:ResourceURI>[^<]*<\/w:ResourceURI><w:SelectorSet><w:Selector Name="InstanceID">1<\/w:Selector>/);
  assert.match(text, /<p:ReturnValue>4096<\/p:ReturnValue><\/p:DefineSystem_OUTPUT><\/s:Body>/);
});

test("what a provider throws becomes the fault that says it", async () => {
  const { provider, bugs, invoke } = lab();
  const cases: [Error, string, string | undefined][] = [
    [accessDenied(), "w:AccessDenied", "5"], [wmiFailure(0x80041001, "x"), "w:InternalError", "2147749889"], [new CimXmlError("x"), "w:SchemaValidationError", undefined], [new ObjectPathError("x"), "w:SchemaValidationError", undefined], [new TypeError("secret detail"), "w:InternalError", undefined],
  ];
  for (const [error, subcode, code] of cases) {
    provider.answer = () => { throw error; };
    const { status, text } = await invoke("M", input("M"));
    assert.deepEqual([status, faultOf(text)?.subcode, faultOf(text)?.code, readTestAnswer(text).relatesTo], [500, subcode, code, "uuid:42"]);
    assert.doesNotMatch(text, /secret detail/);
  }
  assert.deepEqual(bugs.map(String), ["TypeError: secret detail"]);
  provider.answer = () => { throw new LostConnection("gone"); };
  await assert.rejects(invoke("M", input("M")), LostConnection);
});

test("refuses actions, bodies and resources that do not fit together", async () => {
  const { ask, invoke } = lab();
  const subcode = async (answer: ReturnType<typeof ask>) => faultOf((await answer).text)?.subcode;
  assert.equal(await subcode(invoke("M", input("N"))), "w:SchemaValidationError");
  assert.equal(await subcode(invoke("M", "")), "w:SchemaValidationError");
  assert.equal(await subcode(invoke("M", input("M"), { action: `${classUri(testNamespace, "Msvm_Other")}/M` })), "a:ActionNotSupported");
  for (const action of [ACTION.put, ACTION.create, ACTION.delete, "urn:x", `${thing}/`, `${thing}/a b`]) assert.equal(await subcode(ask(testRequest({ action, resourceUri: thing }))), "a:ActionNotSupported", action);
  assert.equal(await subcode(ask(testRequest({ action: "", resourceUri: thing }))), "a:InvalidMessageInformationHeader");
  assert.equal(await subcode(ask(testRequest({ action: ACTION.get, resourceUri: "urn:nothing" }))), "a:DestinationUnreachable");
  assert.equal(await subcode(ask("<nonsense>")), "a:InvalidMessageInformationHeader");
});

test("an answer that is too large for the client is not given", async () => {
  const { provider, invoke } = lab();
  provider.answer = () => ({ ImageData: "x".repeat(20_000), ReturnValue: 0 });
  assert.equal(faultOf((await invoke("M", input("M"), { envelopeBytes: 16_000 })).text)?.subcode, "w:EncodingLimit");
  assert.equal((await invoke("M", input("M"), { envelopeBytes: 32_000 })).status, 200);
  const small = lab(10_000);
  small.provider.answer = provider.answer;
  assert.equal(faultOf((await small.invoke("M", input("M"), { envelopeBytes: 32_000 })).text)?.subcode, "w:EncodingLimit");
});

test("Identify tells the build only to whom it knows, and nothing else is told to others", async () => {
  const { ask } = lab();
  const identify = element("s:Envelope", { "xmlns:s": NS.s, "xmlns:wsmid": NS.wsmid }, "<s:Header/><s:Body><wsmid:Identify/></s:Body>");
  const version = async (user: string | null) => childText(readTestAnswer((await ask(identify, user)).text).body, NS.wsmid, "ProductVersion");
  assert.deepEqual([await version("me"), await version(null)], ["OS: 10.0.20348 SP: 0.0 Stack: 3.0", "OS: 0.0.0 SP: 0.0 Stack: 3.0"]);
  const other = await ask(testRequest({ action: ACTION.get, resourceUri: thing, selectors: { InstanceID: "Microsoft:1" } }), null);
  assert.deepEqual([other.status, faultOf(other.text)?.reason], [500, "Only Identify is answered without authentication."]);
});
