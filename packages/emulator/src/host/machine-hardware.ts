import { templateById } from "@signet/secure-boot/trust";
import type { FirmwareSettings, MachineDisk, MachineHardware } from "../machine/machine.ts";
import { VirtualDiskError, type RuntimeDisk } from "../drive/virtual-disks.ts";
import { Refusal, returnCode } from "./refusal.ts";
import { isKind } from "./device-kinds.ts";
import { cdImageKind, connectionKind, diskDriveKind, dvdDriveKind, emulatedNicKind, hardDiskImageKind, ideControllerKind, memoryKind, processorKind, scsiControllerKind, serialPortKind, syntheticNicKind } from "./device-kinds-data.ts";
import type { Host } from "./host.ts";
import { deviceById, generationOf, type DeviceRecord, type MachineRecord } from "./machine-record.ts";
import { microsoftWindowsTemplate } from "./releases.ts";

const mebibyte = 1_048_576;

/** A machine's parts ready to run, and the disks that are in use for it until it is off. */
export interface PreparedHardware {
  readonly hardware: MachineHardware;
  readonly disks: readonly RuntimeDisk[];
}

/** What a machine's record says, as QEMU will have it. @throws Refusal when a part cannot be had: a missing disk, above all */
export async function prepareHardware(host: Host, record: MachineRecord): Promise<PreparedHardware> {
  const taken: RuntimeDisk[] = [];
  try {
    const disks: MachineDisk[] = [];
    for (const drive of drivesInOrder(record)) {
      const image = imageIn(record, drive);
      if (image === null) continue;
      const runtime = await takeDisk(host, record, image);
      taken.push(runtime);
      disks.push({ path: runtime.path, format: runtime.format, logicalSectorBytes: runtime.logicalSectorBytes, media: isKind(drive, dvdDriveKind) ? "cdrom" : "disk", ...placeOf(record, drive) });
    }
    const number = (kind: typeof memoryKind) => Number(record.devices.find((device) => isKind(device, kind))?.values["VirtualQuantity"] ?? 0);
    const hardware: MachineHardware = {
      generation: generationOf(record), cpuCount: number(processorKind), memoryBytes: number(memoryKind) * mebibyte, firmware: firmwareOf(record), disks, nics: nicsOf(record), serialPort: firstPipeOf(record) !== null,
    };
    return { hardware, disks: taken };
  } catch (error) {
    await releaseDisks(taken);
    throw error;
  }
}

export async function releaseDisks(disks: readonly RuntimeDisk[]): Promise<void> {
  for (const disk of disks) await disk.release();
}

/** The name of the pipe that COM1 leads to, without `\\.\pipe\`; null when it leads nowhere. */
export function firstPipeOf(record: MachineRecord): string | null {
  const port = record.devices.find((device) => isKind(device, serialPortKind));
  const connection = port?.values["Connection"];
  return Array.isArray(connection) && typeof connection[0] === "string" ? /\\pipe\\(.+)$/i.exec(connection[0])?.[1] ?? null : null;
}

function firmwareOf(record: MachineRecord): FirmwareSettings | null {
  if (generationOf(record) === 1) return null;
  // On 6.3 there is no template property: the authority of Windows is built in.
  const asked = record.settings["SecureBootTemplateId"];
  const template = templateById(typeof asked === "string" && asked !== "" ? asked : microsoftWindowsTemplate);
  if (!template?.contentsKnown) throw new Refusal(returnCode.failed, `The contents of the Secure Boot template ${String(asked)} are not known.`);
  return { secureBootEnabled: record.settings["SecureBootEnabled"] === true, trustId: template.id, trust: template.variables };
}

/** Generation 2 by its boot order, what is not in it behind; generation 1 by the classes of devices in BootOrder. */
function drivesInOrder(record: MachineRecord): DeviceRecord[] {
  const drives = record.devices.filter((device) => isKind(device, diskDriveKind) || isKind(device, dvdDriveKind));
  if (generationOf(record) === 2) return drives.toSorted((left, right) => rank(record.bootDevices, left.id) - rank(record.bootDevices, right.id));
  const order = (Array.isArray(record.settings["BootOrder"]) ? record.settings["BootOrder"] : []).map(Number);
  const classOf = (drive: DeviceRecord) => (isKind(drive, dvdDriveKind) ? bootClass.cd : placeOf(record, drive).bus === "ide" ? bootClass.ide : bootClass.scsi);
  return drives.toSorted((left, right) => rank(order, classOf(left)) - rank(order, classOf(right)));
}

const bootClass = { cd: 1, ide: 2, scsi: 4 } as const;

function rank<T>(order: readonly T[], item: T): number {
  const index = order.indexOf(item);
  return index < 0 ? order.length : index;
}

const slotsOfController = 64;

function placeOf(record: MachineRecord, drive: DeviceRecord): { readonly bus: "scsi" | "ide"; readonly unit: number } {
  const location = Number(drive.values["AddressOnParent"] ?? 0);
  const controller = deviceById(record, drive.id.split("\\").slice(0, -2).join("\\"));
  if (controller && isKind(controller, ideControllerKind)) return { bus: "ide", unit: Number(controller.values["Address"] ?? 0) * 2 + location };
  const controllers = record.devices.filter((device) => isKind(device, scsiControllerKind));
  return { bus: "scsi", unit: Math.max(0, controllers.findIndex((one) => one.id === controller?.id)) * slotsOfController + location };
}

function imageIn(record: MachineRecord, drive: DeviceRecord): string | null {
  const image = deviceById(record, `${drive.id.slice(0, -1)}L`);
  const resource = image && (isKind(image, hardDiskImageKind) || isKind(image, cdImageKind)) ? image.values["HostResource"] : null;
  return Array.isArray(resource) && typeof resource[0] === "string" ? resource[0] : null;
}

/** In the words of Hyper-V, down to the number of the error of Windows. */
async function takeDisk(host: Host, record: MachineRecord, path: string): Promise<RuntimeDisk> {
  try {
    return await host.disks.runtimeDisk(path);
  } catch (cause) {
    if (!(cause instanceof VirtualDiskError)) throw cause;
    const name = String(record.settings["ElementName"]);
    throw new Refusal(returnCode.failed, `'${name}' failed to start. (Virtual machine ID ${record.guid}) '${name}' Synthetic SCSI Controller: Failed to Power on. Attachment '${path}' failed to open because of error: ${cause.message}`, "job", { cause });
  }
}

function nicsOf(record: MachineRecord): MachineHardware["nics"] {
  return record.devices.filter((device) => isKind(device, syntheticNicKind) || isKind(device, emulatedNicKind)).map((device) => {
    const connection = record.devices.find((one) => isKind(one, connectionKind) && one.id.startsWith(`${device.id}\\`));
    const resource = connection?.values["HostResource"];
    const connected = Number(connection?.values["EnabledState"] ?? 3) === 2 && Array.isArray(resource) && Boolean(resource[0]);
    return { macAddress: String(device.values["Address"] ?? "000000000000"), connected };
  });
}
