import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { requireInside } from "../memory-source.ts";
import { pagedSource } from "../paged-source.ts";
import { type DiskContent, PARENTS_MAX } from "./disk-content.ts";
import { replayVhdxLog } from "./vhdx-log.ts";
import { readVhdxHeader, readVhdxParameters, readVhdxRegions, type VhdxParameters, type VhdxRegions } from "./vhdx-tables.ts";

interface OpenedVhdx extends DiskContent {
  readonly dataWriteGuid: string;
}

const NO_GUID = "00000000-0000-0000-0000-000000000000";
/** MS-VHDX 2.5.1.1. Every other state reads as zeros. */
const BLOCK_NOT_PRESENT = 0;
const BLOCK_FULLY_PRESENT = 6;
const BLOCK_PARTIALLY_PRESENT = 7;
const MIB = 1024 * 1024;
/** Sectors that one bitmap block of 1 MiB covers: eight for each byte. */
const SECTORS_PER_CHUNK = 8 * MIB;

/**
 * Opens a VHDX (MS-VHDX 2.0) as Hyper-V shows it to a machine, its pending log replayed in memory. A differencing disk needs its parents,
 * nearest first: without one `DI-PARENT-MISSING`, with another than it was made for `DI-PARENT-OTHER`.
 */
export async function openVhdx(source: ByteSource, parents: readonly ByteSource[]): Promise<DiskContent> {
  return open(source, parents.slice(0, PARENTS_MAX));
}

async function open(source: ByteSource, parents: readonly ByteSource[]): Promise<OpenedVhdx> {
  const identifier = source.sizeBytes >= 8 ? String.fromCharCode(...(await source.read(0, 8))) : "";
  if (identifier !== "vhdxfile") throw new DiskImageError("DI-VHDX-IDENTIFIER", "The file has the headers of a VHDX but not its identifier \"vhdxfile\" at the beginning. It is damaged; copy it again.");
  const header = await readVhdxHeader(source);
  const replayed = header.log.guid === NO_GUID || header.log.sizeBytes === 0 ? source : await replayVhdxLog(source, header.log);
  const file = pagedSource(replayed);
  const regions = await readVhdxRegions(file);
  const parameters = await readVhdxParameters(file, regions.metadata);
  const parent = parameters.hasParent ? await openParent(parameters, parents) : null;
  return {
    variant: parameters.hasParent ? "differencing" : parameters.isFixed ? "fixed" : "dynamic",
    sectorSizeBytes: parameters.sectorSizeBytes,
    content: new VhdxContent(file, regions.blockTable, parameters, parent),
    dataWriteGuid: header.dataWriteGuid,
  };
}

async function openParent(child: VhdxParameters, parents: readonly ByteSource[]): Promise<ByteSource> {
  const [nearest, ...further] = parents;
  if (nearest === undefined) throw new DiskImageError("DI-PARENT-MISSING", `The VHDX is a differencing disk; its parent with the identity ${child.parentLinkage.join(" or ") || "(not recorded)"} is needed. Hand it over as the parent, or merge the two.`);
  const parent = await open(nearest, further);
  if (!child.parentLinkage.includes(parent.dataWriteGuid)) {
    throw new DiskImageError("DI-PARENT-OTHER", `The parent given has the identity ${parent.dataWriteGuid}, but the disk was made over ${child.parentLinkage.join(" or ") || "one that it does not name"}. Hand over the right parent, unchanged since.`);
  }
  if (parent.content.sizeBytes > child.virtualSizeBytes || parent.sectorSizeBytes !== child.sectorSizeBytes) {
    throw new DiskImageError("DI-PARENT-OTHER", "The parent given has another size or sector size than the differencing disk. Hand over the right parent.");
  }
  return parent.content;
}

