import { writeCimXml, type CimProperty } from "@signet/wsman";
import { isKind } from "../../host/device-kinds.ts";
import { diskDriveKind, dvdDriveKind, emulatedNicKind, heartbeatKind, kvpKind, memoryKind, processorKind, serialPortKind, shutdownKind, syntheticNicKind, type DeviceKind } from "../../host/device-kinds-data.ts";
import type { Host } from "../../host/host.ts";
import { generationOf, type DeviceRecord, type Values } from "../../host/machine-record.ts";
import { enabledState, type VirtualMachine } from "../../host/virtual-machine.ts";
import { type AssociationSource, type ClassSources, machinesNamed, machinesOf, wmiObject } from "../class-source.ts";
import { wmiClass } from "../wmi-class.ts";
import { machineSystemObject } from "./computer-systems.ts";
import { deviceObject } from "./device-settings.ts";
import { settingsObject } from "./system-settings.ts";
import { virtualizationNamespace } from "@signet/hyperv/schema";

/** A device as the running machine has it, beside the settings that describe it. */
interface RuntimeDevice {
  readonly className: string;
  readonly values: Values;
  /** The settings that it realises, where it has some. */
  readonly settings?: DeviceRecord;
}

const runtimeClasses = [
  "Msvm_Processor", "Msvm_Memory", "Msvm_SyntheticEthernetPort", "Msvm_DiskDrive", "Msvm_DVDDrive", "Msvm_SerialPort", "Msvm_Keyboard", "Msvm_SyntheticDisplayController", "Msvm_S3DisplayController",
  "Msvm_VideoHead", "Msvm_HeartbeatComponent", "Msvm_KvpExchangeComponent", "Msvm_ShutdownComponent", "Msvm_TPM",
];

export const machineDeviceSources: ClassSources = Object.fromEntries(runtimeClasses.map((className) => [className, function* (host: Host, narrowing) {
  for (const machine of machinesNamed(host, narrowing.guid(["SystemName", "InstanceID"]))) {
    for (const device of devicesOf(host, machine)) if (device.className === className) yield device.values;
  }
}] satisfies [string, ClassSources[string]]));

/** OperationalStatus of the heartbeat: 2 OK, 12 no contact. */
export const heartbeat = { ok: 2, noContact: 12 } as const;

function devicesOf(host: Host, machine: VirtualMachine): RuntimeDevice[] {
  const isUp = machine.machine.power !== "off";
  const id = (suffix: string) => `Microsoft:${machine.guid}\\${suffix}`;
  const found: RuntimeDevice[] = [];
  const add = (className: string, deviceId: string, title: string, values: Values = {}, settings?: DeviceRecord): void => {
    if (wmiClass(virtualizationNamespace, className, host.release.name)) found.push({ className, values: { ...logicalDevice(machine, className, deviceId, title), ...values }, ...(settings ? { settings } : {}) });
  };
  for (const device of machine.record.devices) addRealised(device, isUp, add);
  add("Msvm_Keyboard", id("Keyboard"), "Keyboard", { UnicodeSupported: true });
  addDisplay(machine, isUp, add);
  if (isUp) addIntegration(host, machine, add);
  return found;
}

type Add = (className: string, deviceId: string, title: string, values?: Values, settings?: DeviceRecord) => void;

function addRealised(device: DeviceRecord, isUp: boolean, add: Add): void {
  const is = (kind: DeviceKind) => isKind(device, kind);
  const address = String(device.values["Address"] ?? "");
  // A machine that is off has no processors and no memory, and its adapters are not on any wire.
  if (is(processorKind) && isUp) for (let index = 0; index < Number(device.values["VirtualQuantity"]); index++) add("Msvm_Processor", `${device.id}\\${index}`, "Processor", { LoadPercentage: 0, Role: "central processor" }, device);
  if (is(memoryKind) && isUp) add("Msvm_Memory", device.id, "Memory", { BlockSize: 1_048_576, NumberOfBlocks: Number(device.values["VirtualQuantity"]) }, device);
  if (is(syntheticNicKind) || is(emulatedNicKind)) add("Msvm_SyntheticEthernetPort", device.id, String(device.values["ElementName"]), { PermanentAddress: address, NetworkAddresses: [address], LinkTechnology: 2, Speed: 10_000_000_000 }, device);
  if (is(diskDriveKind)) add("Msvm_DiskDrive", device.id, "Hard Drive", { Capabilities: [3, 4] }, device);
  if (is(dvdDriveKind)) add("Msvm_DVDDrive", device.id, "DVD Drive", { Capabilities: [3] }, device);
  if (is(serialPortKind)) add("Msvm_SerialPort", device.id, String(device.values["ElementName"]), {}, device);
  if (device.values["TpmEnabled"] === true && isUp) add("Msvm_TPM", device.id, "Trusted Platform Module");
}

