import { setTimeout as pause } from "node:timers/promises";
import type { QmpConnection } from "./qmp.ts";

// A machine of one GiB takes about a second to write; a poll costs QEMU nothing.
const pollMs = 50;
// Far above what the largest machine of an emulated host takes; a stream that stands still must not hold the machine for ever.
const streamTimeoutMs = 300_000;

/** Waits until the machine's state is written as a whole. @throws Error with QEMU's words */
export async function migrated(qmp: QmpConnection): Promise<void> {
  for (const endMs = Date.now() + streamTimeoutMs; Date.now() < endMs; await pause(pollMs)) {
    const { status, "error-desc": reason } = await qmp.execute("query-migrate") as { status?: string; "error-desc"?: string };
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled") throw new Error(`The state cannot be written: ${reason ?? status}`);
  }
  throw new Error("Writing the state took too long.");
}

/** Waits until a machine that was launched to receive its state has it. @throws Error when QEMU ended over it */
export async function arrived(qmp: QmpConnection): Promise<void> {
  for (const endMs = Date.now() + streamTimeoutMs; Date.now() < endMs; await pause(pollMs)) {
    const { status } = await qmp.execute("query-status") as { status?: string };
    if (status !== "inmigrate") return;
  }
  throw new Error("Reading the state took too long.");
}

/** QEMU hands the stream to a program through `sh`; inside single quotes nothing is special but the quote itself. */
export function shellQuoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
