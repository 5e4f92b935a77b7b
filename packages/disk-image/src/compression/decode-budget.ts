import { DiskImageError } from "../disk-image-error.ts";

/** Some seconds of work at least, whatever the size of the file. */
const BYTES_ALWAYS = 2 * 1024 ** 3;
/** A file of zeros shrinks a thousandfold and more, one with an operating system in it not by half of this. */
const RATIO_MAX = 128;
const BYTES_MAX = 64 * 1024 ** 3;

/** Counts what is decompressed for one image, also what is decompressed again, and ends bombs. */
export class DecodeBudget {
  readonly bytesMax: number;
  readonly #command: string;
  #bytes = 0;

  /** `command` is what a person would type to decompress the file. */
  constructor(storedBytes: number, command: string, bytesMax = Math.min(BYTES_MAX, BYTES_ALWAYS + RATIO_MAX * storedBytes)) {
    this.bytesMax = bytesMax;
    this.#command = command;
  }

  spend(length: number): void {
    this.#bytes += length;
    if (this.#bytes > this.bytesMax) throw new DiskImageError("DI-COMPRESSED-BUDGET", `More than ${this.bytesMax} bytes would have to be decompressed to judge the image, which is the limit for a file of its size. Decompress it first (${this.#command}), then give the result.`);
  }
}
