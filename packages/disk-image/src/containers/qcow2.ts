import type { ByteSource } from "../byte-source.ts";
import { inflateCluster } from "../compression/inflate-cluster.ts";
import { decodeZstdCluster } from "../compression/zstd-decoder.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { readFromParent, readInBlocks, readPadded } from "./block-reads.ts";
import { type DiskContent, requireParent } from "./disk-content.ts";
import { type Qcow2Header, readQcow2Header } from "./qcow2-header.ts";
import { UnpackedClusters, unpackOr } from "./unpacked-clusters.ts";

/** Opens what lies below a qcow2 image: a disk of any format, or of the one that the image names. */
export type OpenBacking = (parents: readonly ByteSource[], format: string | null) => Promise<DiskContent>;

const SECTOR_BYTES = 512;
const SUBCLUSTERS = 32;
const OFFSET_MASK = 0x00fffffffffffe00n;
const IS_COMPRESSED = 1n << 62n;
const IS_ZERO = 1n;

/**
 * Opens a qcow2 image of version 2 or 3, the current state and none of its snapshots. An image over a backing file needs it as the nearest
 * parent (`DI-PARENT-MISSING`); nothing in the format says which one it was made for, so that none is refused as another.
 */
export async function openQcow2(source: ByteSource, parents: readonly ByteSource[], openBacking: OpenBacking): Promise<DiskContent> {
  const file = pagedSource(source);
  const header = await readQcow2Header(file);
  const backing = header.backing === null ? null : await openParent(header.backing, parents, openBacking);
  return {
    variant: backing === null ? "dynamic" : "differencing",
    sectorSizeBytes: SECTOR_BYTES,
    content: new Qcow2Content(file, header, backing?.content ?? null),
    remarks: [
      ...(header.isMarkedCorrupt ? [{ code: "DI-QCOW2-CORRUPT", text: "The image is marked as corrupt: QEMU reads it, but starts no machine with it. Check it: qemu-img check -r all FILE" } as const] : []),
      ...(backing === null ? [] : [{ code: "DI-PARENT-UNVERIFIED", text: "A qcow2 image does not record which backing file it was made over; the verdict holds for the one handed over, unchanged." } as const]),
      ...(backing?.remarks ?? []),
    ],
  };
}

async function openParent({ name, format }: NonNullable<Qcow2Header["backing"]>, parents: readonly ByteSource[], openBacking: OpenBacking): Promise<DiskContent> {
  requireParent(parents, { kind: "qcow2 image", identity: null, name });
  return openBacking(parents, format);
}

/** Where a cluster is, or a stretch of subclusters. */
type Place = { readonly kind: "backing" } | { readonly kind: "zero" } | { readonly kind: "stored"; readonly offset: number } | { readonly kind: "compressed"; readonly entry: bigint };

