import type { DiskFormat, DiskType } from "../disk-settings.ts";
import type { DiskFile } from "./disk-file.ts";

/** A stretch of a disk that is all of one kind. `parent`: the layer below has it (or nobody: zeros). */
export type Run =
  | { readonly kind: "data"; readonly lengthBytes: number; readonly fileOffset: number }
  | { readonly kind: "zero" | "parent"; readonly lengthBytes: number };

/** What a layer's headers say, in one form for all formats. */
export interface LayerFacts {
  readonly format: DiskFormat;
  readonly type: DiskType;
  readonly sizeBytes: number;
  /** 0 for a fixed disk. */
  readonly blockSizeBytes: number;
  readonly logicalSectorBytes: number;
  readonly physicalSectorBytes: number;
  readonly diskId: string;
  /** What children know this disk by. It changes with the guest's data where the format can say so. */
  readonly linkId: string;
  /** Null unless differencing. */
  readonly parent: ParentLink | null;
}

export interface ParentLink {
  /** Any of these must be the parent's `linkId`. */
  readonly linkIds: readonly string[];
  /** Relative to the child's folder. */
  readonly relativePath: string | null;
  readonly absolutePath: string | null;
}

/**
 * One file of a chain of virtual disks. Offsets are those of the virtual disk; lengths never leave it. One call at a time: a write may
 * move the end of the file and change the block table.
 */
export interface DiskLayer {
  readonly file: DiskFile;
  readonly facts: LayerFacts;
  /** What lies at an offset, and how far. */
  run(offset: number, lengthBytes: number): Promise<Run>;
  /** Writes whole logical sectors. */
  write(offset: number, data: Uint8Array): Promise<void>;
  /** Changes the virtual size. What lay beyond a smaller size is gone, even when the disk grows again. */
  resize(sizeBytes: number): Promise<void>;
  /** Tells all children made so far, but those that are told the new identity, that this is another disk now; where the format can. */
  changeLinkId(linkId: string): Promise<void>;
  setParent(link: ParentLink): Promise<void>;
  /** @throws VirtualDiskError when the block table contradicts itself or the file */
  check(signal: AbortSignal): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
