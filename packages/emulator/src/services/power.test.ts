import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { generation2, settingsOf, settingsText, TestHost, text, uint16, uint64, valueText } from "../host/test-host.ts";

const off = 3;
const running = 2;
const saved = 6;
const paused = 9;

/** What follows each request in each state: the state after it, or null where it is refused with 32775. */
const table: Readonly<Record<number, Readonly<Record<number, number | null>>>> = {
  [off]: { 2: running, 3: null, 6: null, 9: null, 10: null, 11: null },
  [running]: { 2: null, 3: off, 6: saved, 9: paused, 10: running, 11: running },
  [saved]: { 2: running, 3: off, 6: null, 9: null, 10: null, 11: null },
  [paused]: { 2: running, 3: off, 6: saved, 9: null, 10: running, 11: running },
};
const wayTo: Readonly<Record<number, readonly number[]>> = { [off]: [], [running]: [2], [saved]: [2, 6], [paused]: [2, 9] };

describe("states of machines", () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.start();
  });
  after(() => host.remove());

  for (const [from, requests] of Object.entries(table)) {
    test(`from ${from}, each request leads where the table says, or is refused with 32775`, async () => {
      for (const [request, expected] of Object.entries(requests)) {
        const guid = await host.define({ ...generation2, ElementName: text(`${from} to ${request}`) });
        for (const step of wayTo[Number(from)] ?? []) assert.equal((await host.requestState(guid, step)).code, 0);
        assert.equal(await host.stateOf(guid), Number(from));
        assert.equal((await host.requestState(guid, Number(request))).code, expected === null ? 32775 : 0, `request ${request}`);
        assert.equal(await host.stateOf(guid), expected ?? Number(from), `after request ${request}`);
      }
    });
  }

  test("a machine that is starting shows it, and refuses the next request", async () => {
    const guid = await host.define({ ElementName: text("slow") });
    const answer = await host.invoke("Msvm_ComputerSystem", "RequestStateChange", { RequestedState: 2 }, { CreationClassName: "Msvm_ComputerSystem", Name: guid });
    assert.equal(answer.ReturnValue, 4096);
    assert.equal((await host.invoke("Msvm_ComputerSystem", "RequestStateChange", { RequestedState: 3 }, { CreationClassName: "Msvm_ComputerSystem", Name: guid })).ReturnValue, 32775);
    assert.equal((await host.finish(answer)).code, 0);
    assert.equal(await host.stateOf(guid), running);
  });

  test("shut down by version 1's number is no parameter, and the host itself cannot be started", async () => {
    const guid = await host.define({ ElementName: text("v1") });
    assert.equal((await host.requestState(guid, 4)).code, 32773);
    assert.equal((await host.requestState("HV1", 2)).code, 32773);
  });

  test("a guest that answers can be shut down, and has a heartbeat; a machine that is off has neither", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("answering") });
    const shutdown = `SELECT * FROM Msvm_ShutdownComponent WHERE SystemName = '${guid.toLowerCase()}'`;
    assert.deepEqual(await host.query(shutdown), []);
    await host.requestState(guid, 2);
    assert.equal(valueText(await host.one(`SELECT * FROM Msvm_HeartbeatComponent WHERE SystemName = '${guid}'`), "OperationalStatus"), "2");
    const component = await host.one(shutdown);
    const keys = Object.fromEntries(["CreationClassName", "DeviceID", "SystemCreationClassName", "SystemName"].map((name) => [name, `"${valueText(component, name)}"`]));
    assert.equal((await host.invoke("Msvm_ShutdownComponent", "InitiateShutdown", { Force: "false", Reason: "test" }, keys)).ReturnValue, 0);
    while ((await host.stateOf(guid)) !== off) await pause(5);
    assert.deepEqual(await host.query(shutdown), []);
  });

  test("a start job names the machine, is seen through its association, and keeps its outcome", async () => {
    const guid = await host.define({ ElementName: text("job") });
    const { job } = await host.requestState(guid, 2);
    assert.ok(job);
    assert.equal(valueText(job, "JobState"), "7");
    assert.equal(valueText(job, "JobType"), "12");
    assert.equal(valueText(job, "PercentComplete"), "100");
    const path = `Msvm_ComputerSystem.CreationClassName="Msvm_ComputerSystem",Name="${guid}"`;
    const jobs = await host.query(`ASSOCIATORS OF {${path}} WHERE AssocClass = Msvm_AffectedJobElement`);
    assert.ok(jobs.some((one) => valueText(one, "InstanceID") === valueText(job, "InstanceID")));
    const machines = await host.query(`ASSOCIATORS OF {Msvm_ConcreteJob.InstanceID="${valueText(job, "InstanceID")}"} WHERE AssocClass = Msvm_AffectedJobElement`);
    assert.deepEqual(machines.map((one) => valueText(one, "ElementName")), ["job"]);
  });

  test("a machine whose memory the host has not got fails to start, and says so in its job", async () => {
    const guid = await host.define({ ElementName: text("huge") });
    const [memory] = await host.query(`ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID='Microsoft:${guid}'} WHERE AssocClass = Msvm_VirtualSystemSettingDataComponent ResultClass = Msvm_MemorySettingData`);
    await host.perform("ModifyResourceSettings", { ResourceSettings: [settingsText({ InstanceID: text(valueText(memory!, "InstanceID") ?? ""), VirtualQuantity: uint64(1_048_576) }, "Msvm_MemorySettingData")] });
    const outcome = await host.requestState(guid, 2);
    assert.equal(outcome.code, 32778);
    assert.match(outcome.error, /'huge' failed to start.*Not enough memory/);
    assert.equal(valueText(outcome.job!, "JobState"), "10");
    const errors = await host.client.invoke({ kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_ConcreteJob", keys: { InstanceID: valueText(outcome.job!, "InstanceID") ?? "" } }, "GetErrorEx", {});
    assert.match(String(errors["Errors"]), /CLASSNAME="Msvm_Error".*Not enough memory/);
    assert.equal(await host.stateOf(guid), off);
  });

  test("settings of a running machine: name and memory change, processors and console do not", async () => {
    const guid = await host.define({ ...generation2, ElementName: text("live") });
    await host.requestState(guid, 2);
    const component = async (name: string) => valueText(await host.one(`ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID='Microsoft:${guid}'} WHERE AssocClass = Msvm_VirtualSystemSettingDataComponent ResultClass = ${name}`), "InstanceID") ?? "";
    const resize = async (className: string, quantity: number) => (await host.perform("ModifyResourceSettings", { ResourceSettings: [settingsText({ InstanceID: text(await component(className)), VirtualQuantity: uint64(quantity) }, className)] })).code;
    assert.equal(await resize("Msvm_MemorySettingData", 2048), 0);
    assert.equal(await resize("Msvm_ProcessorSettingData", 2), 32775);
    assert.equal((await host.perform("ModifySystemSettings", { SystemSettings: settingsText({ InstanceID: text(`Microsoft:${guid}`), ConsoleMode: uint16(1) }) })).code, 32775);
    await host.requestState(guid, 6);
    assert.equal(await resize("Msvm_MemorySettingData", 1024), 32775);
    assert.equal(valueText(await host.client.get(settingsOf(guid)), "ElementName"), "live");
  });
});

test("with a manual clock a job stands still until time passes, and is forgotten after five minutes", async () => {
  const host = await TestHost.start({ clock: "manual" });
  try {
    const answer = await host.invoke("Msvm_VirtualSystemManagementService", "DefineSystem", { SystemSettings: settingsText({ ElementName: text("still") }) });
    const job = answer["Job"] as Parameters<typeof host.client.get>[0];
    const state = async () => valueText(await host.client.get(job), "JobState");
    assert.equal(await state(), "2");
    await pause(50);
    assert.equal(await state(), "2");
    host.host.advance(5);
    assert.equal(await state(), "4");
    host.host.advance(15);
    assert.equal(await state(), "7");
    host.host.advance(299_000);
    assert.equal(await state(), "7");
    host.host.advance(2000);
    await assert.rejects(host.client.get(job), (error: { wmiCode?: number }) => error.wmiCode === 0x80041002);
  } finally {
    await host.remove();
  }
});
