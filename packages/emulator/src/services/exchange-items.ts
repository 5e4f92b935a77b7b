import { CimXmlError, parseCimXml, writeCimXml } from "@signet/wsman";
import type { CimInstance, CimScalar } from "@signet/wsman/cim";
import { isKind } from "../host/device-kinds.ts";
import { kvpKind } from "../host/device-kinds-data.ts";
import { invalidParameter } from "../host/refusal.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { finishAsJob } from "./job-answer.ts";
import { machineReference, machineTarget } from "./targets.ts";

const service = "Msvm_VirtualSystemManagementService";
// Documented limits of key-value pairs.
const nameCharactersMax = 256;
const dataCharactersMax = 2048;
const hostToGuest = 0;

type Edit = (items: Map<string, string>, name: string, data: string) => void;

/** Key-value pairs that the host offers its guest. They are kept with the machine. */
export const exchangeItemMethods: Readonly<Record<string, MethodHandler>> = {
  [`${service}.AddKvpItems`]: (call) => edit(call, "Adding Key-Value Pairs", (items, name, data) => {
    if (items.has(name)) throw invalidParameter(`The key "${name}" exists already.`);
    items.set(name, data);
  }),
  [`${service}.ModifyKvpItems`]: (call) => edit(call, "Modifying Key-Value Pairs", (items, name, data) => {
    if (!items.has(name)) throw invalidParameter(`There is no key "${name}".`);
    items.set(name, data);
  }),
  [`${service}.RemoveKvpItems`]: (call) => edit(call, "Removing Key-Value Pairs", (items, name) => {
    if (!items.delete(name)) throw invalidParameter(`There is no key "${name}".`);
  }),
};

async function edit({ host, input }: MethodCall, caption: string, change: Edit) {
  const machine = machineTarget(host, input.reference("TargetSystem"), "TargetSystem");
  const given = input.instances("DataItems").map(readItem);
  return finishAsJob(host, { className: "Msvm_ConcreteJob", type: 0, caption, affected: [machineReference(machine)] }, () => machine.inTurn(async () => {
    const exchange = machine.record.devices.find((device) => isKind(device, kvpKind));
    if (!exchange) throw invalidParameter("The machine has no key-value pair exchange.");
    const present = exchange.values["HostExchangeItems"];
    const items = new Map((Array.isArray(present) ? present as readonly CimScalar[] : []).map((text) => readItem(parseCimXml(String(text)))));
    for (const [name, data] of given) change(items, name, data);
    const values = { ...exchange.values, HostExchangeItems: [...items].map(([name, data]) => writeItem(name, data)) };
    await machine.keep({ ...machine.record, devices: machine.record.devices.map((device) => (device === exchange ? { ...device, values } : device)) });
    return {};
  }));
}

function readItem(instance: CimInstance): [string, string] {
  const value = (wanted: string) => String(Object.entries(instance.properties).find(([name]) => name.toLowerCase() === wanted)?.[1].value ?? "");
  const [name, data] = [value("name"), value("data")];
  if (name === "" || name.length > nameCharactersMax || data.length > dataCharactersMax) throw new CimXmlError(`A key has 1 to ${nameCharactersMax} characters, its data at most ${dataCharactersMax}.`);
  return [name, data];
}

function writeItem(name: string, data: string): string {
  return writeCimXml({ kind: "instance", className: "Msvm_KvpExchangeDataItem", properties: { Name: { type: "string", array: false, value: name }, Data: { type: "string", array: false, value: data }, Source: { type: "uint16", array: false, value: hostToGuest } } });
}
