import type { ByteSource } from "../byte-source.ts";
import { Fields } from "../fields.ts";
import { memorySource } from "../memory-source.ts";
import { readGptEnd } from "../partitions/gpt.ts";
import { DecodeBudget } from "./decode-budget.ts";
import { type DecodedSource, openDecoded, type Segment } from "./decoded-source.ts";
import { GzipDecoder } from "./gzip-decoder.ts";
import { readXzSegments } from "./xz-blocks.ts";
import { readZstdSegments } from "./zstd-segments.ts";

/** Compressions that may lie around an image. */
export type Compression = "gzip" | "xz" | "zstd";

interface CompressionReader {
  /** What a person would type instead. */
  readonly command: string;
  readSegments(source: ByteSource): Promise<readonly Segment[]>;
  /** Whether what the file says of itself speaks against so many bytes inside. */
  contradicts(source: ByteSource, contentBytes: number): Promise<boolean>;
}

const readers: Readonly<Record<Compression, CompressionReader>> = {
  gzip: {
    command: "gunzip FILE",
    readSegments: async (source) => [{ contentBytes: null, open: () => new GzipDecoder(source) }],
    // The last four bytes are the length of the last member, modulo 2^32.
    contradicts: async (source, contentBytes) => source.sizeBytes < 18 || new Fields(await source.read(source.sizeBytes - 4, 4)).u32(0) !== contentBytes % 2 ** 32,
  },
  xz: { command: "xz -d FILE", readSegments: readXzSegments, contradicts: async () => false },
  zstd: { command: "zstd -d FILE", readSegments: readZstdSegments, contradicts: async () => false },
};

/** A protective record, a table of 128 entries, and room for blocks of 4096 bytes. */
const TABLE_BYTES = 64 * 1024;

export const isCompression = (format: string): format is Compression => Object.hasOwn(readers, format);

/**
 * Opens what a compressed file holds. Where the file tells how much that is (.xz, most .zst), only what is read is decoded. Where it does not,
 * a valid partition table at the front tells; else everything is decoded once, as only that does. Throws `DI-COMPRESSED-DATA`, `-BUDGET`,
 * `-METHOD` and `-WINDOW`, also when it is read later. `decodedBytesMax` stands for the limit that follows from the file's size.
 */
export async function openCompressed(source: ByteSource, compression: Compression, decodedBytesMax?: number): Promise<DecodedSource> {
  const reader = readers[compression];
  const segments = await reader.readSegments(source);
  const budget = new DecodeBudget(source.sizeBytes, reader.command, decodedBytesMax);
  const [only] = segments;
  if (segments.length !== 1 || only === undefined || only.contentBytes !== null) return openDecoded(segments, budget);
  const end = await endByTable(only, budget);
  if (end === null || (await reader.contradicts(source, end))) return openDecoded(segments, budget);
  return openDecoded([{ contentBytes: end, mayGoOn: true, open: only.open }], budget);
}

/**
 * Where a disk ends by the valid GPT at its front. Firmware does not look at the end then, so that a table which lies about it changes
 * nothing but the size that is shown.
 */
async function endByTable(segment: Segment, budget: DecodeBudget): Promise<number | null> {
  const decoder = segment.open();
  const head = new Uint8Array(TABLE_BYTES);
  let filled = 0;
  while (filled < TABLE_BYTES) {
    const bytes = await decoder.next();
    if (bytes === null) return null;
    budget.spend(bytes.length);
    const part = bytes.subarray(0, TABLE_BYTES - filled);
    head.set(part, filled);
    filled += part.length;
  }
  for (const sectorSizeBytes of [512, 4096]) {
    const end = await readGptEnd(memorySource(head), sectorSizeBytes);
    if (end !== null && Number.isSafeInteger(end) && end >= TABLE_BYTES) return end;
  }
  return null;
}
