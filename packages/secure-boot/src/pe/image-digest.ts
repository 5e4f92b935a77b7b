import { startDigest } from "#crypto";
import { type PeImage, securityDirectory } from "./pe-image.ts";

/** The stretches of the file that the Authenticode digest covers, or null when firmware's computation fails. */
function coveredRanges(image: PeImage, certificateBytes: number): readonly (readonly [number, number])[] | null {
  const { file, checksumOffset, directoriesOffset, directories, sizeOfHeaders, sections } = image;
  const ranges: [number, number][] = [[0, checksumOffset]];
  const security = directories.length > securityDirectory ? directoriesOffset + securityDirectory * 8 : null;
  if (security === null) ranges.push([checksumOffset + 4, sizeOfHeaders]);
  else ranges.push([checksumOffset + 4, security], [security + 8, sizeOfHeaders]);
  let sum = sizeOfHeaders;
  // In the order of the file; sections that start together keep the order of the table.
  for (const { rawOffset, rawSizeBytes } of sections.toSorted((one, other) => one.rawOffset - other.rawOffset)) {
    if (rawSizeBytes === 0) continue;
    ranges.push([rawOffset, rawOffset + rawSizeBytes]);
    sum += rawSizeBytes;
  }
  // The rest begins where the sizes sum up to, wherever the last section really ends.
  if (file.length > sum) {
    if (file.length < certificateBytes + sum) return null;
    ranges.push([sum, file.length - certificateBytes]);
  }
  return ranges;
}

/** Digests of an image by algorithm, each computed when it is first asked for. */
export class ImageDigests {
  readonly #image: PeImage;
  readonly #known = new Map<string, Uint8Array | null>();

  constructor(image: PeImage) {
    this.#image = image;
  }

  /** As firmware computes it (EDK2 HashPeImage). Null when the sizes contradict each other. */
  firmware(algorithm: string): Uint8Array | null {
    const known = this.#known.get(algorithm);
    if (known !== undefined) return known;
    const ranges = coveredRanges(this.#image, this.#image.directories[securityDirectory]?.sizeBytes ?? 0);
    const digest = ranges === null ? null : this.#digest(algorithm, ranges, 0);
    this.#known.set(algorithm, digest);
    return digest;
  }

  /** As shim computes it: an unsigned file is padded with zeros to a multiple of eight. */
  shim(algorithm: string): Uint8Array | null {
    const padding = (8 - (this.#image.file.length % 8)) % 8;
    const certificateBytes = this.#image.directories[securityDirectory]?.sizeBytes ?? 0;
    if (padding === 0 || certificateBytes > 0) return this.firmware(algorithm);
    const ranges = coveredRanges(this.#image, 0);
    return ranges === null ? null : this.#digest(algorithm, ranges, padding);
  }

  #digest(algorithm: string, ranges: readonly (readonly [number, number])[], padding: number): Uint8Array {
    const hash = startDigest(algorithm);
    for (const [from, to] of ranges) if (to > from) hash.update(this.#image.file.subarray(from, to));
    if (padding > 0) hash.update(new Uint8Array(padding));
    return hash.digest();
  }
}
