import type { TestContext } from "node:test";
import type { RunningProgram, ShellPrograms } from "@signet/wsman/shell";
import { releaseByName } from "../host/releases.ts";
import type { HostDrive } from "../drive/host-drive.ts";
import { testDrive } from "../drive/test-drive.ts";
import type { ConsoleBuffer } from "../machine/console-buffer.ts";
import { createPrograms } from "./index.ts";

export interface TestShell {
  readonly drive: HostDrive;
  readonly programs: ShellPrograms;
  readonly pipes: Map<string, ConsoleBuffer>;
  /** Runs a command line to its end. */
  run(commandLine: string, options?: { readonly skipCmdShell?: boolean; readonly input?: string }): Promise<Ran>;
  /** Starts one and hands it out; what it prints is in `printed`. */
  start(commandLine: string): { readonly program: RunningProgram; readonly printed: { stdout: string; stderr: string } };
}

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host's shell on an empty drive. */
export async function testShell(context: TestContext, release = "2022"): Promise<TestShell> {
  const drive = await testDrive(context);
  const pipes = new Map<string, ConsoleBuffer>();
  const programs = createPrograms({ drive, release: releaseByName(release), pipes: { find: (name) => pipes.get(name) ?? null }, computerName: "HV1" });
  const start: TestShell["start"] = (commandLine) => {
    const printed = { stdout: "", stderr: "" };
    const program = programs.start({ commandLine, skipCmdShell: false }, { write: (stream, data) => { printed[stream] += Buffer.from(data).toString("utf8"); } });
    return { program, printed };
  };
  return {
    drive, programs, pipes, start,
    run: async (commandLine, { skipCmdShell = false, input = "" } = {}) => {
      const parts: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
      const program = programs.start({ commandLine, skipCmdShell }, { write: (stream, data) => { parts[stream].push(Buffer.from(data)); } });
      program.writeInput(Buffer.from(input), true);
      const exitCode = await program.exitCode;
      return { exitCode, stdout: Buffer.concat(parts.stdout).toString("utf8"), stderr: Buffer.concat(parts.stderr).toString("utf8") };
    },
  };
}
