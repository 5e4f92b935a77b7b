import { MIB, type DiskFile } from "./disk-file.ts";
import { EntryTable } from "./entry-table.ts";
import { damaged, type Region } from "./vhdx-headers.ts";
import type { VhdxMetadata } from "./vhdx-metadata.ts";

/** States of a payload block (MS-VHDX 2.5.1.1). `notPresent` is the parent's where there is one; all others read as zeros. */
export const blockState = { notPresent: 0, fullyPresent: 6, partiallyPresent: 7 } as const;
const bitmapPresent = 6;
/** Sectors that one bitmap of 1 MiB covers: eight for each byte. */
const sectorsPerChunk = 8 * MIB;

export interface BlockPlace {
  readonly state: number;
  readonly fileOffset: number;
}

type Geometry = Pick<VhdxMetadata, "blockSizeBytes" | "logicalSectorBytes" | "sizeBytes" | "locator">;

/** Payload blocks between two bitmaps of the table. */
export function blocksPerChunk({ blockSizeBytes, logicalSectorBytes }: Geometry): number {
  return (sectorsPerChunk * logicalSectorBytes) / blockSizeBytes;
}

/** Entries that a disk needs: its blocks and a bitmap after each chunk; without a parent the last bitmap is left out. */
export function entriesNeeded(geometry: Geometry): number {
  const blocks = Math.ceil(geometry.sizeBytes / geometry.blockSizeBytes);
  const perChunk = blocksPerChunk(geometry);
  return geometry.locator ? Math.ceil(blocks / perChunk) * (perChunk + 1) : blocks + Math.floor((blocks - 1) / perChunk);
}

export function tableBytesNeeded(geometry: Geometry): number {
  return Math.ceil((entriesNeeded(geometry) * 8) / MIB) * MIB;
}

/** The block allocation table of a VHDX, with the bitmaps that say which sectors of a shared block are the child's. */
export class VhdxBlocks {
  readonly #file: DiskFile;
  readonly #table: EntryTable;
  readonly #perChunk: number;
  readonly #sectorBytes: number;
  readonly #bitmapBytes: number;
  /** Of the block that was asked for last. */
  #bits: { readonly block: number; readonly bytes: Buffer; readonly fileOffset: number } | null = null;

  constructor(file: DiskFile, region: Region, geometry: Geometry) {
    this.#file = file;
    this.#table = new EntryTable(file, region.offset, Math.floor(region.sizeBytes / 8), 8);
    this.#perChunk = blocksPerChunk(geometry);
    this.#sectorBytes = geometry.logicalSectorBytes;
    this.#bitmapBytes = geometry.blockSizeBytes / geometry.logicalSectorBytes / 8;
  }

  async payload(block: number): Promise<BlockPlace> {
    const place = decode(await this.#table.get(this.#payloadIndex(block)));
    if (place.state >= blockState.fullyPresent && place.fileOffset < MIB) throw damaged(this.#file, `block ${block} is said to lie among the headers`);
    return place;
  }

  setPayload(block: number, state: number, fileOffset: number): Promise<void> {
    return this.#table.set(this.#payloadIndex(block), encode(state, fileOffset));
  }

  /** Sets the entries of blocks that the table had none for so far: what those entries hold now means nothing. */
  async addPayload(first: number, end: number, placeOf: (block: number) => BlockPlace): Promise<void> {
    const chunkEntries = this.#perChunk + 1;
    const endIndex = Math.min(Math.ceil(end / this.#perChunk) * chunkEntries, this.#table.count);
    await this.#table.change(this.#payloadIndex(first), endIndex, (index, old) => {
      const chunk = Math.floor(index / chunkEntries);
      // A chunk that had blocks before has a bitmap that counts.
      if (index % chunkEntries === this.#perChunk) return chunk * this.#perChunk < first ? old : 0n;
      const { state, fileOffset } = index - chunk < end ? placeOf(index - chunk) : { state: blockState.notPresent, fileOffset: 0 };
      return encode(state, fileOffset);
    });
    this.#bits = null;
  }

  /** The place of the bitmap of the block's chunk, or null. */
  async bitmap(block: number): Promise<number | null> {
    const { state, fileOffset } = decode(await this.#table.get(this.#bitmapIndex(block)));
    return state === bitmapPresent ? fileOffset : null;
  }

  async setBitmap(block: number, fileOffset: number | null): Promise<void> {
    this.#bits = null;
    await this.#table.set(this.#bitmapIndex(block), fileOffset === null ? 0n : encode(bitmapPresent, fileOffset));
  }

  /** How far, from an offset in a shared block, the sectors are all the child's or all the parent's. */
  async ownership(block: number, within: number, lengthBytes: number): Promise<{ own: boolean; lengthBytes: number }> {
    const { bytes } = await this.#bitsOf(block);
    const isOwn = (sector: number): boolean => (((bytes[sector >> 3] ?? 0) >> (sector & 7)) & 1) === 1;
    const first = Math.floor(within / this.#sectorBytes);
    let next = first + 1;
    while (next * this.#sectorBytes < within + lengthBytes && isOwn(next) === isOwn(first)) next++;
    return { own: isOwn(first), lengthBytes: Math.min(lengthBytes, next * this.#sectorBytes - within) };
  }

  async markOwn(block: number, within: number, lengthBytes: number): Promise<void> {
    const { bytes, fileOffset } = await this.#bitsOf(block);
    const first = within / this.#sectorBytes;
    const end = (within + lengthBytes) / this.#sectorBytes;
    for (let sector = first; sector < end; sector++) bytes[sector >> 3] = (bytes[sector >> 3] ?? 0) | (1 << (sector & 7));
    await this.#file.write(fileOffset + (first >> 3), bytes.subarray(first >> 3, ((end - 1) >> 3) + 1));
  }

  /** Bits of a block that is not present mean nothing; before they come to mean something they are cleared. */
  async clearOwn(block: number): Promise<void> {
    const { bytes, fileOffset } = await this.#bitsOf(block);
    bytes.fill(0);
    await this.#file.write(fileOffset, bytes);
  }

  async #bitsOf(block: number): Promise<{ bytes: Buffer; fileOffset: number }> {
    if (this.#bits?.block === block) return this.#bits;
    const bitmap = await this.bitmap(block);
    if (bitmap === null || bitmap < MIB) throw damaged(this.#file, `block ${block} is shared with the parent, but the bitmap that says how is missing`);
    const fileOffset = bitmap + (block % this.#perChunk) * this.#bitmapBytes;
    this.#bits = { block, bytes: await this.#file.read(fileOffset, this.#bitmapBytes), fileOffset };
    return this.#bits;
  }

  #payloadIndex(block: number): number {
    return block + Math.floor(block / this.#perChunk);
  }

  #bitmapIndex(block: number): number {
    return Math.floor(block / this.#perChunk) * (this.#perChunk + 1) + this.#perChunk;
  }
}

/** Bits 0 to 2 are the state, bits 20 to 63 the place in the file in MiB. */
function decode(entry: bigint): BlockPlace {
  return { state: Number(entry & 7n), fileOffset: Number(entry >> 20n) * MIB };
}

function encode(state: number, fileOffset: number): bigint {
  return BigInt(fileOffset) | BigInt(state);
}
