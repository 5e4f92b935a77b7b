import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ACTION, NS, WMI_RESOURCE } from "../namespaces.ts";
import { classUri } from "../resource.ts";
import { faultOf, readBatch, readTestAnswer, testEnumerate, testNamespace, TestPrograms, TestProvider, testRequest } from "../test-provider.ts";
import { child, childText } from "../xml/read.ts";
import { element, textElement } from "../xml/write.ts";
import { Dispatcher } from "./dispatch.ts";

const { signal } = new AbortController();

function lab(count: number, options: { readonly notesCharacters?: number; readonly enumerationTimeoutMs?: number; readonly envelopeBytesMax?: number } = {}) {
  const provider = new TestProvider(count, options.notesCharacters);
  const dispatcher = new Dispatcher({ provider, programs: new TestPrograms(), computerName: "HV1", enumerationTimeoutMs: options.enumerationTimeoutMs ?? 60_000, envelopeBytesMax: options.envelopeBytesMax ?? 512_000, onBug: (error) => { throw error; } });
  const ask = async (text: string) => (await dispatcher.answer(text, "me", signal)).text;
  return {
    provider, ask,
    enumerate: (body: string, more: Partial<Parameters<typeof testRequest>[0]> = {}) => ask(testRequest({ action: ACTION.enumerate, body, ...more })),
    pull: (context: string | null, max: string | null = null, more: Partial<Parameters<typeof testRequest>[0]> = {}) =>
      ask(testRequest({ action: ACTION.pull, body: element("wsen:Pull", {}, textElement("wsen:EnumerationContext", context ?? "") + (max === null ? "" : textElement("wsen:MaxElements", max))), ...more })),
  };
}

const all = "SELECT * FROM Test_Thing";
const optimized = (max: number) => `<wsman:OptimizeEnumeration/><wsman:MaxElements>${max}</wsman:MaxElements>`;

test("as libvirt does it: a context only, then one item a pull, the last one with the end", async () => {
  const { enumerate, pull } = lab(3);
  const first = readBatch(await enumerate(testEnumerate(all)));
  assert.deepEqual([first.items.length, first.ended], [0, false]);
  const seen: string[] = [];
  let { context } = first;
  for (let count = 1; context !== null; count++) {
    // The pull may name another class than the enumeration did.
    const text = await pull(context, null, { resourceUri: classUri(testNamespace, "Msvm_VirtualSystemManagementService") });
    const batch = readBatch(text);
    assert.deepEqual([batch.items.length, batch.ended, batch.context !== null], [1, count === 3, count < 3]);
    if (!batch.ended) assert.ok(text.indexOf("<n:EnumerationContext>") < text.indexOf("<n:Items>"));
    seen.push(childText(batch.items[0], classUri(testNamespace, "Test_Thing"), "InstanceID") ?? "");
    context = batch.context;
  }
  assert.deepEqual(seen, ["Microsoft:0", "Microsoft:1", "Microsoft:2"]);
  assert.deepEqual(faultOf(await pull(first.context)), { subcode: "n:InvalidEnumerationContext", code: undefined, reason: "The enumeration context is unknown, used up or expired." });
});

test("an optimized enumeration brings items at once, and as many a pull as asked", async () => {
  const { enumerate, pull } = lab(25);
  const first = readBatch(await enumerate(testEnumerate(all, optimized(10))));
  const second = readBatch(await pull(first.context, "10"));
  const third = readBatch(await pull(second.context, "10"));
  assert.deepEqual([first, second, third].map(({ items, ended }) => [items.length, ended]), [[10, false], [10, false], [5, true]]);
  const whole = readTestAnswer(await enumerate(testEnumerate(all, optimized(25)))).body;
  assert.deepEqual(whole?.children.map(({ local }) => local), ["EnumerationContext", "Items", "EndOfSequence"]);
  assert.equal(readBatch(await enumerate(testEnumerate(all, "<wsman:OptimizeEnumeration/>"))).items.length, 1);
});

test("nothing selected is an empty list with an end", async () => {
  const { enumerate, pull } = lab(3);
  const none = "SELECT * FROM Test_Thing WHERE Number = 99";
  assert.deepEqual(readBatch(await enumerate(testEnumerate(none, optimized(5)))), { items: [], context: null, ended: true });
  const { context } = readBatch(await enumerate(testEnumerate(none)));
  const answer = await pull(context);
  assert.deepEqual(readBatch(answer), { items: [], context: null, ended: true });
  assert.match(answer, /<n:PullResponse><n:Items\/><n:EndOfSequence\/><\/n:PullResponse>/);
});

test("items come as objects, as references, or as both", async () => {
  const { enumerate } = lab(1);
  const batch = async (mode: string) => readBatch(await enumerate(testEnumerate(all, `${optimized(5)}<wsman:EnumerationMode>${mode}</wsman:EnumerationMode>`))).items[0];
  const selectors = (one: Awaited<ReturnType<typeof batch>>) => child(child(one, NS.a, "ReferenceParameters"), NS.w, "SelectorSet")?.children.map(({ text }) => text);
  assert.equal((await batch("EnumerateObject"))?.local, "Test_Thing");
  const reference = await batch("EnumerateEPR");
  assert.deepEqual([reference?.local, selectors(reference)], ["EndpointReference", [testNamespace, "Microsoft:0"]]);
  const both = await batch("EnumerateObjectAndEPR");
  assert.deepEqual([both?.local, both?.children.map(({ local }) => local)], ["Item", ["Test_Thing", "EndpointReference"]]);
  assert.equal(faultOf(await enumerate(testEnumerate(all, "<wsman:EnumerationMode>EnumerateAll</wsman:EnumerationMode>")))?.subcode, "w:InvalidParameter");
});

