import { VirtualDiskError } from "../virtual-disk-error.ts";
import type { DiskFile } from "./disk-file.ts";
import type { DiskLayer, LayerFacts, ParentLink, Run } from "./disk-layer.ts";
import { EntryTable } from "./entry-table.ts";
import { findMisplaced, type Place } from "./place-check.ts";
import { damagedVhd, decodeVhdFooter, encodeVhdFooter, encodeVhdHeader, readVhdHeader, vhdNoBlock, vhdSectorBytes, vhdSizeBytesMax, type VhdFooter, type VhdHeader } from "./vhd-structures.ts";

/** @throws VirtualDiskError when the file is no VHD or is damaged */
export async function openVhdLayer(file: DiskFile): Promise<DiskLayer> {
  const footer = await readFooter(file);
  if (footer.sizeBytes === 0 || footer.sizeBytes % vhdSectorBytes !== 0) throw damagedVhd(file, `its virtual size is ${footer.sizeBytes} bytes`);
  if (footer.type !== "fixed") return new SparseVhdLayer(file, footer, await readVhdHeader(file, footer));
  if (footer.sizeBytes > file.sizeBytes - vhdSectorBytes) throw damagedVhd(file, `it is cut off: its footer speaks of ${footer.sizeBytes} bytes`);
  return new FixedVhdLayer(file, footer);
}

/** The footer at the end; of a sparse disk whose end is torn, the copy in front. */
async function readFooter(file: DiskFile): Promise<VhdFooter> {
  if (file.sizeBytes >= vhdSectorBytes) {
    const last = decodeVhdFooter(await file.read(file.sizeBytes - vhdSectorBytes, vhdSectorBytes));
    const footer = last ?? decodeVhdFooter(await file.read(0, vhdSectorBytes));
    if (footer && (last || footer.type !== "fixed")) return footer;
  }
  throw new VirtualDiskError("failed", `The file "${file.name}" is not a VHD virtual hard disk.`);
}

function factsOf(footer: VhdFooter, blockSizeBytes: number, parent: ParentLink | null): LayerFacts {
  const { type, sizeBytes, diskId } = footer;
  return { format: "vhd", type, sizeBytes, blockSizeBytes, logicalSectorBytes: vhdSectorBytes, physicalSectorBytes: vhdSectorBytes, diskId, linkId: diskId, parent };
}

function requireGrowth(footer: VhdFooter, sizeBytes: number): void {
  if (sizeBytes > vhdSizeBytesMax) throw new VirtualDiskError("invalidParameter", "A VHD virtual hard disk can have at most 2040 GiB. Use the VHDX format.");
  if (sizeBytes < footer.sizeBytes) throw new VirtualDiskError("notSupported", "A VHD virtual hard disk can only grow. Convert it to VHDX to make it smaller.");
}

/** The disk's content as it is, and a footer behind it. */
class FixedVhdLayer implements DiskLayer {
  readonly file: DiskFile;
  #footer: VhdFooter;

  constructor(file: DiskFile, footer: VhdFooter) {
    this.file = file;
    this.#footer = footer;
  }

