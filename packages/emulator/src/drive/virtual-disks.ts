import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import type { DiskSettings, DiskState, NewDiskSettings, RuntimeDisk } from "./disk-settings.ts";
import { completeSettings, linkTo } from "./disk/complete-settings.ts";
import { copyContent, copyLayer, mergeContent } from "./disk/copy-content.ts";
import { DiskChain } from "./disk/disk-chain.ts";
import { DiskFile } from "./disk/disk-file.ts";
import { openLayer, parentPaths, placeOf, type DiskPlace } from "./disk/open-chain.ts";
import { partitionEnd } from "./disk/partition-end.ts";
import { runtimeDisk } from "./disk/runtime-disk.ts";
import { DiskSession } from "./disk/disk-session.ts";
import type { LayerFacts } from "./disk/disk-layer.ts";
import { writeNewDisk } from "./disk/write-new-disk.ts";
import type { HostDrive } from "./host-drive.ts";
import { VirtualDiskError } from "./virtual-disk-error.ts";

export type { DiskFormat, DiskSettings, DiskState, DiskType, NewDiskSettings, RuntimeDisk } from "./disk-settings.ts";
export { VirtualDiskError, virtualDiskCodes } from "./virtual-disk-error.ts";

/**
 * The virtual disks on the host's drive, and what Hyper-V's image service does with them. Every method fails with a VirtualDiskError,
 * or with the signal's reason; a disk that was to be made is then gone again, one that was to be changed is as it was or has changed in part.
 */
export class VirtualDisks {
  readonly #drive: HostDrive;
  readonly #running = new Set<RuntimeDisk>();

  constructor(drive: HostDrive) {
    this.#drive = drive;
  }

  create(settings: NewDiskSettings, signal: AbortSignal): Promise<void> {
    return this.#session(signal, async (session) => {
      const place = await placeOf(this.#drive, settings.path);
      if ((settings.type === "differencing") !== Boolean(settings.parentPath)) {
        throw new VirtualDiskError("invalidParameter", settings.parentPath ? `Only a differencing disk has a parent; "${place.path}" is to be ${settings.type}.` : `"${place.path}" is to be a differencing disk and needs a parent.`);
      }
      const parent = settings.parentPath ? await placeOf(this.#drive, settings.parentPath) : null;
      const based = parent && (await session.openChain(parent, "read")).chain.top.facts;
      await this.#make(session, place, completeSettings(settings, place, based, based && parent && linkTo(parent, based.linkId, place)), async () => {});
    });
  }

