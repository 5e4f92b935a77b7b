import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { perform, type MethodCall } from "./jobs.ts";
import { machineService } from "./references.ts";
import { jobReference, ScriptedHost } from "./scripted-host.ts";

describe("a method and the job it starts", () => {
  let host: ScriptedHost;
  before(async () => (host = await ScriptedHost.start()));
  after(() => host.close());
  beforeEach(() => {
    host.asked.length = 0;
    host.instances.delete("Msvm_ConcreteJob");
    host.before = () => {};
  });
  const call: MethodCall = { target: machineService, method: "DestroySystem", parameters: {}, what: "remove the machine" };
  const answer = (ReturnValue: number) => host.methods.set("Msvm_VirtualSystemManagementService.DestroySystem", () => (ReturnValue === 4096 ? { Job: jobReference("J"), ReturnValue } : { ReturnValue }));
  const job = (JobState: number, values = {}) => host.set("Msvm_ConcreteJob", { InstanceID: "J", JobState, ErrorCode: 0, ...values });

  test("is done at once when the method says so", async () => {
    answer(0);
    await perform(host.session(), call);
    assert.deepEqual(host.asked, ["Msvm_VirtualSystemManagementService.DestroySystem"]);
  });

  test("is waited for until it is completed", async () => {
    answer(4096);
    job(4);
    let polls = 0;
    host.before = (what) => { if (what.includes("Msvm_ConcreteJob") && ++polls === 3) job(7); };
    await perform(host.session(), call);
    assert.equal(polls, 3);
  });

  test("with warnings and no error code is done as well", async () => {
    answer(4096);
    job(32768);
    await perform(host.session(), call);
  });

  test("that fails says so in the host's own words, with code and description", async () => {
    answer(4096);
    job(10, { ErrorCode: 32773, ErrorDescription: "other words" });
    const error = (message: string) => `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE="string"><VALUE>${message}</VALUE></PROPERTY></INSTANCE>`;
    host.methods.set("Msvm_ConcreteJob.GetErrorEx", () => ({ Errors: [error("'web' failed to modify device."), error("Not a VHDX.")], ReturnValue: 0 }));
    await assert.rejects(perform(host.session(), call), {
      name: "HostFault", code: "HV-JOB-FAILED", retry: "never", where: "hv1, test",
      message: "The host could not remove the machine: 'web' failed to modify device. Not a VHDX. (job ended in state 10 with error code 32773, invalid parameter).",
    });
    host.methods.delete("Msvm_ConcreteJob.GetErrorEx");
    await assert.rejects(perform(host.session(), call), /could not remove the machine: other words \(/);
    job(7, { ErrorCode: 32774 });
    await assert.rejects(perform(host.session(), call), { code: "HV-JOB-FAILED", retry: "later", message: /in use by something else \(job ended in state 7 with error code 32774/ });
  });

  for (const state of [8, 9, 10, 11]) {
    test(`that ends in state ${state} has failed`, async () => {
      answer(4096);
      job(state, { ErrorCode: 32768 });
      await assert.rejects(perform(host.session(), call), { code: "HV-JOB-FAILED" });
    });
  }

  test("that disappears is done only if its effect is there", async () => {
    answer(4096);
    await assert.rejects(perform(host.session(), call), { code: "HV-JOB-LOST", retry: "later" });
    await assert.rejects(perform(host.session(), { ...call, isDone: async () => false }), { code: "HV-JOB-LOST" });
    await perform(host.session(), { ...call, isDone: async () => true });
  });

  test("that does not end is given up after its limit", async () => {
    answer(4096);
    job(4, { PercentComplete: 42 });
    await assert.rejects(perform(host.session(), { ...call, limitMs: 250 }), { code: "HV-JOB-TIMEOUT", retry: "later", message: /still at it \(42 percent\)/ });
  });

  test("is not waited for once the signal aborts", async () => {
    answer(4096);
    job(4);
    const reason = new Error("enough");
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 150);
    await assert.rejects(perform(host.session(abort.signal), call), reason);
  });

  test("that is refused says what the code means", async () => {
    answer(32775);
    await assert.rejects(perform(host.session(), call), { code: "HV-METHOD-REFUSED", retry: "later", message: "The host would not remove the machine: invalid state for this operation (DestroySystem returned 32775)." });
    assert.equal((await perform(host.session(), { ...call, alsoAccept: [32775] })).ReturnValue, 32775);
  });
});
