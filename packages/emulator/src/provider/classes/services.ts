import type { Host } from "../../host/host.ts";
import type { Values } from "../../host/machine-record.ts";
import { configurationRoot } from "../../host/new-machine.ts";
import { type AssociationSource, type ClassSources, machinesOf, wmiObject } from "../class-source.ts";
import { wmiClass } from "../wmi-class.ts";
import type { WmiObject } from "../wmi-object.ts";
import { virtualizationNamespace } from "@signet/hyperv/schema";
import { hostSystemObject, machineSystemObject } from "./computer-systems.ts";
import { settingsObject, templateObjects } from "./system-settings.ts";

export const machineServiceClass = "Msvm_VirtualSystemManagementService";
export const switchServiceClass = "Msvm_VirtualEthernetSwitchManagementService";
export const virtualHardDiskPath = "C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks";
const serviceSettingsClass = "Msvm_VirtualSystemManagementServiceSettingData";
const capabilitiesClass = "Msvm_VirtualSystemManagementCapabilities";

const services: Readonly<Record<string, { readonly name: string; readonly title: string }>> = {
  [machineServiceClass]: { name: "vmms", title: "Hyper-V Virtual System Management Service" },
  Msvm_ImageManagementService: { name: "vhdmgmt", title: "Hyper-V Image Management Service" },
  [switchServiceClass]: { name: "nvspwmi", title: "Hyper-V Virtual Ethernet Switch Management Service" },
  Msvm_VirtualSystemSnapshotService: { name: "vssnapsvc", title: "Hyper-V Virtual System Snapshot Service" },
  Msvm_SecurityService: { name: "securitymgmt", title: "Hyper-V Security Service" },
  Msvm_TerminalService: { name: "vmterminal", title: "Hyper-V Terminal Service" },
};

export const serviceSources: ClassSources = {
  ...Object.fromEntries(Object.keys(services).map((className) => [className, (host: Host) => [serviceValues(host, className)]])),
  [serviceSettingsClass]: (host) => [serviceSettings(host)],
  [capabilitiesClass]: () => [capabilities],
};

function serviceValues(host: Host, className: string): Values {
  const { name, title } = services[className] ?? { name: className, title: className };
  return {
    CreationClassName: className, Name: name, SystemCreationClassName: "Msvm_ComputerSystem", SystemName: host.computerName, ElementName: title, Caption: title, Description: title,
    Started: true, StartMode: "Automatic", EnabledState: 2, EnabledDefault: 2, RequestedState: 12, HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["OK"], Status: "OK",
    TransitioningToState: 12, PrimaryOwnerName: "Administrators",
  };
}

function serviceSettings(host: Host): Values {
  const third = host.record.hostGuid.slice(0, 4);
  return {
    InstanceID: `Microsoft:${host.computerName}`, ElementName: "Hyper-V Virtual System Management Service", Caption: "Hyper-V Virtual System Management Service", Description: "Settings for the Virtual Management Service.",
    DefaultExternalDataRoot: configurationRoot, DefaultVirtualHardDiskPath: virtualHardDiskPath, DefaultVirtualHardDiskCachingMode: 0,
    MinimumMacAddress: `00155D${third}00`, MaximumMacAddress: `00155D${third}FF`, MinimumWWPNAddress: `C003FF${third}000000`, MaximumWWPNAddress: `C003FF${third}00FFFF`, CurrentWWNNAddress: "C003FF0000FFFF00",
    NumaSpanningEnabled: true, EnhancedSessionModeEnabled: false, HypervisorRootSchedulerEnabled: false, HbaLunTimeout: 30, BiosLockString: "", PrimaryOwnerName: "Administrators", PrimaryOwnerContact: "",
    HypervisorSnpStatus: 0, HypervisorTdxStatus: 0,
  };
}

const capabilities: Values = {
  InstanceID: "Microsoft:VirtualSystemManagementCapabilities", ElementName: "Virtual System Management Capabilities", Caption: "Virtual System Management Capabilities",
  Description: "Capabilities of the Virtual System Management Service.", VirtualSystemTypesSupported: ["Microsoft:Hyper-V"],
};

function serviceObjects(host: Host): WmiObject[] {
  return Object.keys(services).filter((className) => wmiClass(virtualizationNamespace, className, host.release.name)).map((className) => wmiObject(host, className, serviceValues(host, className)));
}

export const serviceAssociations: readonly AssociationSource[] = [
  { className: "Msvm_HostedService", roles: ["Antecedent", "Dependent"], links: (host) => serviceObjects(host).map((service) => ({ ends: [hostSystemObject(host), service] })) },
  {
    className: "Msvm_HostedDependency", roles: ["Antecedent", "Dependent"],
    links: (host, of) => [...machinesOf(host, of)].map((machine) => ({ ends: [hostSystemObject(host), machineSystemObject(host, machine)] })),
  },
  {
    className: "Msvm_ServiceAffectsElement", roles: ["AffectingElement", "AffectedElement"],
    links: (host, of) => [...machinesOf(host, of)].map((machine) => ({ ends: [machineService(host), machineSystemObject(host, machine)], values: { ElementEffects: [5] } })),
  },
  {
    className: "Msvm_ElementCapabilities", roles: ["ManagedElement", "Capabilities"],
    links: (host) => [{ ends: [machineService(host), wmiObject(host, capabilitiesClass, capabilities)] }],
  },
  {
    className: "Msvm_ElementSettingData", roles: ["ManagedElement", "SettingData"],
    *links(host, of) {
      yield { ends: [machineService(host), wmiObject(host, serviceSettingsClass, serviceSettings(host))], values: { IsCurrent: 1, IsDefault: 1 } };
      for (const machine of machinesOf(host, of)) yield { ends: [machineSystemObject(host, machine), settingsObject(host, machine.record)], values: { IsCurrent: 1, IsDefault: 1 } };
    },
  },
  {
    className: "Msvm_SettingsDefineCapabilities", roles: ["GroupComponent", "PartComponent"],
    links: (host) => templateObjects(host).map((template) => ({ ends: [wmiObject(host, capabilitiesClass, capabilities), template], values: { PropertyPolicy: 0, ValueRole: 3, ValueRange: 0, SupportStatement: 3 } })),
  },
];

function machineService(host: Host): WmiObject {
  return wmiObject(host, machineServiceClass, serviceValues(host, machineServiceClass));
}
