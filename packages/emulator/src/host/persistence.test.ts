import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { WsmanClient } from "@signet/wsman/client";
import { flag, generation2, settingsOf, settingsText, TestHost, text, texts, uint16, valueText } from "./test-host.ts";

test("a host that was killed in the middle comes back with all that it had answered for", async () => {
  const folder = await mkdtemp(join(tmpdir(), "signet-killed-"));
  const source = `
    const { startEmulatedHost } = await import(${JSON.stringify(new URL("../index.ts", import.meta.url).href)});
    const host = await startEmulatedHost({ name: "hv1", release: "2022", dataDir: process.argv[1], listen: { host: "127.0.0.1", port: 0 }, user: "a", password: "p", machines: "instant", clock: "auto" });
    process.stdout.write(host.url + "\\n");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data") as [Buffer];
  const client = new WsmanClient({ url: line.toString().trim(), user: "a", password: "p" });
  const service = { kind: "reference", namespace: "root/virtualization/v2", className: "Msvm_VirtualSystemManagementService", keys: { CreationClassName: "Msvm_VirtualSystemManagementService" } } as const;
  const names: string[] = [];
  // Killed while the last calls are under way: what was answered is there, what was not may be.
  const calls = Array.from({ length: 40 }, async (_unused, index) => {
    const answer = await client.invoke(service, "DefineSystem", { SystemSettings: settingsText({ ElementName: text(`machine ${index}`) }) });
    if (answer.ReturnValue === 4096) names.push(`machine ${index}`);
    if (names.length === 10) child.kill("SIGKILL");
  });
  await Promise.allSettled(calls);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  client.close();
  const host = await TestHost.start({ dataDir: folder });
  try {
    const found = new Set((await host.query("SELECT ElementName FROM Msvm_ComputerSystem")).map((one) => valueText(one, "ElementName")));
    assert.ok(names.length >= 10);
    assert.deepEqual(names.filter((name) => !found.has(name)), []);
  } finally {
    await host.remove();
    await rm(folder, { recursive: true, force: true });
  }
});

describe("a host that is started again", () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.start();
  });
  after(() => host.remove());

  test("machines, their devices, switches and the host's own ids are still there", async () => {
    const uefi = "272e7447-90a4-4563-a4b9-8e4ab00526ce";
    const guid = await host.define({ ...generation2, ElementName: text("kept"), SecureBootEnabled: flag(true), SecureBootTemplateId: text(uefi), Notes: texts("one", "two") });
    await host.perform("AddResourceSettings", { AffectedConfiguration: settingsOf(guid), ResourceSettings: [settingsText({ ResourceType: uint16(6), ResourceSubType: text("Microsoft:Hyper-V:Synthetic SCSI Controller") }, "Msvm_ResourceAllocationSettingData")] });
    await host.perform("DefineSystem", { SystemSettings: settingsText({ ElementName: text("Private one") }, "Msvm_VirtualEthernetSwitchSettingData") }, "Msvm_VirtualEthernetSwitchManagementService");
    const facts = async () => [
      await host.query(`SELECT * FROM Msvm_ResourceAllocationSettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`), await host.query("SELECT * FROM Msvm_VirtualEthernetSwitch"),
      await host.query("SELECT * FROM Msvm_VirtualSystemSettingData"), valueText(await host.one("SELECT * FROM Win32_ComputerSystemProduct", "root/cimv2"), "UUID"),
    ];
    const earlier = await facts();
    await host.restart();
    assert.deepEqual(await facts(), earlier);
    assert.deepEqual((await host.query("SELECT ElementName FROM Msvm_VirtualEthernetSwitch")).map((one) => valueText(one, "ElementName")), ["External", "Default Switch", "Private one"]);
  });

  test("machines come back on only where their automatic start says so", async () => {
    const action = (value: number) => ({ AutomaticStartupAction: uint16(value) });
    const [never, ifRunning, always, wasOff] = await Promise.all([
      host.define({ ElementName: text("never"), ...action(2) }), host.define({ ElementName: text("if running"), ...action(3) }),
      host.define({ ElementName: text("always"), ...action(4) }), host.define({ ElementName: text("was off"), ...action(3) }),
    ]);
    for (const guid of [never, ifRunning]) assert.equal((await host.requestState(guid, 2)).code, 0);
    await host.restart();
    assert.deepEqual(await Promise.all([never, ifRunning, always, wasOff].map((guid) => host.stateOf(guid))), [3, 2, 2, 3]);
    await host.restart();
    assert.deepEqual(await Promise.all([never, ifRunning, always, wasOff].map((guid) => host.stateOf(guid))), [3, 2, 2, 3]);
  });

  test("a saved machine is still saved", async () => {
    const guid = await host.define({ ElementName: text("saved") });
    await host.requestState(guid, 2);
    assert.equal((await host.requestState(guid, 6)).code, 0);
    await host.restart();
    assert.equal(await host.stateOf(guid), 6);
    assert.equal((await host.requestState(guid, 2)).code, 0);
    assert.equal(await host.stateOf(guid), 2);
  });

  test("a folder of one release is not opened as another", async () => {
    await host.stop();
    await assert.rejects(host.restart({ release: "2019" }), /belongs to a host of release 2022/);
    await assert.rejects(host.restart({ release: "2003" }), /The release "2003" is not known. Choose one of 2012r2, 2016/);
    await host.restart();
  });
});
