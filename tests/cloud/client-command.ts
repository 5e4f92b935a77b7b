import { execFileSync, spawn } from "node:child_process";

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line as a shell would for a person, with standard input closed. */
export function runCommand(commandLine: string, environment: NodeJS.ProcessEnv, timeoutMs = 120_000): Promise<CommandResult> {
  return new Promise((settle, fail) => {
    const child = spawn("sh", ["-c", `${commandLine} <&-`], { env: environment, timeout: timeoutMs });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", fail);
    child.on("close", (code) => settle({ exitCode: code ?? 1, stdout, stderr }));
  });
}

/** The reason to skip a test that needs programs which set-up installs, or false when all are there. */
export function missingPrograms(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => {
    try {
      execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  return missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
}
