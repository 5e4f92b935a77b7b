import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { accessDenied, classNotFound, internalError, namespaceNotFound, quotaLimit, timedOut, WMI, wmiFailure, type WsmanFault } from "@signet/wsman";
import { hostFaultCodes } from "./host-fault.ts";
import { ScriptedHost } from "./scripted-host.ts";
import { virtualizationNamespace } from "./schema/index.ts";

const never = new AbortController().signal;

describe("what can go wrong between us and a host", () => {
  let host: ScriptedHost;
  before(async () => (host = await ScriptedHost.start()));
  after(() => host.close());
  beforeEach(() => void (host.before = () => {}));

  test("nobody listens at the address", async () => {
    await assert.rejects(host.connect({ url: "http://127.0.0.1:1/wsman" }).probe(never), { name: "HostFault", code: "HV-UNREACHABLE", retry: "later", where: "hv1, look at the host", message: /http:\/\/127\.0\.0\.1:1\/wsman cannot be reached/ });
  });

  test("the password is wrong", async () => {
    await assert.rejects(host.connect({ password: "secret-word" }).probe(never), (error: Error & { code: string; retry: string }) => error.code === "HV-UNAUTHORIZED" && error.retry === "never" && !JSON.stringify([error.message, String(error.cause)]).includes("secret-word"));
  });

  test("something else answers on that port", async () => {
    const other = createServer((_request, response) => response.writeHead(404).end("no"));
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    await assert.rejects(host.connect({ url: `http://127.0.0.1:${(other.address() as AddressInfo).port}/wsman` }).probe(never), { code: "HV-HTTP", retry: "later" });
    other.close();
  });

  const failing = async (fault: WsmanFault, expected: object): Promise<void> => {
    host.before = () => { throw fault; };
    await assert.rejects(host.session().query(virtualizationNamespace, "SELECT * FROM Msvm_ComputerSystem"), { name: "HostFault", ...expected });
  };
  test("the host is a Windows without Hyper-V", () => failing(namespaceNotFound("root/virtualization/v2"), { code: "HV-NOT-HYPERV", retry: "never", message: /Install-WindowsFeature Hyper-V/ }));
  test("the account lacks rights", () => failing(accessDenied(), { code: "HV-ACCESS-DENIED", retry: "never", message: /S-1-5-32-578/ }));
  test("the host has too many shells", () => failing(quotaLimit("The user already has 30 shells."), { code: "HV-BUSY", retry: "later" }));
  test("the management service restarts", () => failing(wmiFailure(WMI.rpcUnavailable, "The RPC server is unavailable."), { code: "HV-SERVICE-DOWN", retry: "later" }));
  test("the host is out of memory", () => failing(wmiFailure(WMI.outOfMemory, "x"), { code: "HV-BUSY" }));
  test("an operation takes the host too long", () => failing(timedOut(), { code: "HV-TIMEOUT", retry: "later" }));
  test("the host fails without a reason", () => failing(internalError("It failed."), { code: "HV-FAILED", retry: "later", message: "It failed." }));
  test("the host does not know a class", () => failing(classNotFound("Msvm_X"), { code: "HV-REFUSED", retry: "never" }));

  test("an account that sees nothing is told how to get rights, because WMI does not refuse it", async () => {
    const { instances } = host;
    const kept = instances.get("Msvm_VirtualSystemManagementServiceSettingData")!;
    instances.delete("Msvm_VirtualSystemManagementServiceSettingData");
    await assert.rejects(host.connect().probe(never), { code: "HV-ACCESS-DENIED", message: /sees nothing of Hyper-V/ });
    instances.set("Msvm_VirtualSystemManagementServiceSettingData", kept);
  });

  test("a read is repeated when trouble passes, a method is not", async () => {
    let failures = 2;
    let asked = 0;
    host.before = (what) => {
      if (!/Msvm_MemorySettingData|RequestStateChange/.test(what)) return;
      asked += 1;
      if (failures-- > 0) throw wmiFailure(WMI.rpcUnavailable, "gone for a moment");
    };
    assert.equal((await host.session().query(virtualizationNamespace, "SELECT * FROM Msvm_MemorySettingData")).length, 0);
    assert.equal(asked, 3);
    failures = 1;
    asked = 0;
    const target = { kind: "reference", namespace: virtualizationNamespace, className: "Msvm_ComputerSystem", keys: { CreationClassName: "Msvm_ComputerSystem", Name: "X" } } as const;
    await assert.rejects(host.session().invoke(target, "RequestStateChange", { RequestedState: 2 }), { code: "HV-SERVICE-DOWN" });
    assert.equal(asked, 1);
  });

  test("an abort is the abort, not a fault, and so is the closing of the connection", async () => {
    const reason = new Error("stop");
    await assert.rejects(host.connect().probe(AbortSignal.abort(reason)), reason);
    host.before = () => new Promise((settle) => setTimeout(settle, 500));
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 50);
    await assert.rejects(host.connect().probe(abort.signal), reason);
    const connected = host.connect();
    setTimeout(() => void connected.close(), 50);
    await assert.rejects(connected.probe(never), /The connection to hv1 is closed/);
  });

  test("no more requests at a time than a host can bear", async () => {
    let now = 0;
    let most = 0;
    host.before = async () => {
      most = Math.max(most, ++now);
      await new Promise((settle) => setTimeout(settle, 10));
      now -= 1;
    };
    const session = host.session();
    await Promise.all(Array.from({ length: 40 }, () => session.query(virtualizationNamespace, "SELECT * FROM Msvm_ComputerSystem")));
    assert.equal(most, 8);
  });

  test("codes are stable and of one form", () => {
    assert.equal(new Set(hostFaultCodes).size, hostFaultCodes.length);
    for (const code of hostFaultCodes) assert.match(code, /^HV-[A-Z]+(-[A-Z]+)*$/);
  });
});
