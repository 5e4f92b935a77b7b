import { DiskImageError, type DiskImageCode } from "../disk-image-error.ts";

/** A directory and its file often share clusters, and readers take them page by page. */
const BYTES_MAX = 4 * 1024 * 1024;

/** The last clusters that were decompressed. */
export class UnpackedClusters {
  readonly #clusters = new Map<number, Uint8Array>();
  #bytes = 0;

  /** The cluster that is stored at `place`, decompressed by `unpack` unless it is known. */
  async get(place: number, unpack: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#clusters.get(place);
    if (known !== undefined) return known;
    const cluster = await unpack();
    this.#clusters.set(place, cluster);
    this.#bytes += cluster.length;
    for (const [oldest, { length }] of this.#clusters) {
      if (this.#bytes <= BYTES_MAX || oldest === place) break;
      this.#clusters.delete(oldest);
      this.#bytes -= length;
    }
    return cluster;
  }
}

/** Runs a decoder for one cluster and says, should it fail, which it was. */
export function unpackOr(code: DiskImageCode, where: string, unpack: () => Uint8Array): Uint8Array {
  try {
    return unpack();
  } catch (error) {
    if (!(error instanceof DiskImageError)) throw error;
    throw new DiskImageError(code, `${where} cannot be decompressed. The image is damaged; copy it again or convert its source anew.`, { cause: error });
  }
}
