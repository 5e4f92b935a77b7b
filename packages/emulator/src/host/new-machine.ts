import { randomUUID } from "node:crypto";
import { dateTimeFromDate, intervalFromMilliseconds } from "@signet/wsman";
import type { Uncertainties } from "../uncertainties.ts";
import { classNameOf, defaultValues, knownValues, type DeviceKind } from "./device-kinds.ts";
import { displayKind, floppyDriveKind, ideControllerKind, integrationKinds, memoryKind, processorKind, serialPortKind } from "./device-kinds-data.ts";
import type { DeviceRecord, MachineRecord, Values } from "./machine-record.ts";
import { microsoftWindowsTemplate, type Release } from "./releases.ts";

export const settingsClass = "Msvm_VirtualSystemSettingData";
export const securityClass = "Msvm_SecuritySettingData";
const realizedType = "Microsoft:Hyper-V:System:Realized";
export const snapshotType = "Microsoft:Hyper-V:Snapshot:Realized";
export const subTypePrefix = "Microsoft:Hyper-V:SubType:";
export const configurationRoot = "C:\\ProgramData\\Microsoft\\Windows\\Hyper-V";
// Settings of a machine's security are one object for each machine; the GUID is ours.
const securityGuid = "5F0C1D2A-6B7E-4C89-8F4D-2A3B4C5D6E7F";

/** The machine that a bare DefineSystem makes: no SCSI controller, adapter or DVD drive, Secure Boot on where there is firmware for it. */
export function newMachine(generation: 1 | 2, release: Release, nowMs: number, uncertainties: Uncertainties): MachineRecord {
  const guid = randomUUID().toUpperCase();
  return {
    guid, createdMs: nowMs, settings: newSettings(guid, generation, release, nowMs, uncertainties), devices: newDevices(guid, generation, release, uncertainties),
    bootDevices: [], wasRunning: false, saved: false, checkpoints: [], currentCheckpoint: null, keyProtector: null,
  };
}

/** `Microsoft:` and the machine's or the checkpoint's GUID: the InstanceID of settings, and the beginning of its devices'. */
export function settingsId(guid: string): string {
  return `Microsoft:${guid}`;
}

function newSettings(guid: string, generation: 1 | 2, release: Release, nowMs: number, uncertainties: Uncertainties): Values {
  const minutes = (count: number) => intervalFromMilliseconds(count * 60_000);
  const common: Values = {
    InstanceID: settingsId(guid), ElementName: "New Virtual Machine", Caption: "Virtual Machine Settings", Description: "Active settings for the virtual machine.",
    VirtualSystemIdentifier: guid, VirtualSystemType: realizedType, VirtualSystemSubType: `${subTypePrefix}${generation}`, Version: release.configurationVersion,
    CreationTime: dateTimeFromDate(new Date(nowMs)), Notes: [], ConfigurationID: guid,
    ConfigurationDataRoot: configurationRoot, ConfigurationFile: `Virtual Machines\\${guid}.${release.version.startsWith("6.") ? "xml" : "vmcx"}`,
    SnapshotDataRoot: configurationRoot, SuspendDataRoot: configurationRoot, SwapFileDataRoot: configurationRoot, LogDataRoot: configurationRoot,
    GuestStateDataRoot: configurationRoot, GuestStateFile: `Virtual Machines\\${guid}.vmgs`,
    AutomaticStartupAction: 3, AutomaticStartupActionDelay: minutes(0), AutomaticStartupActionSequenceNumber: 0, AutomaticShutdownAction: 3, AutomaticRecoveryAction: 3,
    AutomaticCriticalErrorAction: 1, AutomaticCriticalErrorActionTimeout: minutes(30), AutomaticSnapshotsEnabled: false, UserSnapshotType: 3, IsSaved: false, IsAutomaticSnapshot: false,
    BIOSGUID: `{${randomUUID().toUpperCase()}}`, BIOSSerialNumber: serialNumber(), BaseBoardSerialNumber: serialNumber(), ChassisSerialNumber: serialNumber(), ChassisAssetTag: serialNumber(),
    BIOSNumLock: false, DebugChannelId: 0, DebugPort: 0, DebugPortEnabled: 0, LowMmioGapSize: 128, HighMmioGapSize: 512, HighMmioGapBase: 0, VirtualNumaEnabled: true, IncrementalBackupEnabled: false,
    AllowFullSCSICommandSet: false, AllowReducedFcRedundancy: false, GuestControlledCacheTypes: false, LockOnDisconnect: false, ConsoleMode: 0, PauseAfterBootFailure: false,
    NetworkBootPreferredProtocol: 4096, TurnOffOnGuestRestart: false, EnableHibernation: false, EnhancedSessionTransportType: 0, Architecture: "x64",
    GuestStateIsolationEnabled: false, GuestStateIsolationType: 0, GuestStateIsolationMode: 0, SecureBootEnabled: generation === 2 && uncertainties.secureBootEnabledByDefault,
    ...(generation === 2 ? { SecureBootTemplateId: microsoftWindowsTemplate } : { BootOrder: [1, 2, 3, 0] }),
  };
  return knownValues(settingsClass, common, release);
}

/** In the form that Hyper-V gives them: groups of four digits. */
function serialNumber(): string {
  const digits = BigInt(`0x${randomUUID().replaceAll("-", "")}`).toString().slice(0, 26);
  return digits.replace(/(\d{4})(?=\d)/g, "$1-");
}

function newDevices(guid: string, generation: 1 | 2, release: Release, uncertainties: Uncertainties): DeviceRecord[] {
  const device = (kind: DeviceKind, id: string, values: Values = {}): DeviceRecord => newDevice(kind, id, values, release);
  const own = (kind: DeviceKind, suffix = "\\0") => `${settingsId(guid)}\\${kind.poolGuid}${suffix}`;
  const devices = [device(processorKind, own(processorKind)), device(memoryKind, own(memoryKind)), device(displayKind, own(displayKind))];
  if (generation === 1) {
    for (const place of [0, 1]) devices.push(device(ideControllerKind, own(ideControllerKind, `\\${place}`), { Address: String(place), ElementName: `IDE Controller ${place}` }));
    devices.push(device(floppyDriveKind, own(floppyDriveKind), { AddressOnParent: "0" }));
  }
  if (generation === 1 || uncertainties.defineMakesSerialPorts) {
    for (const port of [0, 1]) devices.push(device(serialPortKind, own(serialPortKind, `\\${port}`), { ElementName: `COM ${port + 1}`, Connection: [] }));
  }
  if (uncertainties.defineMakesIntegrationServices) {
    for (const kind of integrationKinds) devices.push(device(kind, own(kind, "")));
  }
  if (!release.version.startsWith("6.")) devices.push(newSecuritySettings(guid));
  return devices;
}

export function newDevice(kind: DeviceKind, id: string, values: Values, release: Release): DeviceRecord {
  const className = classNameOf(kind, release);
  return { className, id, values: { ...defaultValues(kind, release), ...knownValues(className, values, release), InstanceID: id } };
}

function newSecuritySettings(guid: string): DeviceRecord {
  const id = `${settingsId(guid)}\\${securityGuid}`;
  const values: Values = {
    InstanceID: id, ElementName: "Security Settings", Caption: "Security Settings", Description: "Settings for the security of the virtual machine.",
    TpmEnabled: false, KsdEnabled: false, ShieldingRequested: false, DataProtectionRequested: false, EncryptStateAndVmMigrationTraffic: false, VirtualizationBasedSecurityOptOut: false, BindToHostTpm: false, AppContainerLaunchOptOut: false,
  };
  return { className: securityClass, id, values };
}
