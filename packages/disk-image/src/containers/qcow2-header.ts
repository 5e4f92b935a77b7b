import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { quoteName } from "../safety/quote-name.ts";

/** What the header of a qcow2 image says (QEMU, docs/interop/qcow2.txt). */
export interface Qcow2Header {
  readonly version: number;
  readonly clusterSizeBytes: number;
  readonly virtualSizeBytes: number;
  readonly firstTable: { readonly offset: number; readonly entries: number };
  readonly hasSubclusters: boolean;
  readonly compression: "deflate" | "zstd";
  readonly backing: { readonly name: string; readonly format: string | null } | null;
  readonly isMarkedCorrupt: boolean;
}

const HEADER_2_BYTES = 72;
const HEADER_3_BYTES_MIN = 104;
const HEADER_BYTES = 112;
const CLUSTER_BITS_MIN = 9;
const CLUSTER_BITS_MAX = 21;
/** Subclusters are a thirty-second and must be sectors at least. */
const CLUSTER_BITS_WITH_SUBCLUSTERS_MIN = 14;
/** QEMU's own limits: an L1 table of 32 MiB, names of 1023 bytes, 65,536 snapshots. */
const FIRST_TABLE_ENTRIES_MAX = 4 * 1024 * 1024;
const NAME_BYTES_MAX = 1023;
const SNAPSHOTS_MAX = 65536;
const REFCOUNT_ORDER_MAX = 6;
const ENCRYPTIONS = ["none", "AES", "LUKS"] as const;
const BITS = { corrupt: 1, externalData: 2, compression: 3, subclusters: 4 } as const;
/** Bits 0 to 4 are understood: the dirty bit speaks of reference counts, which no reader needs. */
const INCOMPATIBLE_KNOWN = 0x1fn;
const EXTENSIONS = { end: 0, backingFormat: 0xe2792aca, featureNames: 0x6803f857, dataFile: 0x44415441 } as const;
/** There are six kinds. */
const EXTENSIONS_MAX = 64;
const FEATURE_NAME_BYTES = 48;

