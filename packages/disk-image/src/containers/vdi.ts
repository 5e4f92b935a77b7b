import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields, isPowerOfTwo } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { readFromParent, readInBlocks, readPadded } from "./block-reads.ts";
import { type DiskContent, type DiskVariant, PARENTS_MAX, refuseCycle, requireParent } from "./disk-content.ts";

/** What the header of a VDI says (VirtualBox, VDICore.h; version 1.1). */
interface VdiHeader {
  readonly variant: DiskVariant;
  readonly virtualSizeBytes: number;
  readonly blockSizeBytes: number;
  /** In front of each block's data. */
  readonly blockExtraBytes: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
  readonly identity: string;
  /** Changes with each time that the disk is written. */
  readonly state: string;
  readonly parentIdentity: string;
  readonly parentState: string;
}

interface OpenedVdi extends DiskContent {
  readonly identity: string;
  readonly state: string;
}

const SECTOR_BYTES = 512;
const HEADER_BYTES = 512;
const VERSION = 0x00010001;
const VARIANTS: Readonly<Record<number, DiskVariant>> = { 1: "dynamic", 2: "fixed", 4: "differencing" };
const NO_GUID = "00000000-0000-0000-0000-000000000000";
/** Blocks that were never written, and blocks that were given up. */
const BLOCK_FREE = 0xffffffff;
const BLOCK_ZERO = 0xfffffffe;
const BLOCK_BYTES_MIN = 4096;
const BLOCK_BYTES_MAX = 256 * 1024 * 1024;
/** QEMU's limit, some 1,024 TiB. */
const BLOCKS_MAX = 0x3fffffff;

const damaged = (what: string): DiskImageError => new DiskImageError("DI-VDI-HEADER", `The VDI cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Opens a VDI of version 1.1: fixed, dynamic or, over its parents (nearest first), differencing. */
export async function openVdi(source: ByteSource, parents: readonly ByteSource[]): Promise<DiskContent> {
  return open(source, parents.slice(0, PARENTS_MAX), []);
}

async function open(source: ByteSource, parents: readonly ByteSource[], passed: readonly string[]): Promise<OpenedVdi> {
  const file = pagedSource(source);
  const header = await readHeader(file);
  const parent = header.variant === "differencing" ? await openParent(header, parents, [...passed, header.identity]) : null;
  return { variant: header.variant, sectorSizeBytes: SECTOR_BYTES, content: new VdiContent(file, header, parent), identity: header.identity, state: header.state };
}

async function readHeader(file: ByteSource): Promise<VdiHeader> {
  if (file.sizeBytes < HEADER_BYTES) throw damaged("its header is cut off");
  const fields = new Fields(await file.read(0, HEADER_BYTES));
  if (fields.u32(0x44) !== VERSION) throw damaged(`its version is ${fields.u32(0x44) >>> 16}.${fields.u32(0x44) & 0xffff}; 1.1 is known`);
  const variant = VARIANTS[fields.u32(0x4c)];
  if (variant === undefined) throw damaged(`its type is ${fields.u32(0x4c)}; 1 (dynamic), 2 (fixed) and 4 (differencing) are known`);
  const blocks = fields.u32(0x180);
  const header = {
    variant,
    virtualSizeBytes: Math.ceil(fields.u64(0x170) / SECTOR_BYTES) * SECTOR_BYTES,
    blockSizeBytes: fields.u32(0x178),
    blockExtraBytes: fields.u32(0x17c),
    mapOffset: fields.u32(0x154),
    dataOffset: fields.u32(0x158),
    identity: fields.guid(0x188),
    state: fields.guid(0x198),
    parentIdentity: fields.guid(0x1a8),
    parentState: fields.guid(0x1b8),
  };
  if (fields.u32(0x168) !== SECTOR_BYTES) throw damaged(`its sectors have ${fields.u32(0x168)} bytes; 512 are known`);
  if (!isPowerOfTwo(header.blockSizeBytes) || header.blockSizeBytes < BLOCK_BYTES_MIN || header.blockSizeBytes > BLOCK_BYTES_MAX || header.blockExtraBytes > BLOCK_BYTES_MAX) throw damaged(`its blocks have ${header.blockSizeBytes} bytes and ${header.blockExtraBytes} in front`);
  if (header.mapOffset % SECTOR_BYTES !== 0 || header.dataOffset % SECTOR_BYTES !== 0 || header.mapOffset < SECTOR_BYTES) throw damaged(`its block map at ${header.mapOffset} or its data at ${header.dataOffset} begins at no whole sector`);
  if (blocks > BLOCKS_MAX || !(header.virtualSizeBytes <= blocks * header.blockSizeBytes)) throw damaged(`its ${blocks} blocks are too few for a disk of ${header.virtualSizeBytes} bytes`);
  if (header.mapOffset + blocks * 4 > header.dataOffset && header.dataOffset >= header.mapOffset) throw damaged(`its block map of ${blocks} entries runs into the data at ${header.dataOffset}`);
  return header;
}

async function openParent(header: VdiHeader, parents: readonly ByteSource[], passed: readonly string[]): Promise<ByteSource> {
  refuseCycle("VDI", header.parentIdentity, passed);
  const nearest = requireParent(parents, { kind: "VDI", identity: header.parentIdentity === NO_GUID ? null : header.parentIdentity, name: null });
  const parent = await open(nearest, parents.slice(1), passed);
  if (parent.identity !== header.parentIdentity) throw new DiskImageError("DI-PARENT-OTHER", `The parent given has the identity ${parent.identity}, but the disk was made over ${header.parentIdentity}. Hand over the right parent.`);
  if (header.parentState !== NO_GUID && parent.state !== header.parentState) throw new DiskImageError("DI-PARENT-OTHER", `The parent given was changed after the disk was made over it: its state is ${parent.state}, not ${header.parentState}. Hand over the parent as it was.`);
  return parent.content;
}

class VdiContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #header: VdiHeader;
  readonly #parent: ByteSource | null;

  constructor(file: ByteSource, header: VdiHeader, parent: ByteSource | null) {
    this.sizeBytes = header.virtualSizeBytes;
    this.#file = file;
    this.#header = header;
    this.#parent = parent;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return readInBlocks(this.sizeBytes, this.#header.blockSizeBytes, offset, length, (block, within, part) => this.#readInBlock(block, within, part));
  }

  async #readInBlock(block: number, within: number, length: number): Promise<Uint8Array | null> {
    const { blockSizeBytes, blockExtraBytes, dataOffset, mapOffset } = this.#header;
    const place = new Fields(await this.#file.read(mapOffset + block * 4, 4)).u32(0);
    if (place === BLOCK_ZERO) return null;
    if (place === BLOCK_FREE) return readFromParent(this.#parent, block * blockSizeBytes + within, length);
    const offset = dataOffset + place * (blockSizeBytes + blockExtraBytes) + blockExtraBytes;
    if (offset >= this.#file.sizeBytes) throw new DiskImageError("DI-VDI-BLOCK", `Block ${block} of the VDI is said to lie at byte ${offset}, but the file has ${this.#file.sizeBytes}. It is cut off; copy it again.`);
    return readPadded(this.#file, offset + within, length);
  }
}
