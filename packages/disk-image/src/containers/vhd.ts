import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields, isPowerOfTwo } from "../fields.ts";
import { requireInside, sliceSource } from "../memory-source.ts";
import { pagedSource } from "../paged-source.ts";
import { readFromParent, readInBlocks } from "./block-reads.ts";
import { type DiskContent, PARENTS_MAX, refuseCycle, requireParent } from "./disk-content.ts";

interface VhdFooter {
  readonly dataOffset: number;
  readonly currentSizeBytes: number;
  readonly diskType: number;
  readonly uniqueId: string;
}

interface OpenedVhd extends DiskContent {
  readonly uniqueId: string;
}

const SECTOR_BYTES = 512;
const FOOTER_BYTES = 512;
const DYNAMIC_HEADER_BYTES = 1024;
const TYPE_FIXED = 2;
const TYPE_DYNAMIC = 3;
const TYPE_DIFFERENCING = 4;
const UNUSED_BLOCK = 0xffffffff;
/** The format's own limit (2040 GiB), with room for makers that count differently. */
const VIRTUAL_SIZE_BYTES_MAX = 2048 * 1024 ** 3;

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const damaged = (code: "DI-VHD-FOOTER" | "DI-VHD-HEADER", what: string): DiskImageError => new DiskImageError(code, `The VHD cannot be read: ${what}. Copy the file again or convert its source anew.`);

/**
 * Opens a VHD (Virtual Hard Disk Image Format Specification 1.0). The size is the footer's current size, never its geometry. A damaged
 * footer of a dynamic disk is replaced by the copy at the front. Parents of a differencing disk come nearest first, as for VHDX.
 */
export async function openVhd(source: ByteSource, parents: readonly ByteSource[]): Promise<DiskContent> {
  return open(source, parents.slice(0, PARENTS_MAX), []);
}

async function open(source: ByteSource, parents: readonly ByteSource[], passed: readonly string[]): Promise<OpenedVhd> {
  const footer = await readFooter(source);
  if (footer.currentSizeBytes === 0 || footer.currentSizeBytes > VIRTUAL_SIZE_BYTES_MAX || footer.currentSizeBytes % SECTOR_BYTES !== 0) throw damaged("DI-VHD-FOOTER", `its size is given as ${footer.currentSizeBytes} bytes`);
  const shared = { sectorSizeBytes: SECTOR_BYTES, uniqueId: footer.uniqueId };
  if (footer.diskType === TYPE_FIXED) {
    requireInside(source.sizeBytes, 0, footer.currentSizeBytes);
    return { ...shared, variant: "fixed", content: sliceSource(source, 0, footer.currentSizeBytes) };
  }
  if (footer.diskType !== TYPE_DYNAMIC && footer.diskType !== TYPE_DIFFERENCING) throw damaged("DI-VHD-FOOTER", `its disk type is ${footer.diskType}; 2, 3 and 4 are known`);
  const file = pagedSource(source);
  const table = await readBlockTable(file, footer);
  await checkBlockTable(file, table, footer.currentSizeBytes);
  const parent = footer.diskType === TYPE_DIFFERENCING ? await openParent(table, parents, [...passed, footer.uniqueId]) : null;
  return { ...shared, variant: parent === null ? "dynamic" : "differencing", content: new VhdContent(file, footer.currentSizeBytes, table, parent) };
}

/** The footer at the end, or the copy at the beginning where that one is damaged. Two that disagree are two disks in one file. */
async function readFooter(source: ByteSource): Promise<VhdFooter> {
  const found: VhdFooter[] = [];
  for (const offset of [source.sizeBytes - FOOTER_BYTES, 0]) {
    if (offset < 0 || offset + FOOTER_BYTES > source.sizeBytes) continue;
    const fields = new Fields(await source.read(offset, FOOTER_BYTES));
    if (fields.text(0, 8) !== "conectix" || complementSum(fields.bytes, 64) !== fields.u32Big(64)) continue;
    found.push({ dataOffset: fields.u64Big(16), currentSizeBytes: fields.u64Big(48), diskType: fields.u32Big(60), uniqueId: hex(fields.bytes.subarray(68, 84)) });
  }
  const [footer, copy] = found;
  if (footer === undefined) throw damaged("DI-VHD-FOOTER", "neither the footer at its end nor a copy at its beginning has a right checksum");
  if (copy !== undefined && (copy.diskType !== footer.diskType || copy.currentSizeBytes !== footer.currentSizeBytes || copy.dataOffset !== footer.dataOffset)) {
    throw new DiskImageError("DI-TWO-FORMATS", `The VHD's footer (type ${footer.diskType}, ${footer.currentSizeBytes} bytes) and its copy at the beginning (type ${copy.diskType}, ${copy.currentSizeBytes} bytes) describe two different disks; Hyper-V goes by the one, QEMU by the other. Convert its source anew.`);
  }
  return footer;
}

/** One's complement of the sum of all bytes, the four of the checksum itself left out. */
function complementSum(bytes: Uint8Array, fieldOffset: number): number {
  const sum = bytes.reduce((total, byte, index) => (index >= fieldOffset && index < fieldOffset + 4 ? total : total + byte), 0);
  return ~sum >>> 0;
}

interface BlockTable {
  readonly offset: number;
  readonly entries: number;
  readonly blockSizeBytes: number;
  readonly parentUniqueId: string;
  /** Only to be shown: whoever made the file wrote it. */
  readonly parentName: string;
}