  settings(path: string, signal: AbortSignal): Promise<DiskSettings> {
    return this.#session(signal, async () => {
      const place = await placeOf(this.#drive, path);
      const { format, type, sizeBytes, blockSizeBytes, logicalSectorBytes, physicalSectorBytes, diskId, parent } = await factsOf(place);
      return { path: place.path, format, type, parentPath: parent && (parentPaths(place, parent)[0] ?? null), sizeBytes, blockSizeBytes, logicalSectorBytes, physicalSectorBytes, virtualDiskId: diskId.toUpperCase() };
    });
  }

  state(path: string, signal: AbortSignal): Promise<DiskState> {
    return this.#session(signal, async (session) => {
      const place = await placeOf(this.#drive, path);
      await factsOf(place);
      const fileSizeBytes = (await this.#drive.find(place.path))?.sizeBytes ?? 0;
      const inUse = this.#drive.uses.isInUse(place.localPath);
      // Behind a running machine, or without its parents, what is in the disk cannot be told.
      const opened = inUse ? null : await session.peekChain(place).catch(() => null);
      return { fileSizeBytes, inUse, minInternalSizeBytes: opened && await partitionEnd(opened.chain) };
    });
  }

  /** Every disk can grow. A VHDX that is no differencing disk can shrink down to where its last partition ends. */
  resize(path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
    return this.#session(signal, async (session) => {
      const { chain } = await session.openChain(await placeOf(this.#drive, path), "write");
      const { facts } = chain.top;
      if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % facts.logicalSectorBytes !== 0) throw new VirtualDiskError("invalidParameter", `${sizeBytes} bytes are not a size in whole sectors of ${facts.logicalSectorBytes} bytes.`);
      if (sizeBytes < facts.sizeBytes) await requireUnused(chain, path, sizeBytes);
      if (sizeBytes !== facts.sizeBytes) await chain.top.resize(sizeBytes);
    });
  }

  /** Writes the disk's content, parents included, to a new fixed or dynamic disk with an identity of its own. */
  convert(sourcePath: string, target: NewDiskSettings, signal: AbortSignal): Promise<void> {
    return this.#session(signal, async (session) => {
      const place = await placeOf(this.#drive, target.path);
      if (target.type === "differencing") throw new VirtualDiskError("notSupported", "A virtual hard disk is converted to a fixed or dynamic one. To make a differencing disk, create it on the source.");
      const { chain } = await session.openChain(await placeOf(this.#drive, sourcePath), "read");
      // Converting never changes the size, whatever the settings say.
      const facts = completeSettings({ ...target, sizeBytes: 0 }, place, chain.top.facts, null);
      await this.#make(session, place, facts, async (file) => {
        file.ordered = false;
        await copyContent(chain, await openLayer(place, "content", file), signal);
      });
    });
  }

  /** Writes what a differencing disk, and those between, changed into the ancestor at `destinationPath`. The files stay. */
  merge(sourcePath: string, destinationPath: string, signal: AbortSignal): Promise<void> {
    return this.#session(signal, async (session) => {
      const destination = await placeOf(this.#drive, destinationPath);
      let isBelow = false;
      const { chain, places } = await session.openChain(await placeOf(this.#drive, sourcePath), "write", ({ localPath }) => {
        const use = isBelow ? "read" : "write";
        isBelow ||= localPath === destination.localPath;
        return use;
      });
      const index = places.findIndex(({ localPath }) => localPath === destination.localPath);
      const target = chain.layers[index];
      const child = chain.layers[index - 1];
      const link = child?.facts.parent;
      if (!target || !child || !link) throw new VirtualDiskError("invalidParameter", `"${destination.path}" is not an ancestor of "${sourcePath}".`);
      // The child learns its parent's new identity before the parent has it: the chain holds at every moment, and other children are cut off.
      const linkId = randomUUID();
      if (target.facts.format === "vhdx") {
        await child.setParent({ ...link, linkIds: [target.facts.linkId, linkId] });
        await target.changeLinkId(linkId);
      }
      if (chain.sizeBytes > target.facts.sizeBytes) await target.resize(chain.sizeBytes);
      await mergeContent(new DiskChain(chain.top, chain.layers.slice(1, index)), target, signal);
      await target.flush();
    });
  }

  /** `mode` as in CompactVirtualHardDisk: 0 full, 1 quick, 2 retrim, 3 pretrimmed, 4 prezeroed. All drop the blocks of zeros here. */
  compact(path: string, mode: number, signal: AbortSignal): Promise<void> {
    return this.#session(signal, async (session) => {
      if (![0, 1, 2, 3, 4].includes(mode)) throw new VirtualDiskError("invalidParameter", `The mode ${mode} of compacting is not known.`);
      const place = await placeOf(this.#drive, path);
      session.use(place, "write");
      const layer = session.closeLater(await openLayer(place, "content"));
      if (layer.facts.type === "fixed") throw new VirtualDiskError("notSupported", `"${path}" is a fixed disk; only dynamic and differencing disks are compacted.`);
      const fresh: DiskPlace = { ...place, localPath: `${place.localPath}.compacting` };
      await rm(fresh.localPath, { force: true });
      await this.#make(session, fresh, layer.facts, async (file) => {
        file.ordered = false;
        const target = await openLayer(fresh, "content", file);
        await copyLayer(new DiskChain(layer, []), target, signal);
        // Nothing changed for the disk's children.
        await target.changeLinkId(layer.facts.linkId);
      });
      await rename(fresh.localPath, place.localPath);
    });
  }

  setParent(childPath: string, parentPath: string, signal: AbortSignal, options: { readonly ignoreIdMismatch?: boolean } = {}): Promise<void> {
    return this.#session(signal, async (session) => {
      const child = await placeOf(this.#drive, childPath);
      session.use(child, "write");
      const layer = session.closeLater(await openLayer(child, "content"));
      const link = layer.facts.parent;
      if (!link) throw new VirtualDiskError("invalidParameter", `"${childPath}" is not a differencing disk.`);
      const parent = await placeOf(this.#drive, parentPath);
      const { facts } = (await session.openChain(parent, "read")).chain.top;
      if (facts.format !== layer.facts.format || facts.logicalSectorBytes !== layer.facts.logicalSectorBytes || facts.sizeBytes > layer.facts.sizeBytes) {
        throw new VirtualDiskError("invalidParameter", `"${parentPath}" has another format, size or sector size than "${childPath}".`);
      }
      if (!options.ignoreIdMismatch && !link.linkIds.includes(facts.linkId)) throw new VirtualDiskError("failed", `"${parentPath}" is not the virtual hard disk that "${childPath}" was made on, or has changed since.`);
      await layer.setParent(linkTo(parent, facts.linkId, child));
      await layer.flush();
    });
  }

  /** Reads the tables of the disk and of all its parents. */
  validate(path: string, signal: AbortSignal): Promise<void> {
    return this.#session(signal, async (session) => {
      const { chain } = await session.openChain(await placeOf(this.#drive, path), "read");
      for (const layer of chain.layers) await layer.check(signal);
    });
  }

  /** Takes a disk, or a DVD image (`.iso`), into use by a machine. Disks that QEMU cannot read are served to it by this process. */
  async runtimeDisk(path: string): Promise<RuntimeDisk> {
    const disk = await runtimeDisk(this.#drive, path, () => this.#running.delete(disk));
    this.#running.add(disk);
    return disk;
  }

  /** Ends every use by machines: the host goes down. */
  async close(): Promise<void> {
    for (const disk of this.#running) await disk.release();
  }

  async #session<T>(signal: AbortSignal, work: (session: DiskSession) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const session = new DiskSession(this.#drive);
    try {
      return await work(session);
    } catch (error) {
      throw asVirtualDiskError(error);
    } finally {
      await session.end();
    }
  }

  /** Makes a disk's file and fills it; what did not become a whole disk is removed. */
  async #make(session: DiskSession, place: DiskPlace, facts: LayerFacts, fill: (file: DiskFile) => Promise<void>): Promise<void> {
    session.use(place, "write");
    const file = await DiskFile.create(place.localPath, place.path);
    try {
      await writeNewDisk(file, facts);
      await fill(file);
      await file.sync();
    } catch (error) {
      await rm(place.localPath, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  }
}

async function factsOf(place: DiskPlace): Promise<LayerFacts> {
  const layer = await openLayer(place, "facts");
  await layer.close();
  return layer.facts;
}

async function requireUnused(chain: DiskChain, path: string, sizeBytes: number): Promise<void> {
  const { facts } = chain.top;
  if (facts.type === "differencing" || facts.format === "vhd") throw new VirtualDiskError("notSupported", `"${path}" can only grow: it is ${facts.format === "vhd" ? "a VHD" : "a differencing disk"}.`);
  const leastBytes = await partitionEnd(chain);
  if (leastBytes === null) throw new VirtualDiskError("invalidParameter", `"${path}" cannot be made smaller: it has no partition table that says what is in use.`);
  if (sizeBytes < leastBytes) throw new VirtualDiskError("invalidParameter", `"${path}" cannot be made smaller than ${leastBytes} bytes, where its last partition ends.`);
}

const systemErrors: Readonly<Record<string, string>> = {
  ENOSPC: "There is not enough space on the disk.",
  EDQUOT: "There is not enough space on the disk.",
  EFBIG: "The file would become larger than the file system of the emulating computer allows.",
  ENAMETOOLONG: "The file name is too long.",
};

/** What the file system says, in the image service's form; everything else is passed on. */
function asVirtualDiskError(error: unknown): unknown {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const text = systemErrors[code];
  return text === undefined ? error : new VirtualDiskError("failed", text, { cause: error });
}
