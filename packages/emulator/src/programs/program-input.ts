// Input that no program reads; a client that sends more than this sends it to the wrong place.
const keptBytesMax = 16 * 1024 * 1024;

/** What is sent to a program's standard input, until the program reads it. */
export class ProgramInput {
  #chunks: Buffer[] = [];
  #keptBytes = 0;
  #ended = false;
  #wake: () => void = () => {};

  /** An input at whose end we are already. */
  static empty(): ProgramInput {
    const input = new ProgramInput();
    input.end();
    return input;
  }

  write(data: Uint8Array): void {
    if (this.#ended || data.length === 0 || this.#keptBytes + data.length > keptBytesMax) return;
    this.#chunks.push(Buffer.from(data));
    this.#keptBytes += data.length;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next piece, or null at the end, or when the signal ends the wait. */
  async read(signal: AbortSignal): Promise<Buffer | null> {
    while (this.#chunks.length === 0 && !this.#ended && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener("abort", wake);
      });
    }
    const chunk = this.#chunks.shift() ?? null;
    this.#keptBytes -= chunk?.length ?? 0;
    return signal.aborted ? null : chunk;
  }

  /** The next line without its end; null when there is none any more. */
  async readLine(signal: AbortSignal): Promise<string | null> {
    const parts: Buffer[] = [];
    for (;;) {
      const chunk = await this.read(signal);
      if (!chunk) return parts.length === 0 ? null : Buffer.concat(parts).toString("utf8").replace(/\r$/, "");
      const end = chunk.indexOf(0x0a);
      if (end < 0) {
        parts.push(chunk);
        continue;
      }
      if (end + 1 < chunk.length) {
        this.#chunks.unshift(chunk.subarray(end + 1));
        this.#keptBytes += chunk.length - end - 1;
      }
      return Buffer.concat([...parts, chunk.subarray(0, end)]).toString("utf8").replace(/\r$/, "");
    }
  }
}
