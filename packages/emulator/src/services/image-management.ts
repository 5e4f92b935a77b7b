import { writeCimXml } from "@signet/wsman";
import type { CimInstance, CimProperty, CimType } from "@signet/wsman/cim";
import type { DiskFormat, DiskType, NewDiskSettings } from "../drive/virtual-disks.ts";
import { refusing } from "../host/refuse-disk-work.ts";
import type { Host } from "../host/host.ts";
import type { JobKind } from "../host/jobs.ts";
import { invalidParameter, Refusal, returnCode } from "../host/refusal.ts";
import type { Values } from "../host/machine-record.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { finishAsJob, startJob } from "./job-answer.ts";
import { readSettings } from "./read-settings.ts";

const service = "Msvm_ImageManagementService";
const diskClass = "Msvm_VirtualHardDiskSettingData";
const types: Readonly<Record<number, DiskType>> = { 2: "fixed", 3: "dynamic", 4: "differencing" };
const formats: Readonly<Record<number, DiskFormat>> = { 2: "vhd", 3: "vhdx" };

/** Virtual hard disks, each as a storage job: Msvm_ImageManagementService. */
export const imageManagementMethods: Readonly<Record<string, MethodHandler>> = {
  [`${service}.CreateVirtualHardDisk`]: async (call) => {
    const settings = newDisk(call, "VirtualDiskSettingData");
    return storageJob(call.host, "Creating Virtual Hard Disk", (signal) => call.host.disks.create(settings, signal));
  },
  [`${service}.ConvertVirtualHardDisk`]: async (call) => {
    const source = pathOf(call, "SourcePath");
    const settings = newDisk(call, "VirtualDiskSettingData");
    return storageJob(call.host, "Converting Virtual Hard Disk", (signal) => call.host.disks.convert(source, settings, signal));
  },
  [`${service}.ResizeVirtualHardDisk`]: async (call) => {
    const path = pathOf(call, "Path");
    const sizeBytes = call.input.number("MaxInternalSize");
    if (sizeBytes === null) throw invalidParameter("MaxInternalSize is missing.");
    return storageJob(call.host, "Resizing Virtual Hard Disk", (signal) => call.host.disks.resize(path, sizeBytes, signal));
  },
  [`${service}.MergeVirtualHardDisk`]: async (call) => {
    const [source, destination] = [pathOf(call, "SourcePath"), pathOf(call, "DestinationPath")];
    return storageJob(call.host, "Merging Virtual Hard Disk", (signal) => call.host.disks.merge(source, destination, signal));
  },
  [`${service}.CompactVirtualHardDisk`]: async (call) => {
    const path = pathOf(call, "Path");
    const mode = call.input.number("Mode") ?? 0;
    return storageJob(call.host, "Compacting Virtual Hard Disk", (signal) => call.host.disks.compact(path, mode, signal));
  },
  [`${service}.ValidateVirtualHardDisk`]: async (call) => {
    const path = pathOf(call, "Path");
    return storageJob(call.host, "Validating Virtual Hard Disk", (signal) => call.host.disks.validate(path, signal));
  },
  [`${service}.SetParentVirtualHardDisk`]: async (call) => {
    const [child, parent] = [pathOf(call, "ChildPath"), pathOf(call, "ParentPath")];
    return storageJob(call.host, "Setting Parent of Virtual Hard Disk", (signal) => call.host.disks.setParent(child, parent, signal, { ignoreIdMismatch: call.input.flag("IgnoreIDMismatch") }));
  },
  [`${service}.GetVirtualHardDiskSettingData`]: (call) => reading(call, "Reading Virtual Hard Disk Settings", async (path, signal) => ({ SettingData: describeSettings(await call.host.disks.settings(path, signal)) })),
  [`${service}.GetVirtualHardDiskState`]: (call) => reading(call, "Reading Virtual Hard Disk State", async (path, signal) => ({ State: describeState(await call.host.disks.state(path, signal)) })),
};

function kindOf(caption: string): JobKind {
  return { className: "Msvm_StorageJob", type: 0, caption, affected: [], cancellable: true };
}

