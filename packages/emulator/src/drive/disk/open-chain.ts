import type { HostDrive } from "../host-drive.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import type { DiskFormat } from "../disk-settings.ts";
import { fullWindowsPath, windowsFolderOf } from "../windows-path.ts";
import { DiskChain } from "./disk-chain.ts";
import { DiskFile } from "./disk-file.ts";
import type { DiskLayer, ParentLink } from "./disk-layer.ts";
import { openVhdLayer } from "./vhd-layer.ts";
import { VhdxLayer } from "./vhdx-layer.ts";

/** A disk's place on the drive. */
export interface DiskPlace {
  readonly path: string;
  readonly localPath: string;
  readonly format: DiskFormat;
}

// Windows opens longer chains slowly and nobody makes them; a file that names itself must not be followed for ever.
export const chainLayersMax = 128;

const formats: Readonly<Record<string, DiskFormat>> = { vhd: "vhd", avhd: "vhd", vhdx: "vhdx", avhdx: "vhdx" };

/** Resolves a disk's path; Hyper-V goes by the ending of its name. @throws VirtualDiskError for other endings and paths that cannot be */
export async function placeOf(drive: HostDrive, path: string): Promise<DiskPlace> {
  const full = path.trim();
  const format = formats[/\.(\w+)$/.exec(full)?.[1]?.toLowerCase() ?? ""];
  if (!format) throw new VirtualDiskError("invalidParameter", `"${path}" is not the name of a virtual hard disk. It has to end in .vhd or .vhdx.`);
  return { path: full, format, localPath: await localPathOf(drive, full) };
}

/** @throws VirtualDiskError with the drive's own words */
export function localPathOf(drive: HostDrive, path: string): Promise<string> {
  return drive.resolve(path).catch((cause: Error) => {
    throw new VirtualDiskError("invalidParameter", cause.message, { cause });
  });
}

/** `opened` is the disk's file where the caller has it open already. */
export async function openLayer(place: DiskPlace, access: "facts" | "content", opened?: DiskFile): Promise<DiskLayer> {
  const file = opened ?? await DiskFile.open(place.localPath, place.path, access === "facts" ? "read" : "write");
  try {
    return place.format === "vhdx" ? await VhdxLayer.open(file, access) : await openVhdLayer(file);
  } catch (error) {
    if (!opened) await file.close();
    throw error;
  }
}

export interface OpenedChain {
  readonly chain: DiskChain;
  /** Topmost first, as the layers of the chain. */
  readonly places: readonly DiskPlace[];
}

/**
 * Opens a disk and all its parents. The caller has taken the top into use; `takeParent` takes each parent. `facts` leaves pending logs alone.
 * @throws VirtualDiskError when a parent is missing or is another than it was
 */
export async function openChain(drive: HostDrive, top: DiskPlace, access: "facts" | "content", takeParent: (place: DiskPlace) => void): Promise<OpenedChain> {
  const places = [top];
  const layers = [await openLayer(top, access)];
  try {
    for (let layer = layers[0]; layer?.facts.parent; layer = layers.at(-1)) {
      const child = places.at(-1) ?? top;
      if (layers.length >= chainLayersMax) throw new VirtualDiskError("failed", `The chain of "${top.path}" has more than ${chainLayersMax} virtual hard disks.`);
      const place = await findParent(drive, child, layer.facts.parent);
      if (places.some(({ localPath }) => localPath === place.localPath)) throw new VirtualDiskError("failed", `The chain of "${top.path}" leads back to itself at "${place.path}".`);
      takeParent(place);
      places.push(place);
      layers.push(await openLayer(place, access));
      requireFit(layer, layers.at(-1) ?? layer);
    }
  } catch (error) {
    for (const layer of layers) await layer.close();
    throw error;
  }
  const [first, ...parents] = layers;
  return { chain: new DiskChain(first as DiskLayer, parents), places };
}

/** The first of the recorded paths at which the right disk lies. */
export async function findParent(drive: HostDrive, child: DiskPlace, link: ParentLink): Promise<DiskPlace> {
  let other: DiskPlace | null = null;
  for (const path of parentPaths(child, link)) {
    const place = await placeOf(drive, path).catch(() => null);
    const layer = place && await openLayer(place, "facts").catch(() => null);
    if (!layer) continue;
    const { linkId, format } = layer.facts;
    await layer.close();
    if (link.linkIds.includes(linkId) && format === child.format) return place;
    other = place;
  }
  if (other) throw new VirtualDiskError("failed", `The chain of virtual hard disks is broken: "${other.path}" has been changed since "${child.path}" was made on it, or is another disk.`);
  throw new VirtualDiskError("fileNotFound", `The parent of "${child.path}" is missing. It was at ${parentPaths(child, link).join(" or ") || "a place that is not recorded"}.`);
}

export function parentPaths(child: DiskPlace, link: ParentLink): string[] {
  const folder = windowsFolderOf(child.path);
  const paths = [link.relativePath, link.absolutePath].flatMap((path) => (path === null || path === "" ? [] : [fullWindowsPath(folder, path)]));
  return [...new Set(paths)];
}

function requireFit(child: DiskLayer, parent: DiskLayer): void {
  if (parent.facts.sizeBytes > child.facts.sizeBytes || parent.facts.logicalSectorBytes !== child.facts.logicalSectorBytes) {
    throw new VirtualDiskError("failed", `The chain of virtual hard disks is broken: "${parent.file.name}" has another size or sector size than "${child.file.name}".`);
  }
}
