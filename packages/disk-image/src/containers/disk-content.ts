import type { ByteSource } from "../byte-source.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { quoteName } from "../safety/quote-name.ts";

export type DiskVariant = "fixed" | "dynamic" | "differencing";

/** Something about an image that does not keep it from being read, but that people should know. */
export interface DiskRemark {
  readonly code: "DI-QCOW2-CORRUPT" | "DI-PARENT-UNVERIFIED" | "DI-COMPRESSED-SIZE";
  readonly text: string;
}

/** What a container shows to the machine, whatever its own layout. */
export interface DiskContent {
  readonly variant: DiskVariant;
  readonly sectorSizeBytes: number;
  /** The sectors as the guest sees them. */
  readonly content: ByteSource;
  readonly remarks?: readonly DiskRemark[];
}

/** Hyper-V and QEMU allow long chains; ours is bounded as each link costs reads. */
export const PARENTS_MAX = 64;

/** The nearest of the parents handed over. `DI-PARENT-MISSING` without one: a file is never looked for by the name that the image gives. */
export function requireParent(parents: readonly ByteSource[], disk: { readonly kind: string; readonly identity: string | null; readonly name: string | null }): ByteSource {
  const [nearest] = parents;
  if (nearest !== undefined) return nearest;
  const identity = disk.identity === null ? "" : ` with the identity ${disk.identity}`;
  const name = disk.name === null ? "" : ` The image names it ${quoteName(disk.name)}, which is not opened.`;
  throw new DiskImageError("DI-PARENT-MISSING", `The ${disk.kind} is a differencing disk; its parent${identity} is needed.${name} Hand it over as the parent, or merge the two.`);
}

/** Throws `DI-PARENT-CYCLE` where a chain comes back to a disk that it has passed. */
export function refuseCycle(kind: string, identity: string, passed: readonly string[]): void {
  if (passed.includes(identity)) throw new DiskImageError("DI-PARENT-CYCLE", `The parents of the ${kind} lead back to ${quoteName(identity)}, which stands above them in the chain. Hand over the parents that it was made from.`);
}