function storageJob(host: Host, caption: string, work: (signal: AbortSignal) => Promise<void>) {
  return startJob(host, kindOf(caption), (job) => refusing(() => work(job.abort.signal)));
}

/** Reading is done at once and answered with 0; what cannot be read ends in a job, as every failure of this service does. */
async function reading(call: MethodCall, caption: string, work: (path: string, signal: AbortSignal) => Promise<Readonly<Record<string, string>>>) {
  const path = pathOf(call, "Path");
  try {
    return { ...await refusing(() => work(path, new AbortController().signal)), ReturnValue: returnCode.completed };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return finishAsJob(call.host, kindOf(caption), async () => { throw error; });
  }
}

function pathOf({ input }: MethodCall, name: string): string {
  const path = input.text(name);
  if (path === null || path.trim() === "") throw invalidParameter(`${name} is missing.`);
  return path;
}

/** @throws Refusal */
function newDisk({ host, input }: MethodCall, parameter: string): NewDiskSettings {
  const instance = input.instance(parameter);
  if (!instance) throw invalidParameter(`${parameter} is missing.`);
  const values = readSettings(host, instance, diskClass);
  const type = types[Number(values["Type"])];
  const format = formats[Number(values["Format"])];
  if (!type || !format) throw new Refusal(returnCode.notSupportedByHost, `Disks of Type ${String(values["Type"])} and Format ${String(values["Format"])} are not supported; Type is 2 fixed, 3 dynamic, 4 differencing, Format 2 VHD, 3 VHDX.`);
  const number = (name: string) => (Number(values[name] ?? 0) === 0 ? null : Number(values[name]));
  return {
    path: String(values["Path"] ?? ""), format, type, parentPath: textOrNull(values, "ParentPath"), sizeBytes: number("MaxInternalSize") ?? 0,
    blockSizeBytes: number("BlockSize"), logicalSectorBytes: number("LogicalSectorSize"), physicalSectorBytes: number("PhysicalSectorSize"),
  };
}

function textOrNull(values: Values, name: string): string | null {
  const value = values[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function numberOf(names: Readonly<Record<number, string>>, wanted: string): number {
  return Number(Object.entries(names).find(([, name]) => name === wanted)?.[0] ?? 0);
}

function describeSettings(disk: Awaited<ReturnType<Host["disks"]["settings"]>>): string {
  return describe(diskClass, {
    Path: ["string", disk.path], Type: ["uint16", numberOf(types, disk.type)], Format: ["uint16", numberOf(formats, disk.format)], ParentPath: ["string", disk.parentPath], ParentIdentifier: ["string", null], ParentTimestamp: ["string", null],
    MaxInternalSize: ["uint64", disk.sizeBytes], BlockSize: ["uint32", disk.blockSizeBytes], LogicalSectorSize: ["uint32", disk.logicalSectorBytes], PhysicalSectorSize: ["uint32", disk.physicalSectorBytes],
    VirtualDiskId: ["string", disk.virtualDiskId], InstanceID: ["string", null], ElementName: ["string", null], Caption: ["string", "Virtual Hard Disk Setting Data"], Description: ["string", "Setting Data for a Virtual Hard Disk."],
  });
}

function describeState(state: Awaited<ReturnType<Host["disks"]["state"]>>): string {
  return describe("Msvm_VirtualHardDiskState", {
    FileSize: ["uint64", state.fileSizeBytes], InUse: ["boolean", state.inUse], MinInternalSize: ["uint64", state.minInternalSizeBytes], PhysicalSectorSize: ["uint32", null], Alignment: ["uint32", null], FragmentationPercentage: ["uint32", 0], Timestamp: ["string", null],
  });
}

function describe(className: string, properties: Readonly<Record<string, readonly [CimType, string | number | boolean | null]>>): string {
  const entries = Object.entries(properties).map(([name, [type, value]]): [string, CimProperty] => [name, { type, array: false, value }]);
  const instance: CimInstance = { kind: "instance", className, properties: Object.fromEntries(entries) };
  return writeCimXml(instance);
}