const damaged = (what: string): DiskImageError => new DiskImageError("DI-QCOW2-HEADER", `The qcow2 image cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Reads and checks the header as QEMU does on opening. Throws `DI-QCOW2-HEADER`, `-FEATURE`, `-ENCRYPTED` and `-EXTERNAL-DATA`. */
export async function readQcow2Header(file: ByteSource): Promise<Qcow2Header> {
  if (file.sizeBytes < HEADER_2_BYTES) throw damaged("its header is cut off");
  const padded = new Uint8Array(HEADER_BYTES);
  padded.set(await file.read(0, Math.min(HEADER_BYTES, file.sizeBytes)), 0);
  const fields = new Fields(padded);
  const version = fields.u32Big(4);
  if (version !== 2 && version !== 3) throw new DiskImageError("DI-QCOW2-FEATURE", `The image is qcow2 of version ${version}; 2 and 3 are known. Convert it with the QEMU that made it: qemu-img convert -O qcow2 IN OUT`);
  const clusterBits = fields.u32Big(20);
  if (clusterBits < CLUSTER_BITS_MIN || clusterBits > CLUSTER_BITS_MAX) throw damaged(`its clusters have 2^${clusterBits} bytes; 2^${CLUSTER_BITS_MIN} to 2^${CLUSTER_BITS_MAX} are allowed`);
  const clusterSizeBytes = 2 ** clusterBits;
  const headerBytes = version === 2 ? HEADER_2_BYTES : fields.u32Big(100);
  if (version === 3 && (headerBytes < HEADER_3_BYTES_MIN || headerBytes > clusterSizeBytes || headerBytes > file.sizeBytes)) throw damaged(`its header claims ${headerBytes} bytes`);
  const features = version === 2 ? 0n : fields.u64ExactBig(72);
  const nameOffset = fields.u64Big(8);
  const extensions = await readExtensions(file, headerBytes, nameOffset === 0 ? clusterSizeBytes : Math.min(clusterSizeBytes, nameOffset));
  refuseFeatures(features, fields.u32Big(32), extensions);
  const has = (bit: number): boolean => ((features >> BigInt(bit)) & 1n) === 1n;
  if (has(BITS.subclusters) && clusterBits < CLUSTER_BITS_WITH_SUBCLUSTERS_MIN) throw damaged(`it has subclusters in clusters of ${clusterSizeBytes} bytes, which are too small for them`);
  if (fields.u32Big(56) === 0 || (version === 3 && fields.u32Big(96) > REFCOUNT_ORDER_MAX) || fields.u32Big(60) > SNAPSHOTS_MAX) throw damaged("its reference counts or snapshots are described wrongly");
  const header = {
    version,
    clusterSizeBytes,
    virtualSizeBytes: Math.floor(fields.u64Big(24) / 512) * 512,
    firstTable: { offset: fields.u64Big(40), entries: fields.u32Big(36) },
    hasSubclusters: has(BITS.subclusters),
    compression: readCompression(headerBytes > HEADER_3_BYTES_MIN ? fields.u8(104) : 0, has(BITS.compression)),
    backing: await readBacking(file, nameOffset, fields.u32Big(16), clusterSizeBytes, extensions.get(EXTENSIONS.backingFormat)),
    isMarkedCorrupt: has(BITS.corrupt),
  };
  validateTable(header);
  return header;
}

function validateTable({ clusterSizeBytes, virtualSizeBytes, hasSubclusters, firstTable }: Pick<Qcow2Header, "clusterSizeBytes" | "virtualSizeBytes" | "hasSubclusters" | "firstTable">): void {
  const bytesPerEntry = clusterSizeBytes * (clusterSizeBytes / (hasSubclusters ? 16 : 8));
  const needed = Math.ceil(virtualSizeBytes / bytesPerEntry);
  const { entries, offset } = firstTable;
  if (entries > FIRST_TABLE_ENTRIES_MAX) throw damaged(`its L1 table claims ${entries} entries`);
  if (!(needed <= entries)) throw damaged(`its L1 table of ${entries} entries is too short for a disk of ${virtualSizeBytes} bytes`);
  if (entries > 0 && offset % clusterSizeBytes !== 0) throw damaged(`its L1 table lies at byte ${offset}, which is no whole cluster`);
}

function readCompression(type: number, isMarked: boolean): "deflate" | "zstd" {
  if (type > 1) throw new DiskImageError("DI-QCOW2-FEATURE", `The qcow2 image is compressed by method ${type}; 0 (zlib) and 1 (zstd) are known. Convert it: qemu-img convert -O qcow2 IN OUT`);
  if ((type === 1) !== isMarked) throw damaged("its compression type disagrees with the bit that stands for it");
  return type === 1 ? "zstd" : "deflate";
}

function refuseFeatures(features: bigint, encryption: number, extensions: ReadonlyMap<number, Uint8Array>): void {
  const unknown = [...Array(64).keys()].filter((bit) => (((features & ~INCOMPATIBLE_KNOWN) >> BigInt(bit)) & 1n) === 1n);
  if (unknown.length > 0) {
    const names = unknown.map((bit) => featureName(bit, extensions.get(EXTENSIONS.featureNames)));
    throw new DiskImageError("DI-QCOW2-FEATURE", `The qcow2 image needs ${names.join(", ")}, which is not known here. Convert it with the QEMU that made it: qemu-img convert -O qcow2 IN OUT`);
  }
  if (encryption !== 0) throw new DiskImageError("DI-QCOW2-ENCRYPTED", `The qcow2 image is encrypted (${ENCRYPTIONS[encryption] ?? `method ${encryption}`}); nothing can be read without its key. Decrypt it with qemu-img convert, then give the result.`);
  if (((features >> BigInt(BITS.externalData)) & 1n) === 0n) return;
  const name = extensions.get(EXTENSIONS.dataFile);
  throw new DiskImageError("DI-QCOW2-EXTERNAL-DATA", `The qcow2 image keeps its data in another file${name === undefined ? "" : `, ${quoteName(new TextDecoder().decode(name))}`}, which is not opened. Make one file of both: qemu-img convert -O qcow2 IN OUT`);
}

/** Images carry the names of their own features, for readers that are older. */
function featureName(bit: number, table: Uint8Array = new Uint8Array(0)): string {
  for (let offset = 0; offset + FEATURE_NAME_BYTES <= table.length; offset += FEATURE_NAME_BYTES) {
    if (table[offset] !== 0 || table[offset + 1] !== bit) continue;
    return `the feature ${quoteName(new TextDecoder().decode(table.subarray(offset + 2, offset + FEATURE_NAME_BYTES)).replace(/\0.*$/su, ""))}`;
  }
  return `the feature of bit ${bit}`;
}

async function readExtensions(file: ByteSource, start: number, end: number): Promise<ReadonlyMap<number, Uint8Array>> {
  const extensions = new Map<number, Uint8Array>();
  for (let offset = start; offset + 8 <= Math.min(end, file.sizeBytes) && extensions.size < EXTENSIONS_MAX; ) {
    const head = new Fields(await file.read(offset, 8));
    const type = head.u32Big(0);
    const length = head.u32Big(4);
    if (type === EXTENSIONS.end) break;
    if (length > end - offset - 8 || length > file.sizeBytes - offset - 8) throw damaged(`a header extension of ${length} bytes leaves the header`);
    if (Object.values<number>(EXTENSIONS).includes(type)) extensions.set(type, await file.read(offset + 8, Math.min(length, EXTENSIONS_MAX * FEATURE_NAME_BYTES)));
    offset += 8 + Math.ceil(length / 8) * 8;
  }
  return extensions;
}

async function readBacking(file: ByteSource, offset: number, length: number, clusterSizeBytes: number, format: Uint8Array | undefined): Promise<Qcow2Header["backing"]> {
  if (offset === 0 || length === 0) return null;
  if (offset > clusterSizeBytes || length > Math.min(NAME_BYTES_MAX, clusterSizeBytes - offset)) throw damaged(`the name of its backing file, ${length} bytes at ${offset}, leaves the header`);
  const name = new TextDecoder().decode(await file.read(offset, length));
  return { name, format: format === undefined ? null : new TextDecoder().decode(format) };
}
