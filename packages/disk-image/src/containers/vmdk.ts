import type { ByteSource } from "../byte-source.ts";
import { inflateZlibCluster } from "../compression/inflate-cluster.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields } from "../fields.ts";
import { pagedSource } from "../paged-source.ts";
import { quoteName } from "../safety/quote-name.ts";
import { readFromParent, readInBlocks, readPadded } from "./block-reads.ts";
import { type DiskContent, PARENTS_MAX, requireParent } from "./disk-content.ts";
import { UnpackedClusters, unpackOr } from "./unpacked-clusters.ts";
import { parseVmdkDescriptor, type VmdkDescriptor } from "./vmdk-descriptor.ts";
import { readVmdkHeader, type VmdkExtent } from "./vmdk-header.ts";

interface OpenedVmdk extends DiskContent {
  readonly contentId: string | null;
}

const SECTOR_BYTES = 512;
/** VMware reserves twenty sectors. */
const DESCRIPTOR_BYTES_MAX = 64 * 1024;
const ZERO_GRAIN = 1;
/** In front of a compressed grain: its first sector (64 bits) and its length (32 bits). */
const MARKER_BYTES = 12;
const EXTENTS_SHOWN_MAX = 4;

/**
 * Opens a VMDK that is one file: sparse, stream-optimized, or an ESX snapshot's extent (COWD). One whose extents are other files is
 * `DI-VMDK-EXTENTS`: they are never opened. Parents come nearest first, known by their content ids.
 */
export async function openVmdk(source: ByteSource, parents: readonly ByteSource[]): Promise<DiskContent> {
  return open(source, parents.slice(0, PARENTS_MAX));
}

async function open(source: ByteSource, parents: readonly ByteSource[]): Promise<OpenedVmdk> {
  const file = pagedSource(source);
  if ((await readText(file, 0, 1)) === "#") throw extentsError(parseVmdkDescriptor(await readText(file, 0, Math.min(DESCRIPTOR_BYTES_MAX, file.sizeBytes))));
  const extent = await readVmdkHeader(file);
  const descriptor = extent.descriptor === null ? null : parseVmdkDescriptor(await readText(file, extent.descriptor.offset, Math.min(DESCRIPTOR_BYTES_MAX, extent.descriptor.sizeBytes)));
  if (descriptor !== null && (descriptor.extents.length > 1 || descriptor.extents.some(({ type }) => type !== "SPARSE"))) throw extentsError(descriptor);
  if (extent.virtualSizeBytes === 0) throw new DiskImageError("DI-VMDK-HEADER", "The VMDK cannot be read: its size is given as 0 sectors. Copy the file again or convert its source anew.");
  const parent = descriptor?.parentContentId == null ? null : await openParent(descriptor.parentContentId, descriptor.parentName, parents);
  return { variant: parent === null ? "dynamic" : "differencing", sectorSizeBytes: SECTOR_BYTES, content: new VmdkContent(file, extent, parent), contentId: descriptor?.contentId ?? null };
}

async function readText(file: ByteSource, offset: number, length: number): Promise<string> {
  return new TextDecoder().decode(await file.read(offset, length));
}

function extentsError({ createType, extents }: VmdkDescriptor): DiskImageError {
  const names = extents.slice(0, EXTENTS_SHOWN_MAX).map(({ name }) => quoteName(name ?? "")).join(", ");
  const more = extents.length > EXTENTS_SHOWN_MAX ? ` and ${extents.length - EXTENTS_SHOWN_MAX} more` : "";
  return new DiskImageError("DI-VMDK-EXTENTS", `The VMDK (${createType === null ? "without a type" : quoteName(createType)}) keeps its data in other files${names === "" ? "" : `: ${names}${more}`}. They are not opened. Make one file of them: qemu-img convert -O vmdk -o subformat=monolithicSparse IN OUT`);
}

async function openParent(contentId: string, name: string | null, parents: readonly ByteSource[]): Promise<ByteSource> {
  const nearest = requireParent(parents, { kind: "VMDK", identity: contentId, name });
  const parent = await open(nearest, parents.slice(1));
  if (parent.contentId !== contentId) throw new DiskImageError("DI-PARENT-OTHER", `The parent given has the content id ${parent.contentId === null ? "(none)" : quoteName(parent.contentId)}, but the disk was made over ${quoteName(contentId)}. Hand over the right parent, unchanged since.`);
  return parent.content;
}

class VmdkContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: ByteSource;
  readonly #extent: VmdkExtent;
  readonly #parent: ByteSource | null;
  readonly #unpacked = new UnpackedClusters();

  constructor(file: ByteSource, extent: VmdkExtent, parent: ByteSource | null) {
    this.sizeBytes = extent.virtualSizeBytes;
    this.#file = file;
    this.#extent = extent;
    this.#parent = parent;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return readInBlocks(this.sizeBytes, this.#extent.grainSizeBytes, offset, length, (grain, within, part) => this.#readInGrain(grain, within, part));
  }

  async #readInGrain(grain: number, within: number, length: number): Promise<Uint8Array | null> {
    const { grainSizeBytes, hasZeroGrains, isCompressed } = this.#extent;
    const sector = await this.#entry(grain);
    if (sector === ZERO_GRAIN && hasZeroGrains) return null;
    if (sector === 0) return readFromParent(this.#parent, grain * grainSizeBytes + within, length);
    if (isCompressed) return (await this.#unpack(sector * SECTOR_BYTES, grain)).slice(within, within + length);
    return readPadded(this.#file, sector * SECTOR_BYTES + within, length);
  }

  /** The sector at which the grain is stored; 0 for none. */
  async #entry(grain: number): Promise<number> {
    const { directoryOffset, tableEntries } = this.#extent;
    const table = new Fields(await this.#file.read(directoryOffset + Math.floor(grain / tableEntries) * 4, 4)).u32(0);
    if (table === 0) return 0;
    return new Fields(await this.#file.read(table * SECTOR_BYTES + (grain % tableEntries) * 4, 4)).u32(0);
  }

  async #unpack(offset: number, grain: number): Promise<Uint8Array> {
    const { grainSizeBytes, hasMarkers, virtualSizeBytes } = this.#extent;
    return this.#unpacked.get(offset, async () => {
      const head = hasMarkers ? MARKER_BYTES : 0;
      // Data that does not shrink grows by its frame; QEMU allows twice the grain.
      const room = Math.min(2 * grainSizeBytes, this.#file.sizeBytes - offset - head);
      const length = hasMarkers ? new Fields(await this.#file.read(offset, MARKER_BYTES)).u32(8) : room;
      if (length <= 0 || length > room) throw new DiskImageError("DI-VMDK-GRAIN", `Grain ${grain} of the VMDK cannot be read: it claims ${length} bytes at ${offset}. The image is damaged; copy it again.`);
      const stored = await this.#file.read(offset + head, length);
      const wanted = Math.min(grainSizeBytes, virtualSizeBytes - grain * grainSizeBytes);
      return unpackOr("DI-VMDK-GRAIN", `Grain ${grain} of the VMDK`, () => inflateZlibCluster(stored, wanted));
    });
  }
}
