import type { DriveFiles } from "../drive/drive-files.ts";
import type { HostDrive } from "../drive/host-drive.ts";
import { fullWindowsPath } from "../drive/windows-path.ts";
import type { Release } from "../host/releases.ts";
import type { ProgramInput } from "./program-input.ts";
import type { PipeDirectory } from "./pipe-directory.ts";

/** Somewhere that a program's text goes: the shell's stream, a file, another program, nowhere. */
export interface ProgramOutput {
  write(data: Uint8Array): Promise<void>;
}

/** What all programs of a host share. */
export interface ProgramHost {
  readonly drive: HostDrive;
  readonly files: DriveFiles;
  readonly pipes: PipeDirectory;
  readonly release: Release;
  readonly computerName: string;
  /** By name in lower case, without `.exe`. */
  readonly programs: ReadonlyMap<string, Program>;
}

/** What one program runs with. */
export interface ProgramContext {
  readonly host: ProgramHost;
  readonly input: ProgramInput;
  readonly stdout: ProgramOutput;
  readonly stderr: ProgramOutput;
  /** Aborted when the program is to end. */
  readonly signal: AbortSignal;
  /** Shared by the commands of one cmd.exe, which may change them. */
  readonly session: ShellSession;
}

export interface ShellSession {
  /** The current folder: `C:\Users\Administrator`. */
  folder: string;
  /** By name in upper case. */
  readonly environment: Map<string, string>;
  /** Of the last command: `%ERRORLEVEL%`. */
  errorLevel: number;
}

/** `tail` is the rest of the command line behind the program's name, as it was written. The answer is the exit code. */
export type Program = (context: ProgramContext, tail: string) => Promise<number>;

/** What a program that is ended from outside exits with: STATUS_CONTROL_C_EXIT. */
export const endedExitCode = 0xc000_013a;

export async function printLine(output: ProgramOutput, text: string): Promise<void> {
  await output.write(Buffer.from(`${text}\r\n`));
}

/** The full path that a program means. */
export function pathOf(context: ProgramContext, text: string): string {
  return fullWindowsPath(context.session.folder, text);
}

export function isNullDevice(path: string): boolean {
  return /^(?:.*\\)?nul(?:\.[^\\]*)?:?$/i.test(path.trim());
}
