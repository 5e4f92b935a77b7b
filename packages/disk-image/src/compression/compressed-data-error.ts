import { DiskImageError } from "../disk-image-error.ts";

/** Compressed data that is not what its format says. Containers that hold such data add which cluster it is. */
export const compressedDataError = (what: string): DiskImageError => new DiskImageError("DI-COMPRESSED-DATA", `The compressed data cannot be read: ${what}. It is damaged or cut off; copy the file again.`);
