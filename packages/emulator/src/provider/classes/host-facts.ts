import { dateTimeFromDate } from "@signet/wsman";
import { cimv2Namespace } from "@signet/hyperv/schema";
import { parentPartitionBytes } from "../../host/capacity.ts";
import { isKind } from "../../host/device-kinds.ts";
import { memoryKind, processorKind } from "../../host/device-kinds-data.ts";
import type { Host } from "../../host/host.ts";
import type { Values } from "../../host/machine-record.ts";
import type { HostProcess } from "../../host/processes.ts";
import { type AssociationSource, type ClassSources, wmiObject } from "../class-source.ts";

const hyperVFeature = 20;
const mebibyte = 1_048_576;

/** Facts of the host's own Windows: what root/cimv2 answers about it. */
export const hostFactSources: ClassSources = {
  Win32_OperatingSystem: (host) => [operatingSystem(host)],
  Win32_ComputerSystem: (host) => [computerSystem(host)],
  Win32_ComputerSystemProduct: (host) => [product(host)],
  Win32_Processor: (host) => [processor(host)],
  Win32_LogicalDisk: async (host) => [await logicalDisk(host)],
  Win32_OptionalFeature: () => ["Microsoft-Hyper-V", "Microsoft-Hyper-V-Management-Clients"].map((name) => ({ Name: name, Caption: name, Description: name, InstallState: 1, Status: "OK" })),
  Win32_ServerFeature: () => [{ ID: hyperVFeature, Name: "Hyper-V", ParentID: 0 }],
  Win32_Service: (host) => ["vmms", "WinRM"].map((name) => service(host, name)),
  Win32_Process: (host) => [...host.processes.all()].map((one) => runningProcess(host, one)),
  Win32_PerfRawData_HvStats_HyperVHypervisorVirtualProcessor: virtualProcessors,
};

/** Memory that machines which run have taken. */
export function memoryInUseBytes(host: Host): number {
  let sum = parentPartitionBytes;
  for (const machine of host.machines) {
    if (machine.machine.power === "off") continue;
    sum += Number(machine.record.devices.find((device) => isKind(device, memoryKind))?.values["VirtualQuantity"] ?? 0) * mebibyte;
  }
  return sum;
}

function operatingSystem(host: Host): Values {
  const kibibytes = (bytes: number) => Math.max(0, Math.floor(bytes / 1024));
  const free = kibibytes(host.capacity.memoryBytes - memoryInUseBytes(host));
  const total = kibibytes(host.capacity.memoryBytes);
  const time = (atMs: number) => dateTimeFromDate(new Date(atMs));
  return {
    Name: `${host.release.caption}|C:\\Windows|\\Device\\Harddisk0\\Partition3`, Caption: host.release.caption, Version: host.release.version, BuildNumber: host.release.version.split(".")[2] ?? "", BuildType: "Multiprocessor Free",
    CSName: host.computerName, CSCreationClassName: "Win32_ComputerSystem", CreationClassName: "Win32_OperatingSystem", Manufacturer: "Microsoft Corporation", OSArchitecture: "64-bit", OSLanguage: 1033, OSType: 18, OSProductSuite: 400, SuiteMask: 400,
    OperatingSystemSKU: 8, ProductType: 3, Primary: true, Distributed: false, Debug: false, PortableOperatingSystem: false, ServicePackMajorVersion: 0, ServicePackMinorVersion: 0, Status: "OK", Locale: "0409", CodeSet: "1252", CountryCode: "1", CurrentTimeZone: 0, MUILanguages: ["en-US"],
    SystemDirectory: "C:\\Windows\\system32", SystemDrive: "C:", WindowsDirectory: "C:\\Windows", BootDevice: "\\Device\\HarddiskVolume1", SystemDevice: "\\Device\\HarddiskVolume3",
    TotalVisibleMemorySize: total, FreePhysicalMemory: free, TotalVirtualMemorySize: total, FreeVirtualMemory: free, FreeSpaceInPagingFiles: 0, SizeStoredInPagingFiles: 0, MaxProcessMemorySize: 137_438_953_344, MaxNumberOfProcesses: 4_294_967_295,
    NumberOfProcesses: 64, NumberOfUsers: 1, NumberOfLicensedUsers: 0, EncryptionLevel: 256, ForegroundApplicationBoost: 2, SerialNumber: "", RegisteredUser: "", Organization: "",
    DataExecutionPrevention_Available: true, DataExecutionPrevention_32BitApplications: true, DataExecutionPrevention_Drivers: true, DataExecutionPrevention_SupportPolicy: 3,
    LocalDateTime: time(host.clock.nowMs()), LastBootUpTime: time(host.bootedMs), InstallDate: time(host.record.installedMs),
  };
}

function computerSystem(host: Host): Values {
  return {
    Name: host.computerName, Caption: host.computerName, DNSHostName: host.name, Domain: "WORKGROUP", Workgroup: "WORKGROUP", DomainRole: 2, PartOfDomain: false, CreationClassName: "Win32_ComputerSystem", Description: "AT/AT COMPATIBLE",
    Manufacturer: "Signet", Model: "Emulated Hyper-V host", SystemFamily: "Emulated", SystemType: "x64-based PC", PCSystemType: 4, PCSystemTypeEx: 4, HypervisorPresent: true, NumberOfProcessors: 1, NumberOfLogicalProcessors: host.capacity.logicalProcessors,
    TotalPhysicalMemory: host.capacity.memoryBytes, Status: "OK", BootupState: "Normal boot", PowerState: 0, ThermalState: 3, WakeUpType: 6, ResetCapability: 1, CurrentTimeZone: 0, DaylightInEffect: false, EnableDaylightSavingsTime: true,
    AutomaticManagedPagefile: true, AutomaticResetBootOption: true, AutomaticResetCapability: true, BootROMSupported: true, InfraredSupported: false, NetworkServerModeEnabled: true, PrimaryOwnerName: "Administrators", Roles: ["LM_Workstation", "LM_Server", "NT", "Server_NT"],
    AdminPasswordStatus: 3, ChassisBootupState: 3, FrontPanelResetStatus: 3, KeyboardPasswordStatus: 3, PowerOnPasswordStatus: 3, PowerSupplyState: 3, PauseAfterReset: -1, ResetCount: -1, ResetLimit: -1, UserName: null,
  };
}

