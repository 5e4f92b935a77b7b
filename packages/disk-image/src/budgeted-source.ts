import type { ByteSource } from "./byte-source.ts";
import { DiskImageError } from "./disk-image-error.ts";

/** Counts what is read through any number of sources and stops at a limit, so that no image can make its reader work for ever. */
export class ReadBudget {
  readonly bytesMax: number;
  #bytesRead = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Whether that many more bytes may be read. */
  allows(length: number): boolean {
    return this.#bytesRead + length <= this.bytesMax;
  }

  spend(length: number): void {
    if (!this.allows(length)) {
      throw new DiskImageError("DI-READ-BUDGET", `Reading ${length} more bytes would pass the limit of ${this.bytesMax} bytes for one image. Its structures are too large or lead in circles.`);
    }
    this.#bytesRead += length;
  }
}

export function budgetedSource(source: ByteSource, budget: ReadBudget): ByteSource {
  return {
    sizeBytes: source.sizeBytes,
    read: async (offset, length) => {
      budget.spend(length);
      return source.read(offset, length);
    },
  };
}
