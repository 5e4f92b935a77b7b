import type { ByteSource } from "../byte-source.ts";

export type DiskVariant = "fixed" | "dynamic" | "differencing";

/** What a container shows to the machine, whatever its own layout. */
export interface DiskContent {
  readonly variant: DiskVariant;
  readonly sectorSizeBytes: number;
  /** The sectors as the guest sees them. */
  readonly content: ByteSource;
}

/** Hyper-V and QEMU allow long chains; ours is bounded as each link costs reads. */
export const PARENTS_MAX = 64;
