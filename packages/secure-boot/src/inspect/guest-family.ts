import { DiskImageError } from "@signet/disk-image";
import type { GuestFamily } from "../report.ts";
import type { BootCandidate } from "./boot-files.ts";
import type { BootVolume } from "./open-volumes.ts";

/** Folders of \EFI that installers of Linux distributions make. */
const LINUX_FOLDERS: ReadonlySet<string> = new Set(["debian", "ubuntu", "fedora", "centos", "redhat", "rocky", "almalinux", "opensuse", "sles", "arch", "systemd", "linux"]);

/** Which family of guests the disk boots: by its loaders, else by what installers left on its FAT volumes. */
export async function guessFamily(candidates: readonly BootCandidate[], volumes: readonly BootVolume[]): Promise<GuestFamily> {
  const named = candidates.map(({ loader }) => loader.identity.family).find((family) => family !== "other");
  if (named !== undefined) return named;
  for (const { volume } of volumes) {
    try {
      if ((await volume.find("\\EFI\\Microsoft\\Boot\\BCD")) !== null) return "windows";
      const folder = await volume.find("\\EFI");
      if (folder !== null && (await volume.list(folder)).some(({ name }) => LINUX_FOLDERS.has(name.toLowerCase()))) return "linux";
    } catch (error) {
      if (!(error instanceof DiskImageError)) throw error;
    }
  }
  return "other";
}
