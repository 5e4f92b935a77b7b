import type { ByteSource } from "../byte-source.ts";
import { inflateCluster } from "../compression/inflate-cluster.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { readFromParent, readInBlocks, readPadded } from "./block-reads.ts";
import { type DiskContent, requireParent } from "./disk-content.ts";
import type { OpenBacking } from "./qcow2.ts";
import { UnpackedClusters, unpackOr } from "./unpacked-clusters.ts";

interface QcowHeader {
  readonly virtualSizeBytes: number;
  readonly clusterBits: number;
  readonly tableBits: number;
  readonly firstTableOffset: number;
  readonly backingName: string | null;
}

const HEADER_BYTES = 48;
const SECTOR_BYTES = 512;
const NAME_BYTES_MAX = 1023;
/** QEMU's limits: clusters and tables of 512 bytes to 64 KiB. */
const CLUSTER_BITS = { min: 9, max: 16 } as const;
const TABLE_BITS = { min: 6, max: 13 } as const;
const VIRTUAL_SIZE_BYTES_MAX = 2 ** 52;
const IS_COMPRESSED = 1n << 63n;

const damaged = (what: string): DiskImageError => new DiskImageError("DI-QCOW-HEADER", `The qcow image cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Opens an image of qcow's first version (QEMU, block/qcow.c). Backing files are as with qcow2. */
export async function openQcow(source: ByteSource, parents: readonly ByteSource[], openBacking: OpenBacking): Promise<DiskContent> {
  const file = pagedSource(source);
  const header = await readHeader(file);
  if (header.backingName === null) return { variant: "dynamic", sectorSizeBytes: SECTOR_BYTES, content: new QcowContent(file, header, null) };
  requireParent(parents, { kind: "qcow image", identity: null, name: header.backingName });
  const { content } = await openBacking(parents, null);
  return { variant: "differencing", sectorSizeBytes: SECTOR_BYTES, content: new QcowContent(file, header, content) };
}

async function readHeader(file: ByteSource): Promise<QcowHeader> {
  if (file.sizeBytes < HEADER_BYTES) throw damaged("its header is cut off");
  const fields = new Fields(await file.read(0, HEADER_BYTES));
  const clusterBits = fields.u8(32);
  const tableBits = fields.u8(33);
  const sizeBytes = fields.u64Big(24);
  if (clusterBits < CLUSTER_BITS.min || clusterBits > CLUSTER_BITS.max || tableBits < TABLE_BITS.min || tableBits > TABLE_BITS.max) throw damaged(`it has clusters of 2^${clusterBits} bytes and tables of 2^${tableBits} entries`);
  if (sizeBytes < 2 || sizeBytes > VIRTUAL_SIZE_BYTES_MAX) throw damaged(`its size is given as ${sizeBytes} bytes`);
  if (fields.u32Big(36) !== 0) throw new DiskImageError("DI-QCOW-ENCRYPTED", "The qcow image is encrypted; nothing can be read without its key. Decrypt it with qemu-img convert, then give the result.");
  const nameOffset = fields.u64Big(8);
  const nameBytes = fields.u32Big(16);
  if (nameOffset !== 0 && nameBytes > NAME_BYTES_MAX) throw damaged(`the name of its backing file has ${nameBytes} bytes`);
  const backingName = nameOffset === 0 || nameBytes === 0 ? null : new TextDecoder().decode(await file.read(nameOffset, nameBytes));
  return { virtualSizeBytes: Math.floor(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES, clusterBits, tableBits, firstTableOffset: fields.u64Big(40), backingName };
}

class QcowContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #header: QcowHeader;
  readonly #backing: ByteSource | null;
  readonly #clusterBytes: number;
  readonly #unpacked = new UnpackedClusters();

  constructor(file: ByteSource, header: QcowHeader, backing: ByteSource | null) {
    this.sizeBytes = header.virtualSizeBytes;
    this.#file = file;
    this.#header = header;
    this.#backing = backing;
    this.#clusterBytes = 2 ** header.clusterBits;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return readInBlocks(this.sizeBytes, this.#clusterBytes, offset, length, (cluster, within, part) => this.#readInCluster(cluster, within, part));
  }

  async #readInCluster(cluster: number, within: number, length: number): Promise<Uint8Array | null> {
    const { firstTableOffset, tableBits } = this.#header;
    const perTable = 2 ** tableBits;
    const table = await this.#entry(firstTableOffset, Math.floor(cluster / perTable));
    const entry = table === 0n ? 0n : await this.#entry(Number(table), cluster % perTable);
    if (entry === 0n) return readFromParent(this.#backing, cluster * this.#clusterBytes + within, length);
    if ((entry & IS_COMPRESSED) !== 0n) return (await this.#unpack(entry, cluster)).slice(within, within + length);
    return readPadded(this.#file, Number(entry) + within, length);
  }

  async #entry(tableOffset: number, index: number): Promise<bigint> {
    return new Fields(await this.#file.read(tableOffset + index * 8, 8)).u64ExactBig(0);
  }

  /** Below the mark, an entry holds the length of the data, then its place. */
  async #unpack(entry: bigint, cluster: number): Promise<Uint8Array> {
    const offsetBits = BigInt(63 - this.#header.clusterBits);
    const offset = Number(entry & ((1n << offsetBits) - 1n));
    const length = Number((entry >> offsetBits) & BigInt(this.#clusterBytes - 1));
    return this.#unpacked.get(offset, async () => {
      const stored = await this.#file.read(offset, length);
      return unpackOr("DI-QCOW-CLUSTER", `Cluster ${cluster} of the qcow image`, () => inflateCluster(stored, this.#clusterBytes));
    });
  }
}