function product(host: Host): Values {
  return { Name: "Emulated Hyper-V host", Caption: "Computer System Product", Description: "Computer System Product", IdentifyingNumber: host.record.hostGuid, UUID: host.record.hostGuid, Vendor: "Signet", Version: host.release.version };
}

function processor(host: Host): Values {
  const count = host.capacity.logicalProcessors;
  return {
    DeviceID: "CPU0", Name: "Emulated x86-64 processor", Caption: "x64 Family 6 Model 85 Stepping 7", Description: "x64 Family 6 Model 85 Stepping 7", Manufacturer: "GenuineIntel", ProcessorType: 3, Architecture: 9, AddressWidth: 64, DataWidth: 64, Family: 179, Level: 6, Revision: 21_767,
    MaxClockSpeed: 2500, CurrentClockSpeed: 2500, ExtClock: 100, NumberOfCores: count, NumberOfEnabledCore: count, NumberOfLogicalProcessors: count, ThreadCount: count, ProcessorId: "1FABFBFF00050657", CpuStatus: 1, Availability: 3, Status: "OK", StatusInfo: 3, Role: "CPU",
    SocketDesignation: "CPU 0", LoadPercentage: 0, L2CacheSize: 1024, L2CacheSpeed: 0, L3CacheSize: 32_768, L3CacheSpeed: 0, UpgradeMethod: 1, CreationClassName: "Win32_Processor", SystemCreationClassName: "Win32_ComputerSystem", SystemName: host.computerName,
    VMMonitorModeExtensions: true, VirtualizationFirmwareEnabled: true, SecondLevelAddressTranslationExtensions: true, PowerManagementSupported: false, ConfigManagerErrorCode: 0,
  };
}

async function logicalDisk(host: Host): Promise<Values> {
  const { sizeBytes, freeBytes } = await host.capacity.disk();
  return {
    DeviceID: "C:", Name: "C:", Caption: "C:", Description: "Local Fixed Disk", DriveType: 3, MediaType: 12, FileSystem: "NTFS", Size: sizeBytes, FreeSpace: freeBytes, VolumeName: "", VolumeSerialNumber: host.record.hostGuid.slice(0, 8), MaximumComponentLength: 255, Compressed: false,
    SupportsFileBasedCompression: true, SupportsDiskQuotas: false, CreationClassName: "Win32_LogicalDisk", SystemCreationClassName: "Win32_ComputerSystem", SystemName: host.computerName,
  };
}

function runningProcess(host: Host, { id, commandLine, startedMs }: HostProcess): Values {
  const program = (/^\s*(?:"([^"]*)"|(\S+))/.exec(commandLine) ?? []).slice(1).find((part) => part !== undefined) ?? commandLine;
  const name = program.split("\\").at(-1) ?? program;
  return {
    Handle: String(id), ProcessId: id, Name: name, Caption: name, Description: name, CommandLine: commandLine, ExecutablePath: program, CreationDate: dateTimeFromDate(new Date(startedMs)), ParentProcessId: 0, SessionId: 0, ThreadCount: 1, Priority: 8,
    CreationClassName: "Win32_Process", CSName: host.computerName, CSCreationClassName: "Win32_ComputerSystem", OSName: host.release.caption, OSCreationClassName: "Win32_OperatingSystem", WindowsVersion: host.release.version,
  };
}

function service(host: Host, name: string): Values {
  return { Name: name, DisplayName: name, Caption: name, State: "Running", Started: true, StartMode: "Auto", Status: "OK", SystemName: host.computerName, SystemCreationClassName: "Win32_ComputerSystem", CreationClassName: "Win32_Service" };
}

/** One instance for each virtual processor, named `machine:Hv VP n` as the performance counters are; libvirt sums TotalRunTime up. */
function* virtualProcessors(host: Host): Iterable<Values> {
  for (const machine of host.machines) {
    const count = Number(machine.record.devices.find((device) => isKind(device, processorKind))?.values["VirtualQuantity"] ?? 0);
    if (machine.machine.power === "off") continue;
    // In units of 100 ns; an emulated machine's share of the processor is not measured, so the time it was on stands for it.
    const runTime = BigInt(Math.floor(machine.upTimeMs)) * 10_000n;
    for (let index = 0; index < count; index++) {
      yield { Name: `${machine.name}:Hv VP ${index}`, Caption: null, Description: null, PercentTotalRunTime: runTime, PercentGuestRunTime: runTime, Timestamp_Sys100NS: BigInt(host.clock.nowMs()) * 10_000n, Frequency_Sys100NS: 10_000_000 };
    }
  }
}

export const hostFactAssociations: readonly AssociationSource[] = [
  {
    className: "Win32_ComputerSystemProcessor", roles: ["GroupComponent", "PartComponent"],
    links: (host) => [{ ends: [wmiObject(host, "Win32_ComputerSystem", computerSystem(host), cimv2Namespace), wmiObject(host, "Win32_Processor", processor(host), cimv2Namespace)] }],
  },
];
