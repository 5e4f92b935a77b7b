import { isKind } from "./device-kinds.ts";
import { hardDiskImageKind } from "./device-kinds-data.ts";
import type { Host } from "./host.ts";
import type { DeviceRecord, MachineConfiguration } from "./machine-record.ts";
import { refusing } from "./refuse-disk-work.ts";

/** The disk images of a configuration, by the path in their HostResource. */
export function diskPathsOf(configuration: MachineConfiguration): string[] {
  return configuration.devices.flatMap((device) => {
    const resource = isKind(device, hardDiskImageKind) ? device.values["HostResource"] : null;
    return Array.isArray(resource) && typeof resource[0] === "string" ? [resource[0]] : [];
  });
}

/** The devices with other images in the place of some. */
export function withDiskPaths(devices: readonly DeviceRecord[], replacements: ReadonlyMap<string, string>): DeviceRecord[] {
  return devices.map((device) => {
    const resource = isKind(device, hardDiskImageKind) ? device.values["HostResource"] : null;
    const other = Array.isArray(resource) ? replacements.get(String(resource[0])) : undefined;
    return other === undefined ? device : { ...device, values: { ...device.values, HostResource: [other] } };
  });
}

/** Makes an automatic differencing disk on each path, named as Hyper-V names them. What was made is removed when one cannot be. */
export async function branchDisks(host: Host, paths: readonly string[], branch: string): Promise<Map<string, string>> {
  const children = new Map<string, string>();
  try {
    for (const path of paths) {
      const [, stem = path, extension = "vhdx"] = /^(.*?)(?:_[0-9A-F-]{36})?\.a?(vhdx?)$/i.exec(path) ?? [];
      const child = `${stem}_${branch}.a${extension.toLowerCase()}`;
      const format = extension.toLowerCase() === "vhd" ? "vhd" : "vhdx";
      await refusing(() => host.disks.create({ path: child, format, type: "differencing", parentPath: path, sizeBytes: 0 }, never));
      children.set(path, child);
    }
    return children;
  } catch (error) {
    await removeDisks(host, [...children.values()]);
    throw error;
  }
}

export async function removeDisks(host: Host, paths: readonly string[]): Promise<void> {
  for (const path of paths) await host.files.delete(path);
}

export interface Dissolved {
  /** Which images stand for which that go. */
  readonly replaced: ReadonlyMap<string, string>;
  /** To be removed once nothing that is kept names them. */
  readonly obsolete: readonly string[];
}

/**
 * Takes a disk out of the tree that checkpoints made of it, now that its own checkpoint is gone. With one child the child's changes
 * go into it, and its children hang on it; with several it has to stay as their parent; with none it is of no more use.
 * @param used the images of all configurations that remain
 */
export async function dissolveDisk(host: Host, path: string, used: readonly string[]): Promise<Dissolved> {
  const parents = new Map<string, string | null>();
  for (const one of new Set(used)) parents.set(one, (await refusing(() => host.disks.settings(one, never))).parentPath);
  const childrenOf = (parent: string) => [...parents].filter(([, its]) => its?.toLowerCase() === parent.toLowerCase()).map(([child]) => child);
  const [child, ...others] = childrenOf(path);
  if (child === undefined) return { replaced: new Map(), obsolete: used.includes(path) || !/\.avhdx?$/i.test(path) ? [] : [path] };
  if (others.length > 0) return { replaced: new Map(), obsolete: [] };
  const grandchildren = childrenOf(child);
  await refusing(() => host.disks.merge(child, path, never));
  for (const grandchild of grandchildren) await refusing(() => host.disks.setParent(grandchild, path, never, { ignoreIdMismatch: true }));
  return { replaced: new Map([[child, path]]), obsolete: [child] };
}

const never = new AbortController().signal;