const screenWidth = 1024;
const screenHeight = 768;

function addDisplay(machine: VirtualMachine, isUp: boolean, add: Add): void {
  const controller = generationOf(machine.record) === 1 ? "Msvm_S3DisplayController" : "Msvm_SyntheticDisplayController";
  add(controller, `Microsoft:${machine.guid}\\Display`, "Display Controller", { EnabledState: isUp ? 2 : 3 });
  // EnabledState is never null here: libvirt's screenshot ends in a crash otherwise, and only 2 makes it use the head.
  if (isUp) add("Msvm_VideoHead", `Microsoft:${machine.guid}\\Display\\0`, "Video Head", { EnabledState: 2, CurrentHorizontalResolution: screenWidth, CurrentVerticalResolution: screenHeight, CurrentBitsPerPixel: 32, CurrentRefreshRate: 60, CurrentNumberOfColors: 16_777_216 });
}

function addIntegration(host: Host, machine: VirtualMachine, add: Add): void {
  const answers = machine.machine.guestAnswers;
  const enabled = (kind: DeviceKind) => machine.record.devices.find((device) => isKind(device, kind) && device.values["EnabledState"] === 2);
  const heart = enabled(heartbeatKind);
  if (heart) add("Msvm_HeartbeatComponent", heart.id, "Heartbeat", answers ? {} : { OperationalStatus: [heartbeat.noContact, 32_775], StatusDescriptions: ["No Contact", "No Contact"], Status: "No Contact" }, heart);
  const exchange = enabled(kvpKind);
  if (exchange) add("Msvm_KvpExchangeComponent", exchange.id, "Key-Value Pair Exchange", { GuestIntrinsicExchangeItems: answers ? intrinsicItems(host, machine) : [], GuestExchangeItems: [] }, exchange);
  const shutdown = enabled(shutdownKind);
  // The instance exists only while the guest's service runs: none means that no soft shutdown is possible.
  if (shutdown && answers) add("Msvm_ShutdownComponent", shutdown.id, "Shutdown", {}, shutdown);
}

/** What the guest of a machine that pretends tells of itself. */
function intrinsicItems(host: Host, machine: VirtualMachine): string[] {
  const facts: Readonly<Record<string, string>> = {
    FullyQualifiedDomainName: machine.name, OSName: guestOperatingSystem, OSVersion: "1.0.0", OSMajorVersion: "1", OSMinorVersion: "0", OSBuildNumber: "0", OSPlatformId: "2", ProcessorArchitecture: "9",
    IntegrationServicesVersion: host.release.version, NetworkAddressIPv4: "", NetworkAddressIPv6: "",
  };
  return Object.entries(facts).map(([name, data]) => writeCimXml({
    kind: "instance", className: "Msvm_KvpExchangeDataItem", properties: { Name: text(name), Data: text(data), Source: { type: "uint16", array: false, value: 2 }, Caption: text(null), Description: text(null), ElementName: text(null), InstanceID: text(null) },
  }));
}

export const guestOperatingSystem = "Instant guest";

function text(value: string | null): CimProperty {
  return { type: "string", array: false, value };
}

function logicalDevice(machine: VirtualMachine, className: string, deviceId: string, title: string): Values {
  return {
    CreationClassName: className, DeviceID: deviceId, SystemCreationClassName: "Msvm_ComputerSystem", SystemName: machine.guid, ElementName: title, Name: title, Caption: title, Description: `Microsoft ${title}`,
    EnabledState: machine.state === enabledState.off ? 3 : 2, EnabledDefault: 2, RequestedState: 12, HealthState: 5, OperationalStatus: [2], StatusDescriptions: ["OK"], Status: "OK",
  };
}

export const machineDeviceAssociations: readonly AssociationSource[] = [
  {
    className: "Msvm_SystemDevice", roles: ["GroupComponent", "PartComponent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) for (const device of devicesOf(host, machine)) yield { ends: [machineSystemObject(host, machine), wmiObject(host, device.className, device.values)] };
    },
  },
  {
    className: "Msvm_SettingsDefineState", roles: ["ManagedElement", "SettingData"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        yield { ends: [machineSystemObject(host, machine), settingsObject(host, machine.record)] };
        for (const { className, values, settings } of devicesOf(host, machine)) if (settings) yield { ends: [wmiObject(host, className, values), deviceObject(host, settings)] };
      }
    },
  },
  {
    className: "Msvm_VideoHeadOnController", roles: ["Antecedent", "Dependent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        const devices = devicesOf(host, machine);
        const controller = devices.find(({ className }) => className.endsWith("DisplayController"));
        const head = devices.find(({ className }) => className === "Msvm_VideoHead");
        if (controller && head) yield { ends: [wmiObject(host, controller.className, controller.values), wmiObject(host, head.className, head.values)] };
      }
    },
  },
];
