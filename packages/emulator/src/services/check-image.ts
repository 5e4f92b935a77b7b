import type { DeviceKind } from "../host/device-kinds.ts";
import { hardDiskImageKind } from "../host/device-kinds-data.ts";
import type { Host } from "../host/host.ts";
import type { Values } from "../host/machine-record.ts";
import { VirtualDiskError } from "../drive/virtual-disks.ts";
import { invalidParameter } from "../host/refusal.ts";

const diskExtensions = /\.(a?vhdx?|vhds)$/i;

/**
 * Whether an image can go into a drive: one path, of a kind that the drive takes, and there.
 * @throws Refusal
 */
export async function checkImage(host: Host, kind: DeviceKind, generation: 1 | 2, resource: Values[string] | undefined): Promise<void> {
  if (!Array.isArray(resource) || resource.length !== 1 || typeof resource[0] !== "string" || resource[0] === "") throw invalidParameter("HostResource must hold one path: that of the image.");
  const path = resource[0];
  if (kind === hardDiskImageKind && !diskExtensions.test(path)) throw invalidParameter(`'${path}' is no virtual hard disk: its name ends in neither .vhd nor .vhdx.`);
  if (kind === hardDiskImageKind && generation === 2 && /\.a?vhd$/i.test(path)) throw invalidParameter(`'${path}' is a VHD; machines of generation 2 take VHDX only.`);
  if (!host.uncertainties.attachLooksForFile) return;
  if (kind === hardDiskImageKind) await checkDisk(host, path, generation);
  else if ((await host.files.find(path))?.kind !== "file") throw invalidParameter(`The attachment '${path}' was not found: the system cannot find the file specified. (0x80070002)`);
}

async function checkDisk(host: Host, path: string, generation: 1 | 2): Promise<void> {
  try {
    const { format } = await host.disks.settings(path, new AbortController().signal);
    if (generation === 2 && format === "vhd") throw invalidParameter(`'${path}' is a VHD by its content; machines of generation 2 take VHDX only.`);
  } catch (error) {
    if (error instanceof VirtualDiskError) throw invalidParameter(`The attachment '${path}' cannot be opened: ${error.message}`);
    throw error;
  }
}
