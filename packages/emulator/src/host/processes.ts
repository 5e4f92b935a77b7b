import type { RunningProgram, ShellPrograms } from "@signet/wsman/shell";

export interface HostProcess {
  readonly id: number;
  readonly commandLine: string;
  readonly startedMs: number;
  readonly program: RunningProgram;
}

// Windows numbers processes by fours; the first thousand are the system's own.
const firstId = 5000;
const idStep = 4;

/** Programs that run on the host without a shell around them, started through Win32_Process. Nobody reads what they print. */
export class HostProcesses {
  readonly #running = new Map<number, HostProcess>();
  readonly #programs: ShellPrograms;
  #lastId = firstId;

  constructor(programs: ShellPrograms) {
    this.#programs = programs;
  }

  all(): Iterable<HostProcess> {
    return this.#running.values();
  }

  start(commandLine: string, nowMs: number): HostProcess {
    const program = this.#programs.start({ commandLine, skipCmdShell: true }, { write: () => { /* There is no console to write to. */ } });
    this.#lastId += idStep;
    const started = { id: this.#lastId, commandLine, startedMs: nowMs, program };
    this.#running.set(started.id, started);
    void program.exitCode.finally(() => this.#running.delete(started.id));
    return started;
  }

  /** False when no such process runs. */
  terminate(id: number): boolean {
    const found = this.#running.get(id);
    found?.program.terminate();
    return found !== undefined;
  }

  close(): void {
    for (const { program } of this.#running.values()) program.terminate();
  }
}