async function readBlockTable(file: ByteSource, footer: VhdFooter): Promise<BlockTable> {
  if (footer.dataOffset + DYNAMIC_HEADER_BYTES > file.sizeBytes) throw damaged("DI-VHD-HEADER", `its header would lie at byte ${footer.dataOffset}, outside the file`);
  const fields = new Fields(await file.read(footer.dataOffset, DYNAMIC_HEADER_BYTES));
  if (fields.text(0, 8) !== "cxsparse" || complementSum(fields.bytes, 36) !== fields.u32Big(36)) throw damaged("DI-VHD-HEADER", "the header of its block table has a wrong checksum");
  const table = { offset: fields.u64Big(16), entries: fields.u32Big(28), blockSizeBytes: fields.u32Big(32), parentUniqueId: hex(fields.bytes.subarray(40, 56)), parentName: new TextDecoder("utf-16be").decode(fields.bytes.subarray(64, 576)).replace(/\0.*$/su, "") };
  if (!isPowerOfTwo(table.blockSizeBytes) || table.blockSizeBytes < SECTOR_BYTES || table.blockSizeBytes > 2 ** 30) throw damaged("DI-VHD-HEADER", `its block size is ${table.blockSizeBytes} bytes`);
  if (table.entries * table.blockSizeBytes < footer.currentSizeBytes) throw damaged("DI-VHD-HEADER", `its block table of ${table.entries} entries is too short for its size`);
  return table;
}

/** One bit a sector, rounded up to whole sectors. */
const bitmapBytesOf = (blockSizeBytes: number): number => Math.ceil(blockSizeBytes / SECTOR_BYTES / 8 / SECTOR_BYTES) * SECTOR_BYTES;

/** What the largest VHD with the usual blocks of 2 MiB has; of a longer table only so much is looked at. */
const CHECKED_BYTES_MAX = 4 * 1024 * 1024;

/** Checks on opening, as QEMU does, that no block has been lost with the end of the file. */
async function checkBlockTable(file: ByteSource, { offset, blockSizeBytes }: BlockTable, virtualSizeBytes: number): Promise<void> {
  const bytes = Math.min(Math.ceil(virtualSizeBytes / blockSizeBytes) * 4, CHECKED_BYTES_MAX);
  const fields = new Fields(await file.read(offset, bytes));
  for (let index = 0; index * 4 < bytes; index += 1) {
    const sector = fields.u32Big(index * 4);
    if (sector === UNUSED_BLOCK) continue;
    const end = sector * SECTOR_BYTES + bitmapBytesOf(blockSizeBytes) + blockSizeBytes;
    if (end > file.sizeBytes) throw new DiskImageError("DI-READ-OUTSIDE", `The VHD is cut off: block ${index} ends at byte ${end}, but the file at ${file.sizeBytes}. Copy it again.`);
  }
}

async function openParent({ parentUniqueId, parentName }: BlockTable, parents: readonly ByteSource[], passed: readonly string[]): Promise<ByteSource> {
  refuseCycle("VHD", parentUniqueId, passed);
  const nearest = requireParent(parents, { kind: "VHD", identity: parentUniqueId, name: parentName === "" ? null : parentName });
  const parent = await open(nearest, parents.slice(1), passed);
  if (parent.uniqueId !== parentUniqueId) throw new DiskImageError("DI-PARENT-OTHER", `The parent given has the identity ${parent.uniqueId}, but the disk was made over ${parentUniqueId}. Hand over the right parent.`);
  return parent.content;
}

class VhdContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #table: BlockTable;
  readonly #parent: ByteSource | null;
  readonly #bitmapBytes: number;

  constructor(file: ByteSource, sizeBytes: number, table: BlockTable, parent: ByteSource | null) {
    this.sizeBytes = sizeBytes;
    this.#file = file;
    this.#table = table;
    this.#parent = parent;
    this.#bitmapBytes = bitmapBytesOf(table.blockSizeBytes);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return readInBlocks(this.sizeBytes, this.#table.blockSizeBytes, offset, length, (block, within, part) => this.#readInBlock(block, within, part));
  }

  /** Null stands for zeros. */
  async #readInBlock(block: number, within: number, length: number): Promise<Uint8Array | null> {
    const sector = new Fields(await this.#file.read(this.#table.offset + block * 4, 4)).u32Big(0);
    if (sector === UNUSED_BLOCK) return readFromParent(this.#parent, block * this.#table.blockSizeBytes + within, length);
    const bitmapOffset = sector * SECTOR_BYTES;
    if (bitmapOffset < FOOTER_BYTES) throw new DiskImageError("DI-VHD-BLOCK", `The VHD cannot be read: block ${block} is said to lie on the footer's copy. Copy the file again.`);
    const own = await this.#file.read(bitmapOffset + this.#bitmapBytes + within, length);
    if (this.#parent === null) return own;
    return this.#mixed(await this.#file.read(bitmapOffset, this.#bitmapBytes), block, own, within);
  }

  /** A set bit, counted from the highest of each byte, means that the child has the sector. */
  async #mixed(bitmap: Uint8Array, block: number, own: Uint8Array, within: number): Promise<Uint8Array> {
    const bytes = (await readFromParent(this.#parent, block * this.#table.blockSizeBytes + within, own.length)) ?? new Uint8Array(own.length);
    for (let done = 0; done < own.length; ) {
      const sector = Math.floor((within + done) / SECTOR_BYTES);
      const part = Math.min(own.length - done, (sector + 1) * SECTOR_BYTES - (within + done));
      if ((((bitmap[sector >> 3] ?? 0) >> (7 - (sector & 7))) & 1) === 1) bytes.set(own.subarray(done, done + part), done);
      done += part;
    }
    return bytes;
  }
}