class Qcow2Content implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #header: Qcow2Header;
  readonly #backing: ByteSource | null;
  readonly #unpacked = new UnpackedClusters();
  readonly #entryBytes: number;
  readonly #entriesPerTable: number;

  constructor(file: ByteSource, header: Qcow2Header, backing: ByteSource | null) {
    this.sizeBytes = header.virtualSizeBytes;
    this.#file = file;
    this.#header = header;
    this.#backing = backing;
    this.#entryBytes = header.hasSubclusters ? 16 : 8;
    this.#entriesPerTable = header.clusterSizeBytes / this.#entryBytes;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { clusterSizeBytes } = this.#header;
    return readInBlocks(this.sizeBytes, clusterSizeBytes, offset, length, (cluster, within, part) => this.#readInCluster(cluster, within, part));
  }

  async #readInCluster(cluster: number, within: number, length: number): Promise<Uint8Array | null> {
    const entry = await this.#entry(cluster);
    if (entry === null) return this.#readPlace({ kind: "backing" }, cluster, within, length);
    if (!this.#header.hasSubclusters || (entry.value & IS_COMPRESSED) !== 0n) return this.#readPlace(this.#placeOf(entry.value, cluster), cluster, within, length);
    const bytes = new Uint8Array(length);
    const subclusterBytes = this.#header.clusterSizeBytes / SUBCLUSTERS;
    for (let done = 0; done < length; ) {
      const first = Math.floor((within + done) / subclusterBytes);
      const place = this.#subclusterPlace(entry, first, cluster);
      // Neighbours of one kind lie in one piece.
      let last = first;
      while ((last + 1) * subclusterBytes < within + length && this.#subclusterPlace(entry, last + 1, cluster).kind === place.kind) last += 1;
      const part = Math.min(length, (last + 1) * subclusterBytes - within) - done;
      const data = await this.#readPlace(place, cluster, within + done, part);
      if (data !== null) bytes.set(data, done);
      done += part;
    }
    return bytes;
  }

  /** The entry of the L2 table with, in an extended one, the bits of its subclusters. Null where there is no table. */
  async #entry(cluster: number): Promise<{ readonly value: bigint; readonly subclusters: bigint } | null> {
    const table = Math.floor(cluster / this.#entriesPerTable);
    const first = new Fields(await this.#file.read(this.#header.firstTable.offset + table * 8, 8)).u64ExactBig(0) & OFFSET_MASK;
    if (first === 0n) return null;
    const tableOffset = Number(first);
    if (tableOffset % this.#header.clusterSizeBytes !== 0) throw damaged(cluster, `its L2 table is said to lie at byte ${tableOffset}, which is no whole cluster`);
    const fields = new Fields(await readPadded(this.#file, tableOffset + (cluster % this.#entriesPerTable) * this.#entryBytes, this.#entryBytes));
    return { value: fields.u64ExactBig(0), subclusters: this.#entryBytes === 16 ? fields.u64ExactBig(8) : 0n };
  }

  #placeOf(value: bigint, cluster: number): Place {
    if ((value & IS_COMPRESSED) !== 0n) return { kind: "compressed", entry: value };
    if ((value & IS_ZERO) !== 0n) {
      if (this.#header.version === 2) throw damaged(cluster, "it is marked as zeros, which version 2 does not know");
      return { kind: "zero" };
    }
    const offset = Number(value & OFFSET_MASK);
    return offset === 0 ? { kind: "backing" } : { kind: "stored", offset: this.#aligned(offset, cluster) };
  }

  /** Bits 0 to 31 say which subclusters are stored, bits 32 to 63 which are zeros; both at once mean nothing. */
  #subclusterPlace(entry: { readonly value: bigint; readonly subclusters: bigint }, index: number, cluster: number): Place {
    const stored = Number(entry.subclusters & 0xffffffffn);
    const zeros = Number(entry.subclusters >> 32n);
    const offset = Number(entry.value & OFFSET_MASK);
    if ((stored & zeros) !== 0 || (offset === 0 && stored !== 0)) throw damaged(cluster, "the bits of its subclusters contradict each other");
    if (((zeros >>> index) & 1) === 1) return { kind: "zero" };
    return ((stored >>> index) & 1) === 1 ? { kind: "stored", offset: this.#aligned(offset, cluster) } : { kind: "backing" };
  }

  #aligned(offset: number, cluster: number): number {
    if (offset % this.#header.clusterSizeBytes !== 0) throw damaged(cluster, `it is said to lie at byte ${offset}, which is no whole cluster`);
    return offset;
  }

  async #readPlace(place: Place, cluster: number, within: number, length: number): Promise<Uint8Array | null> {
    if (place.kind === "zero") return null;
    if (place.kind === "backing") return readFromParent(this.#backing, cluster * this.#header.clusterSizeBytes + within, length);
    if (place.kind === "stored") return readPadded(this.#file, place.offset + within, length);
    return (await this.#unpack(place.entry, cluster)).slice(within, within + length);
  }

  /** The entry of a compressed cluster holds where it begins, to the byte, and how many sectors it touches behind the first. */
  async #unpack(entry: bigint, cluster: number): Promise<Uint8Array> {
    const { clusterSizeBytes, compression } = this.#header;
    const offsetBits = 62n - BigInt(Math.log2(clusterSizeBytes) - 8);
    const offset = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number((entry & (IS_COMPRESSED - 1n)) >> offsetBits) + 1;
    const length = Math.min(sectors * SECTOR_BYTES - (offset % SECTOR_BYTES), Math.max(0, this.#file.sizeBytes - offset));
    if (length === 0) throw damaged(cluster, `it is said to lie at byte ${offset}, behind the end of the file`);
    return this.#unpacked.get(offset, async () => {
      const stored = await this.#file.read(offset, length);
      return unpackOr("DI-QCOW2-CLUSTER", `Cluster ${cluster} of the qcow2 image`, () => (compression === "zstd" ? decodeZstdCluster(stored, clusterSizeBytes) : inflateCluster(stored, clusterSizeBytes)));
    });
  }
}

const damaged = (cluster: number, what: string): DiskImageError => new DiskImageError("DI-QCOW2-CLUSTER", `Cluster ${cluster} of the qcow2 image cannot be read: ${what}. Check the image (qemu-img check FILE) or copy it again.`);
