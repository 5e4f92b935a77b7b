import type { MethodOutput } from "@signet/wsman";
import type { CimInstance } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import type { MachineConfiguration, Values } from "../host/machine-record.ts";
import { invalidParameter, returnCode } from "../host/refusal.ts";
import type { VirtualMachine } from "../host/virtual-machine.ts";
import { summaryClass, summaryOf } from "../provider/classes/summary-information.ts";
import { wmiObject } from "../provider/class-source.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { toInstance } from "../provider/wmi-object.ts";
import { configurationTarget } from "./targets.ts";

const service = "Msvm_VirtualSystemManagementService";

export const machineInformationMethods: Readonly<Record<string, MethodHandler>> = {
  [`${service}.GetSummaryInformation`]: getSummaryInformation,
  [`${service}.GetVirtualSystemThumbnailImage`]: getThumbnail,
};

/** Which property answers to which number of RequestedInformation. Thumbnails (5, 6, 7) are pictures of three sizes. */
const properties: Readonly<Record<number, string>> = {
  0: "Name", 1: "ElementName", 2: "CreationTime", 3: "Notes", 4: "NumberOfProcessors", 8: "AllocatedGPU", 9: "VirtualSwitchNames", 10: "Version", 11: "Shielded", 100: "EnabledState", 101: "ProcessorLoad", 102: "ProcessorLoadHistory", 103: "MemoryUsage",
  104: "Heartbeat", 105: "UpTime", 106: "GuestOperatingSystem", 107: "Snapshots", 108: "AsynchronousTasks", 109: "HealthState", 110: "OperationalStatus", 111: "StatusDescriptions", 112: "MemoryAvailable", 113: "AvailableMemoryBuffer",
  114: "ReplicationMode", 115: "ReplicationState", 116: "ReplicationHealth", 117: "ApplicationHealth", 120: "SwapFilesInUse", 121: "IntegrationServicesVersionState", 132: "MemorySpansPhysicalNumaNodes", 135: "OtherEnabledState", 136: "EnhancedSessionModeState", 137: "VirtualSystemSubType", 138: "HostComputerSystemName",
};
const thumbnailSizes: Readonly<Record<number, readonly [number, number]>> = { 5: [80, 60], 6: [160, 120], 7: [320, 240] };
// A picture of the largest screen that a machine can have.
const pixelsMax = 7680;

async function getSummaryInformation({ host, input }: MethodCall): Promise<MethodOutput> {
  const references = input.references("SettingData");
  const targets = references.length > 0 ? references.map((reference) => configurationTarget(host, reference, "SettingData")) : [...host.machines].map((machine) => ({ machine, configuration: machine.record }));
  const requested = input.list("RequestedInformation").map(Number);
  const summaries: CimInstance[] = [];
  for (const { machine, configuration } of targets) summaries.push(await summary(host, machine, configuration, requested));
  return { SummaryInformation: summaries, ReturnValue: returnCode.completed };
}

/** Only what was asked for has a value; nothing asked means all but pictures. The key is always there. */
async function summary(host: Host, machine: VirtualMachine, configuration: MachineConfiguration, requested: readonly number[]): Promise<CimInstance> {
  const all = summaryOf(host, machine, configuration);
  const wanted = requested.length === 0 ? all : Object.fromEntries(requested.flatMap((code) => {
    const name = properties[code];
    return name === undefined ? [] : [[name, all[name] ?? null]];
  }));
  const size = requested.map((code) => thumbnailSizes[code]).find((one) => one !== undefined);
  const picture: Values = {};
  if (size) {
    const image = await machine.machine.picture(...size);
    if (image) Object.assign(picture, { ThumbnailImage: [...image], ThumbnailImageWidth: size[0], ThumbnailImageHeight: size[1] });
  }
  return toInstance(wmiObject(host, summaryClass, { ...wanted, ...picture, InstanceID: all["InstanceID"] ?? null }));
}

async function getThumbnail({ host, input }: MethodCall): Promise<MethodOutput> {
  const { machine } = configurationTarget(host, input.reference("TargetSystem"), "TargetSystem");
  const [width, height] = [input.number("WidthPixels") ?? 0, input.number("HeightPixels") ?? 0];
  if (width < 1 || height < 1 || width > pixelsMax || height > pixelsMax) throw invalidParameter(`A picture is 1 to ${pixelsMax} pixels wide and high.`);
  const image = await machine.machine.picture(width, height);
  if (!image) return { ImageData: null, ReturnValue: returnCode.invalidState };
  // One base64 text, as WinRM maps bytes, and as libvirt reads it.
  return { ImageData: Buffer.from(image).toString("base64"), ReturnValue: returnCode.completed };
}
