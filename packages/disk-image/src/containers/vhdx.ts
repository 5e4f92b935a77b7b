import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { requireInside } from "../memory-source.ts";
import { pagedSource } from "../paged-source.ts";
import { quoteName } from "../safety/quote-name.ts";
import { readFromParent, readInBlocks } from "./block-reads.ts";
import { type DiskContent, PARENTS_MAX, refuseCycle, requireParent } from "./disk-content.ts";
import { replayVhdxLog } from "./vhdx-log.ts";
import { BLOCK_FULLY_PRESENT, BLOCK_NOT_PRESENT, BLOCK_PARTIALLY_PRESENT, blocksPerChunk, checkBlockTable, readBlockEntry, VhdxBlockPlaces } from "./vhdx-blocks.ts";
import { readVhdxHeader, readVhdxParameters, readVhdxRegions, type VhdxParameters, type VhdxRegion } from "./vhdx-tables.ts";

interface OpenedVhdx extends DiskContent {
  readonly dataWriteGuid: string;
}

const NO_GUID = "00000000-0000-0000-0000-000000000000";
/**
 * Opens a VHDX (MS-VHDX 2.0) as Hyper-V shows it to a machine, its pending log replayed in memory. A differencing disk needs its parents,
 * nearest first: without one `DI-PARENT-MISSING`, with another than it was made for `DI-PARENT-OTHER`.
 */
export async function openVhdx(source: ByteSource, parents: readonly ByteSource[]): Promise<DiskContent> {
  return open(source, parents.slice(0, PARENTS_MAX), []);
}

async function open(source: ByteSource, parents: readonly ByteSource[], passed: readonly string[]): Promise<OpenedVhdx> {
  const identifier = source.sizeBytes >= 8 ? String.fromCharCode(...(await source.read(0, 8))) : "";
  if (identifier !== "vhdxfile") throw new DiskImageError("DI-VHDX-IDENTIFIER", "The file has the headers of a VHDX but not its identifier \"vhdxfile\" at the beginning. It is damaged; copy it again.");
  const header = await readVhdxHeader(source);
  const replayed = header.log.guid === NO_GUID || header.log.sizeBytes === 0 ? source : await replayVhdxLog(source, header.log);
  const file = pagedSource(replayed);
  const regions = await readVhdxRegions(file);
  const parameters = await readVhdxParameters(file, regions.metadata);
  const places = new VhdxBlockPlaces(file.sizeBytes, [regions.blockTable, regions.metadata, header.log], parameters.blockSizeBytes);
  await checkBlockTable(file, regions.blockTable, parameters, places);
  const parent = parameters.hasParent ? await openParent(parameters, parents, [...passed, header.dataWriteGuid]) : null;
  return {
    variant: parameters.hasParent ? "differencing" : parameters.isFixed ? "fixed" : "dynamic",
    sectorSizeBytes: parameters.sectorSizeBytes,
    content: new VhdxContent(file, regions.blockTable, parameters, places, parent),
    dataWriteGuid: header.dataWriteGuid,
  };
}

async function openParent(child: VhdxParameters, parents: readonly ByteSource[], passed: readonly string[]): Promise<ByteSource> {
  const { linkage, name } = child.parent;
  const identity = linkage.map(quoteName).join(" or ");
  for (const one of linkage) refuseCycle("VHDX", one, passed);
  const nearest = requireParent(parents, { kind: "VHDX", identity: identity === "" ? null : identity, name });
  const parent = await open(nearest, parents.slice(1), passed);
  if (!linkage.includes(parent.dataWriteGuid)) {
    throw new DiskImageError("DI-PARENT-OTHER", `The parent given has the identity ${parent.dataWriteGuid}, but the disk was made over ${identity || "one that it does not name"}. Hand over the right parent, unchanged since.`);
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
  readonly #table: VhdxRegion;
  readonly #parameters: VhdxParameters;
  readonly #places: VhdxBlockPlaces;
  readonly #parent: ByteSource | null;
  readonly #blocksPerChunk: number;

  constructor(file: ByteSource, table: VhdxRegion, parameters: VhdxParameters, places: VhdxBlockPlaces, parent: ByteSource | null) {
    this.sizeBytes = parameters.virtualSizeBytes;
    this.#file = file;
    this.#table = table;
    this.#parameters = parameters;
    this.#places = places;
    this.#parent = parent;
    this.#blocksPerChunk = blocksPerChunk(parameters);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return readInBlocks(this.sizeBytes, this.#parameters.blockSizeBytes, offset, length, (block, within, part) => this.#readInBlock(block, within, part));
  }

  /** Null stands for zeros. */
  async #readInBlock(block: number, within: number, length: number): Promise<Uint8Array | null> {
    const { state, fileOffset } = await this.#entry(block + Math.floor(block / this.#blocksPerChunk));
    if (state === BLOCK_FULLY_PRESENT) return this.#payload(block, fileOffset, within, length);
    if (this.#parent === null) return null;
    if (state === BLOCK_NOT_PRESENT) return this.#fromParent(block, within, length);
    if (state === BLOCK_PARTIALLY_PRESENT) return this.#mixed(block, fileOffset, within, length);
    return null;
  }

  async #entry(index: number): Promise<{ state: number; fileOffset: number }> {
    requireInside(this.#table.sizeBytes, index * 8, 8);
    return readBlockEntry(new Fields(await this.#file.read(this.#table.offset + index * 8, 8)), 0);
  }

  #payload(block: number, fileOffset: number, within: number, length: number): Promise<Uint8Array> {
    this.#places.check(block, fileOffset);
    return this.#file.read(fileOffset + within, length);
  }

  #fromParent(block: number, within: number, length: number): Promise<Uint8Array | null> {
    return readFromParent(this.#parent, block * this.#parameters.blockSizeBytes + within, length);
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
    const own = await this.#payload(block, fileOffset, within, length);
    for (let sector = Math.floor(firstSector); sector < lastSector; sector += 1) {
      if ((((bits[Math.floor(sector / 8) - firstByte] ?? 0) >> (sector % 8)) & 1) === 0) continue;
      const from = Math.max(0, (sector - firstSector) * sectorSizeBytes);
      const to = Math.min(length, (sector + 1 - firstSector) * sectorSizeBytes);
      bytes.set(own.subarray(from, to), from);
    }
    return bytes;
  }
}
