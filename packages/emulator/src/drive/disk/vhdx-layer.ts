import { randomUUID } from "node:crypto";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import { MIB, type DiskFile } from "./disk-file.ts";
import type { DiskLayer, LayerFacts, ParentLink, Run } from "./disk-layer.ts";
import { findMisplaced, type Place } from "./place-check.ts";
import { blocksPerChunk, blockState, tableBytesNeeded, VhdxBlocks } from "./vhdx-blocks.ts";
import { damaged, noGuid, readVhdxHeader, readVhdxRegions, replaceVhdxHeader, writeVhdxRegions, type Region, type VhdxHeader, type VhdxRegions } from "./vhdx-headers.ts";
import { linkOfLocator, locatorOfLink } from "./vhdx-locator.ts";
import { replayVhdxLog } from "./vhdx-log.ts";
import { encodeVhdxMetadata, readVhdxMetadata, vhdxSizeBytesMax, vhdxSizeOffset, type VhdxMetadata } from "./vhdx-metadata.ts";

/** A VHDX file: fixed, dynamic or differencing (MS-VHDX). Its own writes need no log: each is ordered so that a cut between loses only itself. */
export class VhdxLayer implements DiskLayer {
  readonly file: DiskFile;
  #header: VhdxHeader;
  #regions: VhdxRegions;
  #metadata: VhdxMetadata;
  #blocks: VhdxBlocks;
  #changed = false;

  private constructor(file: DiskFile, header: VhdxHeader, regions: VhdxRegions, metadata: VhdxMetadata) {
    this.file = file;
    this.#header = header;
    this.#regions = regions;
    this.#metadata = metadata;
    this.#blocks = new VhdxBlocks(file, regions.blockTable, metadata);
  }

  /** `facts` reads the headers only and leaves a pending log alone. @throws VirtualDiskError when the file is no VHDX or is damaged */
  static async open(file: DiskFile, access: "facts" | "content"): Promise<VhdxLayer> {
    let header = await readVhdxHeader(file);
    if (header.logGuid !== noGuid && access === "content") {
      await replayVhdxLog(file, header);
      header = await replaceVhdxHeader(file, header, header.dataWriteGuid);
    }
    const regions = await readVhdxRegions(file);
    const metadata = await readVhdxMetadata(file, regions.metadata);
    if (regions.blockTable.sizeBytes < tableBytesNeeded(metadata)) throw damaged(file, "its block table is too small for its size");
    return new VhdxLayer(file, header, regions, metadata);
  }

  get facts(): LayerFacts {
    const { sizeBytes, fixed, blockSizeBytes, logicalSectorBytes, physicalSectorBytes, diskId, locator } = this.#metadata;
    const type = locator ? "differencing" : fixed ? "fixed" : "dynamic";
    return {
      format: "vhdx", type, sizeBytes, logicalSectorBytes, physicalSectorBytes, diskId, blockSizeBytes: type === "fixed" ? 0 : blockSizeBytes,
      linkId: this.#header.dataWriteGuid, parent: locator && linkOfLocator(locator),
    };
  }

  async run(offset: number, lengthBytes: number): Promise<Run> {
    const { blockSizeBytes, locator } = this.#metadata;
    const block = Math.floor(offset / blockSizeBytes);
    const within = offset % blockSizeBytes;
    const length = Math.min(lengthBytes, blockSizeBytes - within);
    const { state, fileOffset } = await this.#blocks.payload(block);
    if (state === blockState.fullyPresent) return { kind: "data", lengthBytes: length, fileOffset: fileOffset + within };
    if (locator && state === blockState.notPresent) return { kind: "parent", lengthBytes: length };
    if (!locator || state !== blockState.partiallyPresent) return { kind: "zero", lengthBytes: length };
    const share = await this.#blocks.ownership(block, within, length);
    return share.own ? { kind: "data", lengthBytes: share.lengthBytes, fileOffset: fileOffset + within } : { kind: "parent", lengthBytes: share.lengthBytes };
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    await this.#markChanged();
    const { blockSizeBytes } = this.#metadata;
    for (let done = 0; done < data.length; ) {
      const at = offset + done;
      const within = at % blockSizeBytes;
      const length = Math.min(data.length - done, blockSizeBytes - within);
      await this.#writeInBlock(Math.floor(at / blockSizeBytes), within, data.subarray(done, done + length));
      done += length;
    }
  }