test("a projection answers fragments", async () => {
  const { enumerate } = lab(1);
  assert.equal(readBatch(await enumerate(testEnumerate("select InstanceID from Test_Thing", optimized(5)))).items[0]?.local, "XmlFragment");
});

test("a batch never exceeds the envelope that the client or the server allows", async () => {
  for (const [envelopeBytes, envelopeBytesMax] of [[8192, 512_000], [undefined, 10_000]] as const) {
    const { enumerate, pull } = lab(40, { notesCharacters: 500, envelopeBytesMax });
    const more = envelopeBytes === undefined ? {} : { envelopeBytes };
    let text = await enumerate(testEnumerate(all, optimized(40)), more);
    let count = 0;
    for (;;) {
      assert.ok(Buffer.byteLength(text) <= (envelopeBytes ?? envelopeBytesMax), `${Buffer.byteLength(text)}`);
      const batch = readBatch(text);
      assert.ok(batch.items.length > 0 && batch.items.length < 40);
      count += batch.items.length;
      if (batch.ended) break;
      text = await pull(batch.context, "40", more);
    }
    assert.equal(count, 40);
  }
});

test("an item that fits in no envelope is said to, and the context stays for a larger one", async () => {
  const { enumerate, pull } = lab(2, { notesCharacters: 5000 });
  const { context } = readBatch(await enumerate(testEnumerate(all)));
  assert.equal(faultOf(await pull(context, "5", { envelopeBytes: 8192 }))?.subcode, "w:EncodingLimit");
  assert.equal(readBatch(await pull(context, "5", { envelopeBytes: 100_000 })).items.length, 2);
});

test("a context expires when nobody pulls, and lives on while somebody does", async () => {
  const { enumerate, pull } = lab(10, { enumerationTimeoutMs: 120 });
  const idle = readBatch(await enumerate(testEnumerate(all))).context;
  let { context } = readBatch(await enumerate(testEnumerate(all)));
  for (let count = 0; count < 4; count++) {
    await sleep(60);
    context = readBatch(await pull(context)).context;
  }
  assert.notEqual(context, null);
  assert.equal(faultOf(await pull(idle))?.subcode, "n:InvalidEnumerationContext");
});

test("a released context is gone", async () => {
  const { enumerate, pull, ask } = lab(5);
  const { context } = readBatch(await enumerate(testEnumerate(all)));
  const release = testRequest({ action: ACTION.release, body: element("wsen:Release", {}, textElement("wsen:EnumerationContext", context ?? "")) });
  const answer = readTestAnswer(await ask(release));
  assert.deepEqual([answer.action, answer.relatesTo, answer.body], [`${ACTION.release}Response`, "uuid:42", undefined]);
  for (const text of [await ask(release), await pull(context), await pull("uuid:nonsense"), await pull(null)]) assert.equal(faultOf(text)?.subcode, "n:InvalidEnumerationContext");
});

test("what cannot be enumerated is refused as a real host refuses it", async () => {
  const { enumerate } = lab(1);
  const subcode = async (body: string, more: Partial<Parameters<typeof testRequest>[0]> = {}) => faultOf(await enumerate(body, more))?.subcode;
  assert.equal(await subcode(testEnumerate(all), { resourceUri: classUri(testNamespace, "Test_Thing") }), "n:CannotProcessFilter");
  assert.equal(await subcode("<wsen:Enumerate/>"), "n:CannotProcessFilter");
  assert.equal(await subcode(testEnumerate("SELECT * FROM Test_Thing WHERE")), "n:CannotProcessFilter");
  assert.equal(await subcode(testEnumerate("SELECT * FROM Test_Thing; DROP")), "n:CannotProcessFilter");
  assert.equal(await subcode('<wsen:Enumerate><wsman:Filter Dialect="http://www.w3.org/TR/1999/REC-xpath-19991116">x</wsman:Filter></wsen:Enumerate>'), "n:FilterDialectRequestedUnavailable");
  assert.equal(await subcode(""), "w:InvalidParameter");
  for (const max of ["0", "-1", "1.5", "many", ""]) assert.equal(await subcode(testEnumerate(all, `<wsman:OptimizeEnumeration/><wsman:MaxElements>${max}</wsman:MaxElements>`)), "w:InvalidParameter", max);
  assert.equal(await subcode("<wsen:Enumerate/>", { resourceUri: `${WMI_RESOURCE}root` }), "a:DestinationUnreachable");
});

test("a class is enumerated without a filter", async () => {
  const { enumerate } = lab(2);
  assert.equal(readBatch(await enumerate(`<wsen:Enumerate>${optimized(10)}</wsen:Enumerate>`, { resourceUri: classUri(testNamespace, "Test_Thing") })).items.length, 2);
});

test("abandoned enumerations are bounded in number", async () => {
  const { enumerate } = lab(2);
  for (let count = 0; count < 1500; count++) assert.equal(faultOf(await enumerate(testEnumerate(all))), null);
  assert.equal(faultOf(await enumerate(testEnumerate(all)))?.subcode, "w:QuotaLimit");
});
