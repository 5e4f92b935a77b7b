import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { scriptCommandLine, followPipeScript } from "@signet/hyperv/schema/host-scripts";
import { generation2, settingsText, TestHost, text, texts, valueText } from "./test-host.ts";

let host: TestHost;
before(async () => {
  host = await TestHost.start();
});
after(() => host.remove());

const create = (commandLine: string) => host.client.invoke({ kind: "reference", namespace: "root/cimv2", className: "Win32_Process", keys: {} }, "Create", { CommandLine: commandLine });
const folders = (path: string) => host.query(`SELECT * FROM Win32_Directory WHERE Name = '${path.replaceAll("\\", "\\\\")}'`, "root/cimv2");

test("a shell of the host works on the drive that WMI shows", async () => {
  const made = await host.client.runCommand('cmd /c mkdir "C:\\made by a shell"');
  assert.equal(made.exitCode, 0, made.stderr.toString());
  assert.equal((await folders("C:\\made by a shell")).length, 1);
  const unknown = await host.client.runCommand("no-such-program --help");
  assert.notEqual(unknown.exitCode, 0);
});

test("a process is started without a shell, answers with its id at once, and is gone when it is done", async () => {
  const answer = await create("cmd /c mkdir C:\\made");
  assert.equal(answer.ReturnValue, 0);
  assert.ok(Number(answer["ProcessId"]) > 0);
  while ((await host.query(`SELECT * FROM Win32_Process WHERE ProcessId = ${String(answer["ProcessId"])}`, "root/cimv2")).length > 0) await pause(10);
  assert.equal((await folders("C:\\made")).length, 1);
  assert.equal((await create("")).ReturnValue, 21);
});

test("the pipe that COM1 leads to can be followed while the machine is on, and ends with it", async () => {
  const guid = await host.define({ ...generation2, ElementName: text("piped") });
  const [port] = await host.query(`SELECT * FROM Msvm_SerialPortSettingData WHERE InstanceID LIKE 'Microsoft:${guid}%'`);
  const connected = await host.perform("ModifyResourceSettings", { ResourceSettings: [settingsText({ InstanceID: text(valueText(port!, "InstanceID") ?? ""), Connection: texts("\\\\.\\pipe\\Piped-Machine") }, "Msvm_SerialPortSettingData")] });
  assert.equal(connected.code, 0, connected.error);
  assert.equal((await host.requestState(guid, 2)).code, 0);
  const followed = host.client.runCommand(scriptCommandLine(followPipeScript, { pipe: "piped-machine" }));
  await pause(200);
  assert.equal((await host.requestState(guid, 3)).code, 0);
  assert.equal((await followed).exitCode, 0);
});
