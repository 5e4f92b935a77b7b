import { randomUUID } from "node:crypto";
import { ObjectPathError, parseObjectPath } from "@signet/wsman";
import type { CimInstance } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import { invalidParameter, notSupported, Refusal, returnCode } from "../host/refusal.ts";
import type { SwitchRecord } from "../host/state-folder.ts";
import { systemClass } from "../provider/classes/computer-systems.ts";
import { switchServiceClass } from "../provider/classes/services.ts";
import { connectionsOf, externalPortClass, switchObject, switchSettingsClass } from "../provider/classes/switches.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { referenceTo } from "../provider/wmi-object.ts";
import { finishAsJob } from "./job-answer.ts";
import { readSettings } from "./read-settings.ts";
import { idOf } from "./resource-settings.ts";
import { keyOf } from "./targets.ts";

const jobType = { define: 1, modify: 2, destroy: 3 } as const;
// This service tells a scalar in the place of an array by another code than the machine service.
const arrayCode = returnCode.incorrectDataType;
const portClass = "Msvm_EthernetPortAllocationSettingData";

/** Virtual switches: Msvm_VirtualEthernetSwitchManagementService. */
export const switchManagementMethods: Readonly<Record<string, MethodHandler>> = {
  [`${switchServiceClass}.DefineSystem`]: defineSwitch,
  [`${switchServiceClass}.ModifySystemSettings`]: modifySwitch,
  [`${switchServiceClass}.DestroySystem`]: destroySwitch,
};

async function defineSwitch({ host, input }: MethodCall) {
  const settings = input.instance("SystemSettings");
  const ports = input.instances("ResourceSettings");
  return finishAsJob(host, jobOf(jobType.define, "Creating Virtual Switch"), async () => {
    if (input.reference("ReferenceConfiguration")) throw notSupported("A switch cannot be defined after the model of another on this host.");
    const given = settings ? readSettings(host, settings, switchSettingsClass, arrayCode) : {};
    const notes = given["Notes"];
    const fresh: SwitchRecord = { guid: randomUUID().toUpperCase(), name: String(given["ElementName"] ?? "New Virtual Switch"), notes: Array.isArray(notes) ? notes.map(String) : [], kind: kindOf(host, ports) };
    if (fresh.kind === "external" && host.record.switches.some(({ kind }) => kind === "external")) throw new Refusal(returnCode.systemInUse, "The network card is bound to another external switch already.");
    await host.change((record) => ({ ...record, switches: [...record.switches, fresh] }));
    return { ResultingSystem: referenceTo(switchObject(host, fresh)) };
  });
}

/** A port that leads to the network card makes a switch external, one that leads to the host itself internal; none makes it private. */
function kindOf(host: Host, ports: readonly CimInstance[]): SwitchRecord["kind"] {
  const targets = ports.map((port) => {
    const resource = readSettings(host, port, portClass, arrayCode)["HostResource"];
    return Array.isArray(resource) ? classOf(String(resource[0] ?? "")) : "";
  });
  if (targets.includes(externalPortClass.toLowerCase())) return "external";
  if (targets.includes(systemClass.toLowerCase())) return "internal";
  if (targets.length > 0) throw invalidParameter("HostResource of a switch port must be the path of an Msvm_ExternalEthernetPort or of the host's Msvm_ComputerSystem.");
  return "private";
}

function classOf(path: string): string {
  try {
    return parseObjectPath(path).className.toLowerCase();
  } catch (error) {
    if (error instanceof ObjectPathError) return "";
    throw error;
  }
}

async function modifySwitch({ host, input }: MethodCall) {
  const settings = input.instance("SystemSettings");
  return finishAsJob(host, jobOf(jobType.modify, "Modifying Virtual Switch"), async () => {
    const guid = settings ? idOf(settings).replace(/^Microsoft:/i, "").toUpperCase() : "";
    const present = host.record.switches.find((one) => one.guid === guid);
    if (!settings || !present) throw invalidParameter("SystemSettings names no virtual switch of this host.");
    const given = readSettings(host, settings, switchSettingsClass, arrayCode);
    const notes = given["Notes"];
    const changed: SwitchRecord = { ...present, name: String(given["ElementName"] ?? present.name), notes: Array.isArray(notes) ? notes.map(String) : present.notes };
    await host.change((record) => ({ ...record, switches: record.switches.map((one) => (one.guid === guid ? changed : one)) }));
    return {};
  });
}

async function destroySwitch({ host, input }: MethodCall) {
  const reference = input.reference("AffectedSystem");
  return finishAsJob(host, jobOf(jobType.destroy, "Deleting Virtual Switch"), async () => {
    const guid = (reference ? keyOf(reference, "Name") ?? "" : "").toUpperCase();
    const present = host.record.switches.find((one) => one.guid === guid);
    if (!present) throw invalidParameter("AffectedSystem names no virtual switch of this host.");
    if (connectionsOf(host, present).some(({ values }) => Number(values["EnabledState"] ?? 2) === 2 && isOn(host, String(values["InstanceID"])))) throw new Refusal(returnCode.systemInUse, "The switch is in use by a machine that is on.");
    await host.change((record) => ({ ...record, switches: record.switches.filter((one) => one.guid !== guid) }));
    return {};
  });
}

function isOn(host: Host, deviceId: string): boolean {
  const guid = /^Microsoft:([0-9A-F-]{36})/i.exec(deviceId)?.[1] ?? "";
  return host.machine(guid)?.isOff === false;
}

function jobOf(type: number, caption: string) {
  return { className: "Msvm_ConcreteJob", type, caption, affected: [] } as const;
}
