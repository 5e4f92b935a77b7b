/**
 * The text of a serial port. A named pipe on a host loses what nobody reads; so that a reader who comes a moment after the start
 * still learns how the boot went, the last bytes since the start are kept for the first reader.
 */
export class ConsoleBuffer {
  #kept: Buffer[] = [];
  #keptBytes = 0;
  readonly #readers = new Set<ConsoleReader>();
  readonly #keptBytesMax: number;
  #input: ((data: Uint8Array) => void) | null = null;

  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** A start of the machine: what was kept belongs to the past. `input` takes what readers type. */
  begin(input: ((data: Uint8Array) => void) | null): void {
    this.#kept = [];
    this.#keptBytes = 0;
    this.#input = input;
  }

  /** The machine is off: readers see the end. */
  end(): void {
    this.#input = null;
    for (const reader of this.#readers) {
      this.#readers.delete(reader);
      reader.ended();
    }
  }

  write(data: Uint8Array): void {
    if (this.#readers.size > 0) {
      for (const reader of this.#readers) reader.data(data);
      return;
    }
    this.#kept.push(Buffer.from(data));
    this.#keptBytes += data.length;
    while (this.#keptBytes > this.#keptBytesMax) this.#dropOldest(this.#keptBytes - this.#keptBytesMax);
  }

  /** Delivers what was kept, then what comes. The answer stops the delivery. */
  attach(reader: ConsoleReader): () => void {
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#readers.add(reader);
    for (const part of kept) reader.data(part);
    return () => {
      this.#readers.delete(reader);
    };
  }

  type(data: Uint8Array): void {
    this.#input?.(data);
  }

  #dropOldest(surplusBytes: number): void {
    const first = this.#kept[0];
    if (first === undefined) return;
    const dropped = Math.min(surplusBytes, first.length);
    if (dropped === first.length) this.#kept.shift();
    else this.#kept[0] = first.subarray(dropped);
    this.#keptBytes -= dropped;
  }
}

export interface ConsoleReader {
  data(data: Uint8Array): void;
  ended(): void;
}
