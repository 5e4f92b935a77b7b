import { virtualizationNamespace } from "@signet/hyperv/schema";
import type { CimReference } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import type { MachineConfiguration } from "../host/machine-record.ts";
import { settingsClass, settingsId } from "../host/new-machine.ts";
import type { VirtualMachine } from "../host/virtual-machine.ts";
import { systemClass } from "../provider/classes/computer-systems.ts";
import { invalidParameter } from "../host/refusal.ts";

const guidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** The machine that a reference means: to itself, or to its settings, whichever a client has at hand. @throws Refusal */
export function machineTarget(host: Host, reference: CimReference | null, parameter: string): VirtualMachine {
  const name = reference === null ? undefined : keyOf(reference, reference.className.toLowerCase() === systemClass.toLowerCase() ? "Name" : "InstanceID");
  const guid = name === undefined ? null : guidPattern.exec(name);
  const machine = guid ? host.machine(guid[0]) : undefined;
  if (!machine) throw invalidParameter(`${parameter} names no virtual machine of this host.`);
  return machine;
}

/** The settings of a machine or of one of its checkpoints. @throws Refusal */
export function configurationTarget(host: Host, reference: CimReference | null, parameter: string): { readonly machine: VirtualMachine; readonly configuration: MachineConfiguration } {
  const id = reference === null ? "" : keyOf(reference, "InstanceID") ?? keyOf(reference, "Name") ?? "";
  const guid = guidPattern.exec(id)?.[0].toUpperCase();
  const machine = guid === undefined ? undefined : host.machineOf(guid);
  const configuration = machine?.guid === guid ? machine?.record : machine?.record.checkpoints.find((checkpoint) => checkpoint.guid === guid);
  if (!machine || !configuration) throw invalidParameter(`${parameter} names no settings of a virtual machine of this host.`);
  return { machine, configuration };
}

export function keyOf(reference: CimReference, name: string): string | undefined {
  return Object.entries(reference.keys).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

export function machineReference(machine: { readonly guid: string }): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className: systemClass, keys: { CreationClassName: systemClass, Name: machine.guid } };
}

export function settingsReference(guid: string): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className: settingsClass, keys: { InstanceID: settingsId(guid) } };
}
