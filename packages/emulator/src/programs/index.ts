import { availableParallelism } from "node:os";
import type { RunningProgram, ShellCommand, ShellOutput, ShellPrograms } from "@signet/wsman/shell";
import { DriveFiles } from "../drive/drive-files.ts";
import type { HostDrive } from "../drive/host-drive.ts";
import { fullWindowsPath } from "../drive/windows-path.ts";
import type { Release } from "../host/releases.ts";
import { certutil } from "./certutil.ts";
import { commandShell, runCommandLine } from "./cmd/command-shell.ts";
import { expandVariables } from "./cmd/expand-variables.ts";
import { unquoted } from "./cmd/parse-line.ts";
import { curl } from "./curl/curl.ts";
import type { PipeDirectory } from "./pipe-directory.ts";
import { powershell } from "./powershell/powershell.ts";
import { endedExitCode, printLine, type Program, type ProgramContext, type ProgramHost, type ProgramOutput } from "./program.ts";
import { ProgramInput } from "./program-input.ts";
import { findProgram } from "./run-program.ts";
import { find, hostname, ipconfig, more, wevtutil, where, whoami } from "./system-programs.ts";

export type { PipeDirectory } from "./pipe-directory.ts";

export interface ProgramsOptions {
  readonly drive: HostDrive;
  readonly pipes: PipeDirectory;
  readonly release: Release;
  /** What `hostname` prints; as in Win32_ComputerSystem.Name. */
  readonly computerName?: string;
  /** Hears of errors that no program should have. Without it such an error is thrown where nothing catches it. */
  readonly onBug?: (error: unknown) => void;
}

/** The programs that a shell of the host can run: cmd.exe, and the few that a driver or an operator calls for. */
export function createPrograms(options: ProgramsOptions): ShellPrograms {
  const { drive, pipes, release, computerName = "HYPERV" } = options;
  const environment = environmentOf(computerName);
  let made: Promise<unknown> | undefined;
  // Folders that every Windows has and that programs start in.
  const ready = () => made ??= Promise.all([environment.USERPROFILE, environment.TEMP].map((folder) => drive.makeFolder(folder)));
  const host: ProgramHost = { drive, files: new DriveFiles(drive), pipes, release, computerName, programs: programsOf(release) };
  return { start: (command, output) => start({ host, environment, ready, onBug: options.onBug ?? throwLater }, command, output) };
}

function programsOf(release: Release): ReadonlyMap<string, Program> {
  const programs: Readonly<Record<string, Program>> = { cmd: commandShell, certutil, find, hostname, ipconfig, more, powershell, wevtutil, where, whoami };
  return new Map([...Object.entries(programs), ...(release.curl ? [["curl", curl] as const] : [])]);
}

interface Launcher {
  readonly host: ProgramHost;
  readonly environment: ReturnType<typeof environmentOf>;
  readonly ready: () => Promise<unknown>;
  readonly onBug: (error: unknown) => void;
}

function start(launcher: Launcher, command: ShellCommand, output: ShellOutput): RunningProgram {
  const { host, environment } = launcher;
  const ending = new AbortController();
  const input = new ProgramInput();
  const stream = (name: "stdout" | "stderr"): ProgramOutput => ({ write: async (data) => { output.write(name, data); } });
  const context: ProgramContext = {
    host, input, signal: ending.signal, stdout: stream("stdout"), stderr: stream("stderr"),
    session: { folder: environment.USERPROFILE, environment: new Map(Object.entries(environment)), errorLevel: 0 },
  };
  return {
    exitCode: run(launcher, context, command),
    writeInput: (data, end) => {
      input.write(data);
      if (end) input.end();
    },
    terminate: () => ending.abort(),
  };
}

async function run({ ready, onBug }: Launcher, context: ProgramContext, command: ShellCommand): Promise<number> {
  try {
    await ready();
    await enterShell(context, command);
    const exitCode = await (command.skipCmdShell ? runDirectly(context, command.commandLine) : runCommandLine(context, command.commandLine));
    return context.signal.aborted ? endedExitCode : exitCode;
  } catch (error) {
    if (context.signal.aborted) return endedExitCode;
    onBug(error);
    await printLine(context.stderr, "The emulated host failed inside this program.");
    return 1;
  }
}

/** The folder and the variables that the shell was opened with. A folder that is not there is none, as for a process on Windows. */
async function enterShell({ session, host }: ProgramContext, { workingDirectory, environment = {} }: ShellCommand): Promise<void> {
  for (const [name, value] of Object.entries(environment)) session.environment.set(name.toUpperCase(), value);
  const folder = workingDirectory === undefined ? null : await host.files.find(fullWindowsPath(session.folder, expandVariables(workingDirectory, session)));
  if (folder?.kind === "folder") session.folder = folder.path;
}

/** The program itself, without a shell that would understand its line. */
async function runDirectly(context: ProgramContext, commandLine: string): Promise<number> {
  const name = /^\s*(?:"[^"]*"?|[^\s"])+/.exec(commandLine)?.[0] ?? "";
  const program = findProgram(context, unquoted(name).trim());
  if (program) return program(context, commandLine.slice(name.length));
  await printLine(context.stderr, "The system cannot find the file specified.");
  return 1;
}

function environmentOf(computerName: string) {
  return {
    COMPUTERNAME: computerName, COMSPEC: "C:\\Windows\\system32\\cmd.exe", NUMBER_OF_PROCESSORS: String(availableParallelism()), OS: "Windows_NT", PATH: "C:\\Windows\\system32;C:\\Windows", PATHEXT: ".COM;.EXE;.BAT;.CMD", PROCESSOR_ARCHITECTURE: "AMD64",
    PROGRAMDATA: "C:\\ProgramData", PROMPT: "$P$G", SYSTEMDRIVE: "C:", SYSTEMROOT: "C:\\Windows", TEMP: "C:\\Windows\\Temp", TMP: "C:\\Windows\\Temp", USERDOMAIN: computerName, USERNAME: "Administrator", USERPROFILE: "C:\\Users\\Administrator", WINDIR: "C:\\Windows",
  };
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
