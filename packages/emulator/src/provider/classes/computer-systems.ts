import { dateTimeFromDate } from "@signet/wsman";
import type { Host } from "../../host/host.ts";
import type { Values } from "../../host/machine-record.ts";
import { enabledState, type VirtualMachine } from "../../host/virtual-machine.ts";
import { type ClassSources, wmiObject } from "../class-source.ts";
import type { WmiObject } from "../wmi-object.ts";

export const systemClass = "Msvm_ComputerSystem";

export const computerSystemSources: ClassSources = {
  [systemClass](host, narrowing) {
    const name = narrowing.equals("Name");
    if (name === undefined) return [hostSystem(host), ...[...host.machines].map((machine) => machineSystem(host, machine))];
    const machine = host.machine(name);
    return machine ? [machineSystem(host, machine)] : [hostSystem(host)];
  },
};

export function machineSystemObject(host: Host, machine: VirtualMachine): WmiObject {
  return wmiObject(host, systemClass, machineSystem(host, machine));
}

export function hostSystemObject(host: Host): WmiObject {
  return wmiObject(host, systemClass, hostSystem(host));
}

function machineSystem(host: Host, machine: VirtualMachine): Values {
  const { state } = machine;
  const isUp = machine.machine.power !== "off";
  return {
    ...systemCommon, Name: machine.guid, ElementName: machine.name, Caption: "Virtual Machine", Description: "Microsoft Virtual Machine",
    EnabledState: state, EnabledDefault: 2, RequestedState: requestedState(state), HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["Operating normally"],
    AvailableRequestedStates: [], InstallDate: dateTimeFromDate(new Date(machine.record.createdMs)),
    TimeOfLastStateChange: dateTimeFromDate(new Date(machine.changedStateMs)), TimeOfLastConfigurationChange: dateTimeFromDate(new Date(machine.changedConfigurationMs)),
    OnTimeInMilliseconds: Math.max(0, Math.floor(machine.upTimeMs)), ProcessID: isUp ? machine.machine.processId : null, NumberOfNumaNodes: 1, EnhancedSessionModeState: 3,
    ReplicationState: 0, ReplicationHealth: 0, ReplicationMode: 0, FailedOverReplicationType: 0, LastReplicationType: 0, HwThreadsPerCoreRealized: isUp ? 1 : 0,
  };
}

/** The host's own: told apart from machines by its name, which is no GUID. */
function hostSystem(host: Host): Values {
  return {
    ...systemCommon, Name: host.computerName, ElementName: host.computerName, Caption: "Hosting Computer System", Description: "Microsoft Hosting Computer System",
    EnabledState: enabledState.running, EnabledDefault: 2, RequestedState: 12, HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["OK"], NumberOfNumaNodes: 1,
    TimeOfLastStateChange: dateTimeFromDate(new Date(host.bootedMs)),
  };
}

const systemCommon: Values = {
  CreationClassName: systemClass, Status: "OK", ResetCapability: 1, Dedicated: [], OtherIdentifyingInfo: [], IdentifyingDescriptions: [], PowerManagementCapabilities: [],
};

/** 5 (no change) once a change is done, else the state that is on its way. */
function requestedState(state: number): number {
  if (state === enabledState.starting || state === enabledState.resuming) return enabledState.running;
  if (state === enabledState.stopping) return enabledState.off;
  if (state === enabledState.pausing) return enabledState.paused;
  return state === enabledState.saving ? enabledState.saved : 5;
}
