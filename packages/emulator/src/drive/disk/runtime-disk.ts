import type { RuntimeDisk } from "../disk-settings.ts";
import type { HostDrive } from "../host-drive.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import { DiskSession } from "./disk-session.ts";
import { NbdServer } from "./nbd-server.ts";
import { localPathOf, placeOf } from "./open-chain.ts";

const dvdSectorBytes = 2048;

/**
 * Takes a disk into use by a machine. Fixed and dynamic disks are opened by QEMU itself. It knows neither differencing disks nor VHDX
 * with sectors of 4096 bytes: those we serve to it over NBD, and its writes go into the topmost file as Hyper-V's own would. A client sees
 * what it would see there: that file grows, its parents stay as they are and may have other children, and once the machine is off
 * everything that the guest wrote is in the file. It cannot see us between, save that the machine dies with this process: what the guest
 * had not flushed is then lost, as in a power cut.
 */
export async function runtimeDisk(drive: HostDrive, path: string, released: () => void): Promise<RuntimeDisk> {
  const session = new DiskSession(drive);
  try {
    return /\.iso$/i.test(path.trim()) ? await dvdImage(drive, path, session, released) : await hardDisk(drive, path, session, released);
  } catch (error) {
    await session.end();
    throw error;
  }
}

async function dvdImage(drive: HostDrive, path: string, session: DiskSession, released: () => void): Promise<RuntimeDisk> {
  const localPath = await localPathOf(drive, path);
  if ((await drive.find(path))?.kind !== "file") throw new VirtualDiskError("fileNotFound", `The file "${path}" does not exist.`);
  session.use({ path, localPath }, "read");
  return { path: localPath, format: "raw", logicalSectorBytes: dvdSectorBytes, release: ending(session, released) };
}

async function hardDisk(drive: HostDrive, path: string, session: DiskSession, released: () => void): Promise<RuntimeDisk> {
  const place = await placeOf(drive, path);
  const { chain } = await session.openChain(place, "write");
  const { type, format, logicalSectorBytes } = chain.top.facts;
  if (type === "differencing" || logicalSectorBytes !== 512) {
    const server = await NbdServer.start(chain);
    const release = ending(session, released, async () => {
      await server.close();
      await chain.flush();
    });
    return { path: server.address, format: "raw", logicalSectorBytes, release };
  }
  // It is in order, and QEMU opens it from now on; the use goes on.
  await chain.close();
  return { path: place.localPath, format: format === "vhdx" ? "vhdx" : "vpc", logicalSectorBytes, release: ending(session, released) };
}

function ending(session: DiskSession, released: () => void, first: () => Promise<void> = async () => {}): () => Promise<void> {
  let ended: Promise<void> | null = null;
  return () => {
    ended ??= first().finally(() => session.end()).finally(released);
    return ended;
  };
}
