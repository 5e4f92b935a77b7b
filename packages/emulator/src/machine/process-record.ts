import { readFile, rm, writeFile } from "node:fs/promises";

/** Notes which process runs a machine, so that one left over by an emulator that was killed is found and ended. */
export async function recordProcess(path: string, processId: number): Promise<void> {
  await writeFile(path, `${processId}\n`);
}

/** Ends the process noted in the file if its command line still names this machine; process ids are reused. */
export async function endRecordedProcess(path: string, machineName: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return;
  const processId = Number(text.trim());
  if (Number.isInteger(processId) && processId > 1 && (await commandLine(processId)).includes(machineName)) {
    try {
      process.kill(processId, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
  await rm(path, { force: true });
}

async function commandLine(processId: number): Promise<string[]> {
  const raw = await readFile(`/proc/${processId}/cmdline`, "utf8").catch(() => "");
  return raw.split("\0");
}