  get facts(): LayerFacts {
    return factsOf(this.#footer, 0, null);
  }

  async run(offset: number, lengthBytes: number): Promise<Run> {
    return { kind: "data", lengthBytes, fileOffset: offset };
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.file.write(offset, data);
  }

  async resize(sizeBytes: number): Promise<void> {
    requireGrowth(this.#footer, sizeBytes);
    const before = this.#footer.sizeBytes;
    this.#footer = { ...this.#footer, sizeBytes };
    // The new footer comes first: until it is there the old end of the file is a whole disk.
    await this.file.write(sizeBytes, encodeVhdFooter(this.#footer));
    await this.file.sync();
    await this.file.write(before, Buffer.alloc(Math.min(vhdSectorBytes, sizeBytes - before)));
    await this.file.sync();
  }

  async changeLinkId(): Promise<void> {
    // A VHD is known by the identity that it keeps all its life.
  }

  async setParent(): Promise<void> {
    throw new VirtualDiskError("invalidParameter", `The virtual hard disk "${this.file.name}" is not a differencing disk.`);
  }

  async check(): Promise<void> {
    // A fixed disk has no table that could be wrong; opening it compared its size with the file's.
  }

  flush(): Promise<void> {
    return this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** Dynamic and differencing: blocks where they were first written, each with a bitmap of its sectors in front, and the footer behind all. */
class SparseVhdLayer implements DiskLayer {
  readonly file: DiskFile;
  #footer: VhdFooter;
  #header: VhdHeader;
  #table: EntryTable;
  readonly #bitmapBytes: number;
  #bits: { readonly block: number; readonly bytes: Buffer; readonly fileOffset: number } | null = null;

  constructor(file: DiskFile, footer: VhdFooter, header: VhdHeader) {
    this.file = file;
    this.#footer = footer;
    this.#header = header;
    this.#table = new EntryTable(file, header.tableOffset, header.entries, 4);
    this.#bitmapBytes = Math.ceil(header.blockSizeBytes / vhdSectorBytes / 8 / vhdSectorBytes) * vhdSectorBytes;
  }

  get facts(): LayerFacts {
    return factsOf(this.#footer, this.#header.blockSizeBytes, this.#header.parent);
  }

  async run(offset: number, lengthBytes: number): Promise<Run> {
    const { blockSizeBytes, parent } = this.#header;
    const block = Math.floor(offset / blockSizeBytes);
    const within = offset % blockSizeBytes;
    const length = Math.min(lengthBytes, blockSizeBytes - within);
    const place = await this.#place(block);
    if (place === null) return { kind: parent ? "parent" : "zero", lengthBytes: length };
    const fileOffset = place + this.#bitmapBytes + within;
    // Without a parent a clear bit means that the sector was never written, and then it is zero in the file.
    if (!parent) return { kind: "data", lengthBytes: length, fileOffset };
    const { bytes } = await this.#bitsOf(block, place);
    const isOwn = (sector: number): boolean => (((bytes[sector >> 3] ?? 0) >> (7 - (sector & 7))) & 1) === 1;
    const first = Math.floor(within / vhdSectorBytes);
    let next = first + 1;
    while (next * vhdSectorBytes < within + length && isOwn(next) === isOwn(first)) next++;
    const runBytes = Math.min(length, next * vhdSectorBytes - within);
    return isOwn(first) ? { kind: "data", lengthBytes: runBytes, fileOffset } : { kind: "parent", lengthBytes: runBytes };
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const { blockSizeBytes } = this.#header;
    for (let done = 0; done < data.length; ) {
      const at = offset + done;
      const within = at % blockSizeBytes;
      const length = Math.min(data.length - done, blockSizeBytes - within);
      await this.#writeInBlock(Math.floor(at / blockSizeBytes), within, data.subarray(done, done + length));
      done += length;
    }
  }

  async resize(sizeBytes: number): Promise<void> {
    requireGrowth(this.#footer, sizeBytes);
    const blocks = Math.ceil(sizeBytes / this.#header.blockSizeBytes);
    if (blocks > this.#header.entries) await this.#moveTable(blocks);
    this.#footer = { ...this.#footer, sizeBytes };
    await this.#writeFooter(this.file.sizeBytes - vhdSectorBytes);
    await this.file.sync();
    await this.#writeFooter(0);
    await this.file.sync();
  }

  async changeLinkId(): Promise<void> {
    // A VHD is known by the identity that it keeps all its life.
  }

  async setParent(parent: ParentLink): Promise<void> {
    if (!this.#header.parent) throw new VirtualDiskError("invalidParameter", `The virtual hard disk "${this.file.name}" is not a differencing disk.`);
    await this.#writeHeader({ ...this.#header, parent }, this.file.sizeBytes - vhdSectorBytes);
  }

  async check(signal: AbortSignal): Promise<void> {
    const { blockSizeBytes, tableOffset, entries } = this.#header;
    const places: Place[] = [{ offset: tableOffset, sizeBytes: entries * 4, what: "the block table" }];
    for (let block = 0; block < entries; block++) {
      signal.throwIfAborted();
      const place = await this.#place(block);
      if (place !== null) places.push({ offset: place, sizeBytes: this.#bitmapBytes + blockSizeBytes, what: `block ${block}` });
    }
    const wrong = findMisplaced(places, this.file.sizeBytes - vhdSectorBytes);
    if (wrong !== null) throw damagedVhd(this.file, wrong);
  }

  flush(): Promise<void> {
    return this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  async #writeInBlock(block: number, within: number, data: Uint8Array): Promise<void> {
    const place = await this.#place(block);
    if (place !== null) {
      await this.file.write(place + this.#bitmapBytes + within, data);
      return this.#markOwn(block, place, within, data.length);
    }
    // The new block takes the footer's place, and the footer moves behind it. Until the table knows, nothing is lost.
    const fresh = this.file.sizeBytes - vhdSectorBytes;
    await this.file.setSize(fresh);
    await this.#writeFooter(fresh + this.#bitmapBytes + this.#header.blockSizeBytes);
    await this.file.write(fresh + this.#bitmapBytes + within, data);
    this.#bits = null;
    await this.#markOwn(block, fresh, within, data.length);
    await this.file.barrier();
    await this.#table.set(block, BigInt(fresh / vhdSectorBytes));
  }

  async #markOwn(block: number, place: number, within: number, lengthBytes: number): Promise<void> {
    const { bytes, fileOffset } = await this.#bitsOf(block, place);
    const first = within / vhdSectorBytes;
    const end = (within + lengthBytes) / vhdSectorBytes;
    for (let sector = first; sector < end; sector++) bytes[sector >> 3] = (bytes[sector >> 3] ?? 0) | (0x80 >> (sector & 7));
    await this.file.write(fileOffset + (first >> 3), bytes.subarray(first >> 3, ((end - 1) >> 3) + 1));
  }

  async #bitsOf(block: number, place: number): Promise<{ bytes: Buffer; fileOffset: number }> {
    if (this.#bits?.block === block) return this.#bits;
    this.#bits = { block, bytes: await this.file.read(place, this.#bitmapBytes), fileOffset: place };
    return this.#bits;
  }

  async #moveTable(entries: number): Promise<void> {
    const tableBytes = Math.ceil((entries * 4) / vhdSectorBytes) * vhdSectorBytes;
    const table = Buffer.alloc(tableBytes, 0xff);
    table.set(await this.file.read(this.#header.tableOffset, this.#header.entries * 4));
    const tableOffset = this.file.sizeBytes - vhdSectorBytes;
    await this.file.write(tableOffset, table);
    await this.#writeHeader({ ...this.#header, tableOffset, entries }, tableOffset + tableBytes);
    this.#table = new EntryTable(this.file, tableOffset, entries, 4);
  }

  async #writeHeader(header: VhdHeader, textOffset: number): Promise<void> {
    const encoded = encodeVhdHeader(header, textOffset);
    await this.file.write(textOffset, encoded.texts);
    await this.#writeFooter(textOffset + encoded.texts.length);
    await this.file.sync();
    await this.file.write(this.#footer.headerOffset, encoded.header);
    await this.file.sync();
    this.#header = header;
  }

  async #writeFooter(offset: number): Promise<void> {
    await this.file.write(offset, encodeVhdFooter(this.#footer));
  }

  async #place(block: number): Promise<number | null> {
    const entry = Number(await this.#table.get(block));
    if (entry === vhdNoBlock) return null;
    if (entry === 0) throw damagedVhd(this.file, `block ${block} is said to lie among the headers`);
    return entry * vhdSectorBytes;
  }
}
