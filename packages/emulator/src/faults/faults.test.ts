import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { WsmanTransportError } from "@signet/wsman/client";
import { flag, generation2, settingsOf, settingsText, TestHost, text, valueText } from "../host/test-host.ts";
import { parseFaultRules, readFaultRules } from "./fault-rules.ts";

async function withRules(rules: unknown, work: (host: TestHost) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "signet-faults-"));
  await writeFile(join(folder, "faults.json"), JSON.stringify(rules));
  const host = await TestHost.start({ faultsFile: join(folder, "faults.json") });
  try {
    await work(host);
  } finally {
    await host.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

const define = (host: TestHost, name: string) => host.perform("DefineSystem", { SystemSettings: settingsText({ ElementName: text(name) }) });
const count = async (host: TestHost, name: string) => (await host.query(`SELECT * FROM Msvm_ComputerSystem WHERE ElementName = '${name}'`)).length;

test("a fault is answered as often as its count says, to calls of its method and object only", async () => {
  await withRules({ rules: [{ method: "DefineSystem", object: ">chosen<", count: 2, effect: "fault", code: 0x800706ba, message: "The RPC server is unavailable." }] }, async (host) => {
    for (let round = 0; round < 2; round++) await assert.rejects(define(host, "chosen"), (error: { wmiCode?: number; reason?: string }) => error.wmiCode === 0x800706ba && error.reason === "The RPC server is unavailable.");
    assert.equal((await define(host, "other")).code, 0);
    assert.equal((await define(host, "chosen")).code, 0);
    assert.equal(await count(host, "chosen"), 1);
  });
});

test("a lost request has done nothing, a lost reply everything", async () => {
  const rules = [{ method: "DefineSystem", object: "before", effect: "lost-request" }, { method: "DefineSystem", object: "behind", effect: "lost-reply" }];
  await withRules({ rules }, async (host) => {
    for (const name of ["before", "behind"]) await assert.rejects(define(host, name), WsmanTransportError);
    assert.deepEqual([await count(host, "before"), await count(host, "behind")], [0, 1]);
  });
});

test("a failed job has done nothing and says why; a vanished one has done all; a stuck one runs on", async () => {
  const rules = [
    { method: "DefineSystem", object: "failing", effect: "fail-job", code: 32778, message: "No memory." },
    { method: "DefineSystem", object: "vanishing", effect: "vanish-job" },
    { method: "RequestStateChange", effect: "fail-job", count: 1 },
    { method: "RequestStateChange", effect: "stuck-job", count: 1 },
  ];
  await withRules({ rules }, async (host) => {
    const failed = await define(host, "failing");
    assert.deepEqual([failed.code, failed.error, await count(host, "failing")], [32778, "No memory.", 0]);
    await assert.rejects(define(host, "vanishing"), (error: { wmiCode?: number }) => error.wmiCode === 0x80041002);
    assert.equal(await count(host, "vanishing"), 1);
    const guid = await host.define({ ElementName: text("machine") });
    assert.equal((await host.requestState(guid, 2)).code, 32768);
    assert.equal(await host.stateOf(guid), 3);
    const answer = await host.invoke("Msvm_ComputerSystem", "RequestStateChange", { RequestedState: 2 }, { CreationClassName: "Msvm_ComputerSystem", Name: guid });
    assert.equal(answer.ReturnValue, 4096);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(valueText(await host.client.get(answer["Job"] as Parameters<typeof host.client.get>[0]), "JobState"), "4");
    assert.equal(await host.stateOf(guid), 10);
  });
});

test("Secure Boot that is silently not switched on is seen by reading back", async () => {
  await withRules({ rules: [{ class: "Msvm_VirtualSystemManagementService", effect: "ignore-flag" }] }, async (host) => {
    const guid = await host.define({ ...generation2, ElementName: text("believed secure"), SecureBootEnabled: flag(true) });
    assert.equal(valueText(await host.client.get(settingsOf(guid)), "SecureBootEnabled"), "false");
    assert.equal(valueText(await host.client.get(settingsOf(guid)), "ElementName"), "believed secure");
  });
});

test("chance is seeded: the same calls fail in every run, others with another seed", async () => {
  const pattern = async (seed: number): Promise<string> => {
    let outcome = "";
    await withRules({ seed, rules: [{ method: "Query", class: "Msvm_ResourcePool", probability: 0.5, effect: "fault" }] }, async (host) => {
      for (let round = 0; round < 24; round++) outcome += await host.query("SELECT PoolID FROM Msvm_ResourcePool").then(() => ".", () => "x");
    });
    return outcome;
  };
  const first = await pattern(7);
  assert.match(first, /x/);
  assert.match(first, /\./);
  assert.equal(await pattern(7), first);
  assert.notEqual(await pattern(8), first);
});

test("a wrong file is told by key and value", async () => {
  const refused = (rules: unknown, message: RegExp) => assert.throws(() => parseFaultRules(typeof rules === "string" ? rules : JSON.stringify(rules)), message);
  refused("{", /not JSON/);
  refused([], /The file is \[\]; it must be an object/);
  refused({ rule: [] }, /unknown key "rule"; the keys are seed, rules/);
  refused({ rules: [{ effect: "explode" }] }, /rules\[0\]\.effect is "explode"; it is one of none, fault/);
  refused({ rules: [{ effect: "fault" }, { effect: "fault", probability: 2 }] }, /rules\[1\]\.probability is 2; it must be a number from 0 to 1/);
  refused({ rules: [{ effect: "fault", count: 0 }] }, /rules\[0\]\.count is 0; it must be a whole number from 1/);
  refused({ rules: [{ method: 5, effect: "fault" }] }, /rules\[0\]\.method is 5; it must be a text/);
  refused({ rules: [{ method: "Get" }] }, /neither an effect nor a delayMs/);
  await assert.rejects(readFaultRules("/nonexistent/faults.json"), { code: "ENOENT" });
});
