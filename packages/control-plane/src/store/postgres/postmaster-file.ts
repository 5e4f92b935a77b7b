import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface PostmasterFile {
  readonly processId: number;
  readonly socketFolder: string;
  /** "starting", "stopping", "ready" or "standby" (miscadmin.h, PM_STATUS_…); empty while it is being written. */
  readonly status: string;
}

/** Reads `postmaster.pid`: process, data folder, start time, port, socket folder, address, shared memory key, status, a line each. Null when there is none. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | null> {
  const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => null);
  if (text === null) return null;
  const lines = text.split("\n");
  return { processId: Number(lines[0]), socketFolder: lines[4] ?? "", status: lines[7]?.trim() ?? "" };
}

/** Whether a PostgreSQL has this process id: ids are used again, and a dead child counts as dead before it is reaped. */
export async function isAlive(processId: number): Promise<boolean> {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  const status = await readFile(`/proc/${processId}/stat`, "utf8").catch(() => null);
  return status !== null && status.includes("(postgres)") && !/\) Z/.test(status);
}
