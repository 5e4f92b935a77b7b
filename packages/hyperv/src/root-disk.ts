import { pathsOf, type AboutHost } from "./about-host.ts";
import { HostFault } from "./host-fault.ts";
import { deleteFile, findFile, makeFolder, renameFile } from "./host-files.ts";
import type { HostSession } from "./host-session.ts";
import type { RootDisk } from "./host-types.ts";
import { perform } from "./jobs.ts";
import { imageService } from "./references.ts";
import { settingsOf } from "./settings.ts";
import { pause, type KeyedSlots } from "./slots.ts";

/** Msvm_VirtualHardDiskSettingData.Type and Format. */
const dynamicDisk = 3;
const formats = { vhd: 2, vhdx: 3 } as const;

// A copy of the largest images on a slow disk; the job goes on whether we wait or not.
const copyLimitMs = 4 * 3_600_000;
const heldPollMs = 1000;

/**
 * Makes a server's root disk: a copy of the image with an identity of its own, in the server's own folder. It gets its name when it is
 * whole, so a crash never leaves a half disk that counts; what an earlier attempt left is made anew.
 */
export async function createRootDisk(session: HostSession, about: AboutHost, copying: KeyedSlots, disk: RootDisk): Promise<{ readonly path: string }> {
  const paths = pathsOf(session, about);
  const path = paths.rootDisk(disk.serverId, disk.format);
  await copying.use(path, session.signal, async () => {
    const unfinished = paths.unfinishedRootDisk(disk.serverId, disk.format);
    if (await findAfterOthers(session, path, unfinished)) return;
    if ((await findFile(session, disk.imagePath)) === null) throw session.fault("HV-IMAGE-MISSING", `The image ${disk.imagePath} is not on the host any more.`);
    await makeFolder(session, paths.serverFolder(disk.serverId));
    await session.link.transfers.use(session.signal, () => copyDisk(session, disk, unfinished));
    // False: another process finished the same disk meanwhile.
    if (!(await renameFile(session, unfinished, path))) await deleteFile(session, unfinished);
  });
  return { path };
}

/**
 * Whether the disk is there, once nobody is making it: the job of an attempt whose caller died, or never heard of it, goes on and holds
 * its file, and nobody can tell how it will end. What it leaves without the final name is removed.
 */
async function findAfterOthers(session: HostSession, path: string, unfinished: string): Promise<boolean> {
  const deadline = Date.now() + copyLimitMs;
  for (;;) {
    if ((await findFile(session, path)) !== null) return true;
    try {
      await deleteFile(session, unfinished);
      return false;
    } catch (error) {
      if (!(error instanceof HostFault) || error.code !== "HV-FILE" || error.retry !== "later" || Date.now() >= deadline) throw error;
    }
    await pause(heldPollMs, session.signal);
  }
}

async function copyDisk(session: HostSession, disk: RootDisk, target: string): Promise<void> {
  const settings = settingsOf("Msvm_VirtualHardDiskSettingData", { Path: target, Type: dynamicDisk, Format: formats[disk.format] });
  await perform(session, {
    target: imageService, method: "ConvertVirtualHardDisk", parameters: { SourcePath: disk.imagePath, VirtualDiskSettingData: settings },
    what: "copy the image to the root disk", limitMs: copyLimitMs,
  });
}
