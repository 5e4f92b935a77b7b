import type { RunningProgram, ShellCommand, ShellOutput, ShellPrograms } from "../provider.ts";

// Output that nobody fetches: WinRM bounds a shell's memory (MaxMemoryPerShellMB); this much is a runaway program.
export const bufferedBytesMax = 16 * 1024 * 1024;

export type StreamName = "stdout" | "stderr";

export interface CommandOutput {
  readonly chunks: readonly { readonly stream: StreamName; readonly data: Buffer }[];
  /** Null while the program runs or output is left. */
  readonly exitCode: number | null;
}

/** One program of a shell: its output until somebody receives it, and its end. */
export class RunningCommand {
  readonly #program: RunningProgram;
  #chunks: { stream: StreamName; data: Buffer }[] = [];
  #bufferedBytes = 0;
  #exitCode: number | null = null;
  readonly #waiting = new Set<() => void>();

  constructor(programs: ShellPrograms, command: ShellCommand) {
    const output: ShellOutput = { write: (stream, data) => this.#keep(stream, data) };
    this.#program = programs.start(command, output);
    void this.#awaitEnd();
  }

  writeInput(data: Uint8Array, end: boolean): void {
    this.#program.writeInput(data, end);
  }

  terminate(): void {
    if (this.#exitCode === null) this.#program.terminate();
  }

  /** Takes what is there, waiting up to `timeoutMs`; null when nothing came. An aborted wait takes nothing. */
  async receive(bytesMax: number, timeoutMs: number, signal: AbortSignal): Promise<CommandOutput | null> {
    const deadline = Date.now() + timeoutMs;
    while (this.#chunks.length === 0 && this.#exitCode === null) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || signal.aborted) return null;
      await this.#next(leftMs, signal);
    }
    if (signal.aborted) return null;
    const chunks = this.#take(bytesMax);
    return { chunks, exitCode: this.#chunks.length === 0 ? this.#exitCode : null };
  }

  async #awaitEnd(): Promise<void> {
    this.#exitCode = await this.#program.exitCode;
    this.#wake();
  }

  #keep(stream: StreamName, data: Uint8Array): void {
    if (this.#exitCode !== null || data.length === 0) return;
    this.#chunks.push({ stream, data: Buffer.from(data) });
    this.#bufferedBytes += data.length;
    if (this.#bufferedBytes > bufferedBytesMax) this.#program.terminate();
    this.#wake();
  }

  #take(bytesMax: number): { stream: StreamName; data: Buffer }[] {
    const taken: { stream: StreamName; data: Buffer }[] = [];
    let roomBytes = bytesMax;
    while (roomBytes > 0) {
      const chunk = this.#chunks[0];
      if (!chunk) break;
      const part = chunk.data.subarray(0, roomBytes);
      taken.push({ stream: chunk.stream, data: part });
      roomBytes -= part.length;
      this.#bufferedBytes -= part.length;
      if (part.length === chunk.data.length) this.#chunks.shift();
      else chunk.data = chunk.data.subarray(part.length);
    }
    return taken;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #next(leftMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, leftMs);
      signal.addEventListener("abort", done);
      this.#waiting.add(done);
    });
  }
}
