import { dateTimeFromDate } from "@signet/wsman";
import { isKind } from "../../host/device-kinds.ts";
import { connectionKind, memoryKind, processorKind } from "../../host/device-kinds-data.ts";
import type { Host } from "../../host/host.ts";
import type { MachineConfiguration, Values } from "../../host/machine-record.ts";
import type { VirtualMachine } from "../../host/virtual-machine.ts";
import { type ClassSources, machinesNamed } from "../class-source.ts";
import { toInstance } from "../wmi-object.ts";
import { jobObject } from "./jobs.ts";
import { guestOperatingSystem, heartbeat } from "./machine-devices.ts";
import { findSwitch } from "./switches.ts";
import { settingsObject } from "./system-settings.ts";

export const summaryClass = "Msvm_SummaryInformation";

export const summarySources: ClassSources = {
  *[summaryClass](host, narrowing) {
    for (const machine of machinesNamed(host, narrowing.guid(["Name", "InstanceID"]))) yield summaryOf(host, machine, machine.record);
  },
};

/** All that a summary can tell, thumbnails excepted: they cost a picture each and come only when asked for. */
export function summaryOf(host: Host, machine: VirtualMachine, configuration: MachineConfiguration): Values {
  const { settings, devices } = configuration;
  const device = (kind: typeof memoryKind) => devices.find((one) => isKind(one, kind));
  const isUp = machine.machine.power !== "off";
  const memoryMegabytes = Number(device(memoryKind)?.values["VirtualQuantity"] ?? 0);
  const answers = machine.machine.guestAnswers;
  const notes = settings["Notes"];
  return {
    InstanceID: settings["InstanceID"] ?? null, Name: machine.guid, ElementName: settings["ElementName"] ?? null, CreationTime: settings["CreationTime"] ?? dateTimeFromDate(new Date(machine.record.createdMs)),
    Notes: Array.isArray(notes) ? notes.join("\n") : "", Version: settings["Version"] ?? null, VirtualSystemSubType: settings["VirtualSystemSubType"] ?? null, NumberOfProcessors: Number(device(processorKind)?.values["VirtualQuantity"] ?? 0),
    EnabledState: machine.state, OtherEnabledState: null, HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["Operating normally"], UpTime: Math.floor(machine.upTimeMs), Shielded: false, HostComputerSystemName: host.computerName,
    MemoryUsage: isUp ? memoryMegabytes : null, MemoryAvailable: isUp ? 100 : null, AvailableMemoryBuffer: isUp ? 100 : null, SwapFilesInUse: false, MemorySpansPhysicalNumaNodes: false,
    ProcessorLoad: isUp ? 0 : null, ProcessorLoadHistory: isUp ? [0] : [], Heartbeat: isUp ? (answers ? heartbeat.ok : heartbeat.noContact) : null, ApplicationHealth: isUp && answers ? 2 : 32_782,
    GuestOperatingSystem: isUp && answers ? guestOperatingSystem : null, IntegrationServicesVersionState: isUp && answers ? 1 : 0, EnhancedSessionModeState: 3, ReplicationState: 0, ReplicationHealth: 0, ReplicationMode: 0,
    VirtualSwitchNames: devices.filter((one) => isKind(one, connectionKind)).flatMap((one) => switchNameOf(host, one.values)),
    Snapshots: machine.record.checkpoints.map((checkpoint) => toInstance(settingsObject(host, checkpoint))),
    AsynchronousTasks: [...host.jobs.all()].filter((job) => job.kind.affected.some(({ keys }) => Object.values(keys).includes(machine.guid))).map((job) => toInstance(jobObject(host, job))),
  };
}

function switchNameOf(host: Host, connection: Values): string[] {
  const resource = connection["HostResource"];
  const found = Array.isArray(resource) ? findSwitch(host, String(resource[0])) : undefined;
  return found ? [found.name] : [];
}
