import type { CimInstance, CimParameters, CimReference, CimValue } from "./cim.ts";

/**
 * What stands behind a WS-Management server: somebody who has instances. The server owns SOAP, authentication, enumeration
 * contexts and batching; the provider owns meaning. Failures are `WsmanFault`s (see faults.ts); anything else is a bug and is
 * answered as `w:InternalError`.
 */
export interface WsmanProvider {
  /** Product facts for Identify, given to authenticated callers only. `version` as in "10.0.20348". */
  identify(): { readonly version: string; readonly stack: string };
  get(target: CimReference): Promise<CimInstance>;
  /** All instances that a WQL text selects, each with the reference that addresses it. */
  query(namespace: string, wql: string): Promise<readonly SelectedInstance[]>;
  /** All instances of a class (Enumerate on a class URI without filter). */
  enumerate(namespace: string, className: string): Promise<readonly SelectedInstance[]>;
  /**
   * Invokes a method. `input` holds the values as parsed without types: strings, arrays of strings, references, or null;
   * the provider knows the signature. The answer's `ReturnValue` is one of the outputs.
   */
  invoke(target: CimReference, method: string, input: CimParameters): Promise<MethodOutput>;
}

export interface SelectedInstance {
  readonly reference: CimReference;
  readonly instance: CimInstance;
}

/** Out parameters in the order in which they are written; `ReturnValue` is required. */
export type MethodOutput = Readonly<Record<string, CimValue>> & { readonly ReturnValue: number };

/** The programs that a shell can start. One call is one command; the server owns streams, polling and time-outs. */
export interface ShellPrograms {
  start(command: ShellCommand, output: ShellOutput): RunningProgram;
}

export interface ShellCommand {
  /** The command line as Windows would see it: program and arguments, not yet split. */
  readonly commandLine: string;
  /** True when the client asked to skip cmd.exe (WINRS_SKIP_CMD_SHELL). */
  readonly skipCmdShell: boolean;
  /** Of the shell: where its commands start, and what is added to their environment. Absent where the client said nothing. */
  readonly workingDirectory?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ShellOutput {
  write(stream: "stdout" | "stderr", data: Uint8Array): void;
}

export interface RunningProgram {
  /** Settles with the exit code; never rejects. */
  readonly exitCode: Promise<number>;
  writeInput(data: Uint8Array, end: boolean): void;
  terminate(): void;
}
