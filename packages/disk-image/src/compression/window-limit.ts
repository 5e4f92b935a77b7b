import { DiskImageError } from "../disk-image-error.ts";

/** What `xz -9` needs; more would have to be held in memory for one image, and only options that nobody uses for images ask for it. */
export const WINDOW_BYTES_MAX = 64 * 1024 * 1024;

export const windowTooLarge = (windowBytes: number, command: string): DiskImageError =>
  new DiskImageError("DI-COMPRESSED-WINDOW", `Decompressing the image needs ${windowBytes} bytes of what came before to be kept; more than ${WINDOW_BYTES_MAX} are not. Decompress it first (${command}), then give the result.`);
