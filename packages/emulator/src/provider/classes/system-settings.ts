import { virtualizationNamespace } from "@signet/hyperv/schema";
import { formatObjectPath } from "@signet/wsman";
import type { Host } from "../../host/host.ts";
import { generationOf, type MachineConfiguration, type Values } from "../../host/machine-record.ts";
import { settingsClass, settingsId } from "../../host/new-machine.ts";
import type { VirtualMachine } from "../../host/virtual-machine.ts";
import { type ClassSources, machinesNamed, wmiObject } from "../class-source.ts";
import type { WmiObject } from "../wmi-object.ts";

export const bootSourceClass = "Msvm_BootSourceSettingData";

export const systemSettingsSources: ClassSources = {
  [settingsClass](host, narrowing) {
    const found: Values[] = templateSettings(host);
    for (const machine of machinesNamed(host, narrowing.guid(["InstanceID", "VirtualSystemIdentifier", "ConfigurationID"]))) {
      for (const configuration of configurationsOf(machine)) found.push(settingsValues(host, configuration));
    }
    return found;
  },
};

/** The machine itself, then its checkpoints. */
export function configurationsOf(machine: VirtualMachine): readonly MachineConfiguration[] {
  return [machine.record, ...machine.record.checkpoints];
}

export function settingsObject(host: Host, configuration: MachineConfiguration): WmiObject {
  return wmiObject(host, settingsClass, settingsValues(host, configuration));
}

function settingsValues(host: Host, configuration: MachineConfiguration): Values {
  const values = { ...configuration.settings, Parent: parentOf(host, configuration) };
  return generationOf(configuration) === 1 ? values : { ...values, BootSourceOrder: configuration.bootDevices.map((id) => bootSourcePath(host, id)) };
}

/** The path of the checkpoint that these settings came from. */
function parentOf(host: Host, configuration: MachineConfiguration): string | null {
  const guid = "currentCheckpoint" in configuration ? configuration.currentCheckpoint : "parent" in configuration ? configuration.parent : null;
  return typeof guid === "string" ? formatObjectPath({ kind: "reference", namespace: virtualizationNamespace, className: settingsClass, keys: { InstanceID: settingsId(guid) } }, host.computerName) : null;
}

/** The settings object that stands for a Secure Boot template. It belongs to no machine, and its type says so. */
function templateSettings(host: Host): Values[] {
  return host.release.templates.map(({ id, name, description }) => ({
    InstanceID: `Microsoft:SecureBootTemplate\\${id.toUpperCase()}`, ElementName: name, Caption: "Virtual Machine Settings", Description: description,
    SecureBootTemplateId: id, SecureBootEnabled: true, VirtualSystemType: host.uncertainties.templateVirtualSystemType, VirtualSystemSubType: "Microsoft:Hyper-V:SubType:2",
  }));
}

export function templateObjects(host: Host): WmiObject[] {
  return templateSettings(host).map((values) => wmiObject(host, settingsClass, values));
}

export function bootSourceId(deviceId: string): string {
  return `${deviceId}\\B`;
}

/** Alone among all paths, those in BootSourceOrder are seen on real hosts with single backslashes inside the key. */
function bootSourcePath(host: Host, deviceId: string): string {
  return `\\\\${host.computerName}\\root\\virtualization\\v2:${bootSourceClass}.InstanceID="${bootSourceId(deviceId)}"`;
}
