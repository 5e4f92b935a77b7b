import { HostFault } from "./host-fault.ts";
import type { DiskFormat } from "./host-types.ts";
import { assertGuid } from "./references.ts";

/** Where on a host the driver keeps what is its own: all below the folder that the host keeps new virtual hard disks in. */
export class HostPaths {
  readonly #root: string;

  /** @throws HostFault when files below that folder cannot be named in commands or found through WMI */
  constructor(virtualHardDiskPath: string, where: string) {
    const path = virtualHardDiskPath.replace(/[\\/]+$/, "");
    if (!/^[A-Za-z]:\\?/.test(path)) {
      throw new HostFault("HV-PATH", where, `The host keeps virtual hard disks in "${path}", which is not on a disk of its own. Choose a folder on a local disk: Set-VMHost -VirtualHardDiskPath "D:\\Hyper-V".`);
    }
    // cmd.exe replaces %NAME% also inside quotes; the others cannot be part of a Windows path.
    if (/[%"<>|?*\x00-\x1f]/.test(path)) {
      throw new HostFault("HV-PATH", where, `The host keeps virtual hard disks in "${path}", which cannot be named safely in a command. Choose a folder without % in its name: Set-VMHost -VirtualHardDiskPath "D:\\Hyper-V".`);
    }
    this.#root = `${path}\\Signet`;
  }

  get images(): string {
    return `${this.#root}\\Images`;
  }

  /** The name is the digest: whoever finds the file knows what must be in it. */
  image(sha256: string, format: DiskFormat): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError(`"${sha256.slice(0, 80)}" is not a SHA-256 in lower-case hex.`);
    return `${this.images}\\${sha256}.${format}`;
  }

  serverFolder(serverId: string): string {
    assertGuid(serverId);
    return `${this.#root}\\${serverTail(serverId)}`;
  }

  rootDisk(serverId: string, format: DiskFormat): string {
    return `${this.serverFolder(serverId)}\\root.${format}`;
  }

  /** What the root disk is called while it is being made: only a finished one has its name. */
  unfinishedRootDisk(serverId: string, format: DiskFormat): string {
    return `${this.serverFolder(serverId)}\\unfinished.${format}`;
  }
}

function serverTail(serverId: string): string {
  return `Servers\\${serverId.toLowerCase()}`;
}

/**
 * The server's own folder that a disk of its machine lies in; null for a disk elsewhere. The host's default folder may have been
 * another when the disk was made.
 */
export function serverFolderOf(diskPath: string, serverId: string): string | null {
  const tail = `\\Signet\\${serverTail(serverId)}`;
  const folder = diskPath.slice(0, Math.max(0, diskPath.lastIndexOf("\\")));
  return folder.toLowerCase().endsWith(tail.toLowerCase()) ? folder : null;
}
