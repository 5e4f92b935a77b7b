import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { pagedSource } from "../paged-source.ts";
import { type DirectoryEntry, parseDirectory } from "./fat-directory.ts";
import { AllocationTable, chainError, type FatGeometry, type FatKind, isDataCluster, readFatGeometry } from "./fat-volume.ts";

/** Directories of firmware volumes hold some files; FAT itself allows 65,536 entries. */
const DIRECTORY_BYTES_MAX = 2 * 1024 * 1024;

/** A FAT volume, read-only, by the rules of firmware's own driver. */
export class FatVolume {
  readonly kind: FatKind;
  readonly #volume: ByteSource;
  readonly #tables: ByteSource;
  readonly #geometry: FatGeometry;
  readonly #table: AllocationTable;

  constructor(volume: ByteSource, tables: ByteSource, geometry: FatGeometry) {
    this.kind = geometry.kind;
    this.#volume = volume;
    this.#tables = tables;
    this.#geometry = geometry;
    this.#table = new AllocationTable(volume, geometry);
  }

  /**
   * Finds a file or directory by path (`\EFI\BOOT\BOOTX64.EFI`; slashes do as well), by long or short name, whatever the case. Null
   * where it does not exist.
   */
  async find(path: string): Promise<DirectoryEntry | null> {
    let entry: DirectoryEntry | null = null;
    for (const name of path.split(/[\\/]+/).filter((part) => part !== "")) {
      if (entry !== null && !entry.isDirectory) return null;
      entry = matchName(await this.list(entry), name);
      if (entry === null) return null;
    }
    return entry;
  }

  /** The entries of a directory; null is the root. */
  async list(directory: DirectoryEntry | null): Promise<readonly DirectoryEntry[]> {
    const geometry = this.#geometry;
    const rootCluster = geometry.kind === "fat32" ? geometry.rootCluster : 0;
    // A subdirectory's link to the root names cluster 0.
    const cluster = directory === null || directory.firstCluster === 0 ? rootCluster : directory.firstCluster;
    if (cluster === 0) return parseDirectory(await this.#tables.read(geometry.rootOffset, Math.min(geometry.rootSizeBytes, this.#volume.sizeBytes - geometry.rootOffset)));
    return parseDirectory(await this.#readChain(cluster, DIRECTORY_BYTES_MAX, "directory"));
  }

  /**
   * Reads a file of at most `sizeBytesMax`: `DI-FAT-TOO-LARGE` when it is longer, `DI-FAT-CHAIN` when its chain of clusters is shorter
   * than the file or leaves the volume.
   */
  async readFile(entry: DirectoryEntry, sizeBytesMax: number): Promise<Uint8Array> {
    if (entry.sizeBytes > sizeBytesMax) throw new DiskImageError("DI-FAT-TOO-LARGE", `${entry.name} has ${entry.sizeBytes} bytes; more than ${sizeBytesMax} are not read as a boot file.`);
    if (entry.sizeBytes === 0) return new Uint8Array(0);
    return this.#readChain(entry.firstCluster, entry.sizeBytes, "file");
  }

  /** Neighbouring clusters are read at once. A directory ends where its chain does, a file must have all its bytes. */
  async #readChain(firstCluster: number, sizeBytes: number, what: "file" | "directory"): Promise<Uint8Array> {
    const { clusterSizeBytes, dataOffset } = this.#geometry;
    const parts: Uint8Array[] = [];
    let done = 0;
    let cluster: number | null = firstCluster;
    while (done < sizeBytes && cluster !== null) {
      if (!isDataCluster(this.#geometry, cluster)) throw chainError(firstCluster, cluster);
      const start: number = cluster;
      const run: { readonly clusters: number; readonly next: number | null } = await this.#table.run(start, Math.ceil((sizeBytes - done) / clusterSizeBytes));
      cluster = run.next;
      const length = Math.min(run.clusters * clusterSizeBytes, sizeBytes - done);
      const from = what === "file" ? this.#volume : this.#tables;
      const part = await from.read(dataOffset + (start - 2) * clusterSizeBytes, length);
      parts.push(part);
      done += length;
    }
    if (what === "file" && done < sizeBytes) throw new DiskImageError("DI-FAT-CHAIN", `A file of ${sizeBytes} bytes has clusters for ${done} only. Repair the file system (fsck.vfat) or write the file again.`);
    return joinParts(parts, done);
  }
}

function joinParts(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Long names are looked at first; a short name counts even where the long one is another. */
function matchName(entries: readonly DirectoryEntry[], name: string): DirectoryEntry | null {
  const wanted = name.toUpperCase();
  return entries.find((entry) => entry.name.toUpperCase() === wanted) ?? entries.find((entry) => entry.shortName.toUpperCase() === wanted) ?? null;
}

/** Opens the FAT volume in a partition, or null where firmware's driver would find none. `blockSizeBytes` is the device's. */
export async function openFat(volume: ByteSource, blockSizeBytes: number): Promise<FatVolume | null> {
  const tables = pagedSource(volume);
  const geometry = await readFatGeometry(tables, blockSizeBytes);
  return geometry === null ? null : new FatVolume(volume, tables, geometry);
}
