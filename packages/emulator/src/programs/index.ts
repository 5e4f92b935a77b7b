import type { ShellPrograms } from "@signet/wsman/shell";
import type { HostDrive } from "../drive/host-drive.ts";
import type { Release } from "../host/releases.ts";
import type { PipeDirectory } from "./pipe-directory.ts";

export type { PipeDirectory } from "./pipe-directory.ts";

export interface ProgramsOptions {
  readonly drive: HostDrive;
  readonly pipes: PipeDirectory;
  readonly release: Release;
  /** What `hostname` prints; as in Win32_ComputerSystem.Name. */
  readonly computerName?: string;
}

/** The programs that a shell of the host can run: cmd.exe, and the few that a driver or an operator calls for. */
export function createPrograms(options: ProgramsOptions): ShellPrograms {
  return { start: () => { throw new Error(`No program of ${options.release.name} starts yet.`); } };
}