  async resize(sizeBytes: number): Promise<void> {
    if (sizeBytes > vhdxSizeBytesMax) throw new VirtualDiskError("invalidParameter", "A VHDX virtual hard disk can have at most 64 TiB.");
    await this.#markChanged();
    if (sizeBytes < this.#metadata.sizeBytes) await this.#shrink(sizeBytes);
    else await this.#grow(sizeBytes);
  }

  async setParent(link: ParentLink): Promise<void> {
    const metadata = { ...this.#metadata, locator: locatorOfLink(link) };
    // A new region and then the switch to it: a power cut leaves the old parent or the new one.
    await this.#switchRegions({ ...this.#regions, metadata: await this.#append(encodeVhdxMetadata(metadata)) });
    this.#metadata = metadata;
  }

  async changeLinkId(linkId: string): Promise<void> {
    this.#header = await replaceVhdxHeader(this.file, this.#header, linkId);
    this.#changed = true;
  }

  async check(signal: AbortSignal): Promise<void> {
    const { blockSizeBytes, locator } = this.#metadata;
    const places: Place[] = [
      { offset: 0, sizeBytes: MIB, what: "the headers" },
      { ...this.#regions.blockTable, what: "the block table" },
      { ...this.#regions.metadata, what: "the metadata" },
    ];
    const perChunk = blocksPerChunk(this.#metadata);
    for (let block = 0; block < this.#blockCount(); block++) {
      signal.throwIfAborted();
      const { state, fileOffset } = await this.#blocks.payload(block);
      if (state === blockState.fullyPresent || state === blockState.partiallyPresent) places.push({ offset: fileOffset, sizeBytes: blockSizeBytes, what: `block ${block}` });
      if (state === blockState.partiallyPresent) await this.#blocks.ownership(block, 0, blockSizeBytes);
      const bitmap = locator && block % perChunk === 0 ? await this.#blocks.bitmap(block) : null;
      if (bitmap !== null) places.push({ offset: bitmap, sizeBytes: MIB, what: `the bitmap of block ${block}` });
    }
    const wrong = findMisplaced(places, this.file.sizeBytes);
    if (wrong !== null) throw damaged(this.file, wrong);
  }

  flush(): Promise<void> {
    return this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  async #writeInBlock(block: number, within: number, data: Uint8Array): Promise<void> {
    const { locator, blockSizeBytes } = this.#metadata;
    const { state, fileOffset } = await this.#blocks.payload(block);
    if (state === blockState.fullyPresent) return this.file.write(fileOffset + within, data);
    if (locator && state === blockState.partiallyPresent) {
      await this.file.write(fileOffset + within, data);
      return this.#blocks.markOwn(block, within, data.length);
    }
    const shared = locator !== null && state === blockState.notPresent && data.length < blockSizeBytes;
    const place = await this.#reserve(blockSizeBytes);
    await this.file.write(place + within, data);
    if (shared) {
      if (await this.#blocks.bitmap(block) === null) await this.#addBitmap(block);
      await this.#blocks.clearOwn(block);
      await this.#blocks.markOwn(block, within, data.length);
    }
    await this.file.barrier();
    await this.#blocks.setPayload(block, shared ? blockState.partiallyPresent : blockState.fullyPresent, place);
  }

  async #addBitmap(block: number): Promise<void> {
    const place = await this.#reserve(MIB);
    await this.file.barrier();
    await this.#blocks.setBitmap(block, place);
  }

  async #shrink(sizeBytes: number): Promise<void> {
    const { blockSizeBytes } = this.#metadata;
    const blocksBefore = this.#blockCount();
    const blocksAfter = Math.ceil(sizeBytes / blockSizeBytes);
    const tailBytes = Math.min(this.#metadata.sizeBytes, blocksAfter * blockSizeBytes) - sizeBytes;
    const tail = tailBytes > 0 ? await this.run(sizeBytes, tailBytes) : null;
    if (tail?.kind === "data") await this.file.write(tail.fileOffset, Buffer.alloc(tail.lengthBytes));
    await this.#writeSize(sizeBytes);
    let endBytes = Math.max(...[this.#regions.blockTable, this.#regions.metadata].map((region) => region.offset + region.sizeBytes), this.#header.logOffset + this.#header.logBytes);
    for (let block = 0; block < blocksBefore; block++) {
      const { state, fileOffset } = await this.#blocks.payload(block);
      if (block >= blocksAfter) await this.#blocks.setPayload(block, blockState.notPresent, 0);
      else if (state === blockState.fullyPresent) endBytes = Math.max(endBytes, fileOffset + blockSizeBytes);
    }
    await this.file.sync();
    await this.file.setSize(endBytes);
  }

  async #grow(sizeBytes: number): Promise<void> {
    const { blockSizeBytes, fixed, locator } = this.#metadata;
    const blocksBefore = this.#blockCount();
    const tableBytes = tableBytesNeeded({ ...this.#metadata, sizeBytes });
    if (tableBytes > this.#regions.blockTable.sizeBytes) await this.#moveTable(tableBytes);
    const blocksAfter = Math.ceil(sizeBytes / blockSizeBytes);
    const allocated = fixed && !locator && blocksAfter > blocksBefore;
    const place = allocated ? await this.#reserve((blocksAfter - blocksBefore) * blockSizeBytes) : 0;
    await this.#blocks.addPayload(blocksBefore, blocksAfter, (block) =>
      allocated ? { state: blockState.fullyPresent, fileOffset: place + (block - blocksBefore) * blockSizeBytes } : { state: blockState.notPresent, fileOffset: 0 });
    await this.file.sync();
    await this.#writeSize(sizeBytes);
  }

  async #moveTable(sizeBytes: number): Promise<void> {
    const old = await this.file.read(this.#regions.blockTable.offset, this.#regions.blockTable.sizeBytes);
    const blockTable = await this.#append(Buffer.concat([old, Buffer.alloc(sizeBytes - old.length)]));
    await this.#switchRegions({ ...this.#regions, blockTable });
    this.#blocks = new VhdxBlocks(this.file, blockTable, this.#metadata);
  }

  async #append(data: Buffer): Promise<Region> {
    const offset = await this.#reserve(data.length);
    await this.file.write(offset, data);
    await this.file.sync();
    return { offset, sizeBytes: data.length };
  }

  async #switchRegions(regions: VhdxRegions): Promise<void> {
    await writeVhdxRegions(this.file, regions);
    this.#regions = regions;
  }

  async #writeSize(sizeBytes: number): Promise<void> {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(sizeBytes));
    await this.file.write(await vhdxSizeOffset(this.file, this.#regions.metadata), bytes);
    await this.file.sync();
    this.#metadata = { ...this.#metadata, sizeBytes };
  }

  /** Lengthens the file by zeros; the answer is where they begin. */
  async #reserve(sizeBytes: number): Promise<number> {
    const offset = Math.ceil(this.file.sizeBytes / MIB) * MIB;
    await this.file.setSize(offset + sizeBytes);
    return offset;
  }

  /** Before the first change, so that children of the disk as it was are told apart. */
  async #markChanged(): Promise<void> {
    if (!this.#changed) await this.changeLinkId(randomUUID());
  }

  #blockCount(): number {
    return Math.ceil(this.#metadata.sizeBytes / this.#metadata.blockSizeBytes);
  }
}
