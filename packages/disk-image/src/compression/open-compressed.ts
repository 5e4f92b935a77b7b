import type { ByteSource } from "../byte-source.ts";
import { DecodeBudget } from "./decode-budget.ts";
import { DecodedSource, openDecoded, type Segment } from "./decoded-source.ts";
import { GzipDecoder } from "./gzip-decoder.ts";
import { readXzSegments } from "./xz-blocks.ts";
import { readZstdSegments } from "./zstd-segments.ts";

/** Compressions that may lie around an image. */
export type Compression = "gzip" | "xz" | "zstd";

interface CompressionReader {
  /** What a person would type instead. */
  readonly command: string;
  readSegments(source: ByteSource): Promise<readonly Segment[]>;
}

const readers: Readonly<Record<Compression, CompressionReader>> = {
  gzip: { command: "gunzip FILE", readSegments: async (source) => [{ contentBytes: null, open: () => new GzipDecoder(source) }] },
  xz: { command: "xz -d FILE", readSegments: readXzSegments },
  zstd: { command: "zstd -d FILE", readSegments: readZstdSegments },
};

export const isCompression = (format: string): format is Compression => Object.hasOwn(readers, format);

/**
 * Opens what a compressed file holds. An .xz file and Zstandard frames that tell their size are decoded only where something is read; the
 * rest once from front to end, as only that tells how long it is. Throws `DI-COMPRESSED-DATA`, `-BUDGET`, `-METHOD` and `-WINDOW`, also when
 * it is read later. `decodedBytesMax` stands for the limit that follows from the file's size.
 */
export async function openCompressed(source: ByteSource, compression: Compression, decodedBytesMax?: number): Promise<DecodedSource> {
  const { command, readSegments } = readers[compression];
  return openDecoded(await readSegments(source), new DecodeBudget(source.sizeBytes, command, decodedBytesMax));
}
