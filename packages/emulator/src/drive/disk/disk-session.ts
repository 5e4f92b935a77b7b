import type { FileUse } from "../file-uses.ts";
import type { HostDrive } from "../host-drive.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import type { DiskLayer } from "./disk-layer.ts";
import { openChain, type DiskPlace, type OpenedChain } from "./open-chain.ts";

/** What one operation has open and in use. `end` gives all of it back, in reverse order. */
export class DiskSession {
  readonly #drive: HostDrive;
  readonly #endings: (() => unknown)[] = [];

  constructor(drive: HostDrive) {
    this.#drive = drive;
  }

  /** @throws VirtualDiskError when a machine or another operation stands against it */
  use(place: Pick<DiskPlace, "localPath" | "path">, use: FileUse): void {
    const release = this.#drive.uses.take(place.localPath, use);
    if (!release) throw new VirtualDiskError("inUse", `"${place.path}" is in use by a machine or by another operation.`);
    this.#endings.push(release);
  }

  closeLater(layer: DiskLayer): DiskLayer {
    this.#endings.push(() => layer.close());
    return layer;
  }

  /** Opens a disk and its parents, which are read unless `useOfParent` says otherwise. */
  async openChain(place: DiskPlace, use: FileUse, useOfParent: (parent: DiskPlace) => FileUse = () => "read"): Promise<OpenedChain> {
    this.use(place, use);
    const opened = await openChain(this.#drive, place, "content", (parent) => this.use(parent, useOfParent(parent)));
    this.#endings.push(() => opened.chain.close());
    return opened;
  }

  /** Opens a disk and its parents for a look that hinders nobody. */
  async peekChain(place: DiskPlace): Promise<OpenedChain> {
    const opened = await openChain(this.#drive, place, "facts", () => {});
    this.#endings.push(() => opened.chain.close());
    return opened;
  }

  async end(): Promise<void> {
    const ending = this.#endings.pop();
    if (!ending) return;
    try {
      await ending();
    } finally {
      await this.end();
    }
  }
}
