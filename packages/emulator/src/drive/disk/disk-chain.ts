import type { DiskLayer } from "./disk-layer.ts";

/** What a guest sees: the topmost layer, and what shines through from its parents. Reads and writes are whole sectors, one at a time. */
export class DiskChain {
  /** Topmost first. */
  readonly layers: readonly DiskLayer[];
  readonly top: DiskLayer;

  constructor(top: DiskLayer, parents: readonly DiskLayer[]) {
    this.top = top;
    this.layers = [top, ...parents];
  }

  get sizeBytes(): number {
    return this.top.facts.sizeBytes;
  }

  /** What lies at an offset: data of some layer, zeros, or (`parent`) nothing that any layer here has. */
  async run(offset: number, lengthBytes: number): Promise<ChainRun> {
    let length = lengthBytes;
    for (const layer of this.layers) {
      // Below a parent that is smaller than its child there is nothing.
      const roomBytes = layer.facts.sizeBytes - offset;
      if (roomBytes <= 0) return { kind: "zero", lengthBytes: length };
      const run = await layer.run(offset, Math.min(length, roomBytes));
      if (run.kind === "data") return { ...run, layer };
      if (run.kind === "zero") return { kind: "zero", lengthBytes: run.lengthBytes };
      length = run.lengthBytes;
    }
    return { kind: "parent", lengthBytes: length };
  }

  async read(offset: number, lengthBytes: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(lengthBytes);
    await this.readInto(offset, bytes);
    return bytes;
  }

  async readInto(offset: number, target: Buffer): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const run = await this.run(offset + done, target.length - done);
      const part = target.subarray(done, done + run.lengthBytes);
      if (run.kind === "data") await run.layer.file.readInto(run.fileOffset, part);
      else part.fill(0);
      done += run.lengthBytes;
    }
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.top.write(offset, data);
  }

  flush(): Promise<void> {
    return this.top.flush();
  }

  async close(): Promise<void> {
    for (const layer of this.layers) await layer.close();
  }
}

export type ChainRun =
  | { readonly kind: "data"; readonly lengthBytes: number; readonly fileOffset: number; readonly layer: DiskLayer }
  | { readonly kind: "zero" | "parent"; readonly lengthBytes: number };