/** Reads through the block table, entry by entry and only where something is asked. */
class VhdxContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #table: VhdxRegions["blockTable"];
  readonly #parameters: VhdxParameters;
  readonly #parent: ByteSource | null;
  readonly #blocksPerChunk: number;

  constructor(file: ByteSource, table: VhdxRegions["blockTable"], parameters: VhdxParameters, parent: ByteSource | null) {
    this.sizeBytes = parameters.virtualSizeBytes;
    this.#file = file;
    this.#table = table;
    this.#parameters = parameters;
    this.#parent = parent;
    this.#blocksPerChunk = (SECTORS_PER_CHUNK * parameters.sectorSizeBytes) / parameters.blockSizeBytes;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    requireInside(this.sizeBytes, offset, length);
    const blockSizeBytes = this.#parameters.blockSizeBytes;
    if (length > 0 && Math.floor(offset / blockSizeBytes) === Math.floor((offset + length - 1) / blockSizeBytes)) {
      return (await this.#readInBlock(Math.floor(offset / blockSizeBytes), offset % blockSizeBytes, length)) ?? new Uint8Array(length);
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = offset + done;
      const within = at % blockSizeBytes;
      const part = Math.min(length - done, blockSizeBytes - within);
      const data = await this.#readInBlock(Math.floor(at / blockSizeBytes), within, part);
      if (data !== null) bytes.set(data, done);
      done += part;
    }
    return bytes;
  }

  /** Null stands for zeros. */
  async #readInBlock(block: number, within: number, length: number): Promise<Uint8Array | null> {
    const { state, fileOffset } = await this.#entry(block + Math.floor(block / this.#blocksPerChunk));
    if (state === BLOCK_FULLY_PRESENT) return this.#payload(fileOffset, within, length);
    if (this.#parent === null) return null;
    if (state === BLOCK_NOT_PRESENT) return this.#fromParent(block, within, length);
    if (state === BLOCK_PARTIALLY_PRESENT) return this.#mixed(block, fileOffset, within, length);
    return null;
  }

  async #entry(index: number): Promise<{ state: number; fileOffset: number }> {
    requireInside(this.#table.sizeBytes, index * 8, 8);
    const entry = new Fields(await this.#file.read(this.#table.offset + index * 8, 8));
    // Bits 0 to 2 are the state, bits 20 to 63 the place in the file in MiB.
    return { state: entry.u8(0) & 7, fileOffset: Number(entry.u64Exact(0) >> 20n) * MIB };
  }

  #payload(fileOffset: number, within: number, length: number): Promise<Uint8Array> {
    if (fileOffset < MIB) throw new DiskImageError("DI-VHDX-BLOCK", `The VHDX cannot be read: a block is said to lie at byte ${fileOffset} of the file, among its headers. Copy the file again.`);
    return this.#file.read(fileOffset + within, length);
  }

  async #fromParent(block: number, within: number, length: number): Promise<Uint8Array | null> {
    const offset = block * this.#parameters.blockSizeBytes + within;
    const available = Math.min(length, (this.#parent?.sizeBytes ?? 0) - offset);
    if (this.#parent === null || available <= 0) return null;
    const bytes = new Uint8Array(length);
    bytes.set(await this.#parent.read(offset, available), 0);
    return bytes;
  }

  /** Sector by sector: a set bit of the chunk's bitmap means the child has it. */
  async #mixed(block: number, fileOffset: number, within: number, length: number): Promise<Uint8Array> {
    const { sectorSizeBytes, blockSizeBytes } = this.#parameters;
    const chunk = Math.floor(block / this.#blocksPerChunk);
    const bitmap = await this.#entry(chunk * (this.#blocksPerChunk + 1) + this.#blocksPerChunk);
    if (bitmap.state !== BLOCK_FULLY_PRESENT) throw new DiskImageError("DI-VHDX-BLOCK", `The VHDX cannot be read: block ${block} is shared with the parent, but the bitmap that says how is missing. Copy the file again.`);
    const firstSector = ((block % this.#blocksPerChunk) * blockSizeBytes + within) / sectorSizeBytes;
    const lastSector = Math.ceil(firstSector + length / sectorSizeBytes);
    const firstByte = Math.floor(firstSector / 8);
    const bits = await this.#file.read(bitmap.fileOffset + firstByte, Math.floor((lastSector - 1) / 8) - firstByte + 1);
    const bytes = (await this.#fromParent(block, within, length)) ?? new Uint8Array(length);
    const own = await this.#payload(fileOffset, within, length);
    for (let sector = Math.floor(firstSector); sector < lastSector; sector += 1) {
      if ((((bits[Math.floor(sector / 8) - firstByte] ?? 0) >> (sector % 8)) & 1) === 0) continue;
      const from = Math.max(0, (sector - firstSector) * sectorSizeBytes);
      const to = Math.min(length, (sector + 1 - firstSector) * sectorSizeBytes);
      bytes.set(own.subarray(from, to), from);
    }
    return bytes;
  }
}
