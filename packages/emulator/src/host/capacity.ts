import { availableParallelism, totalmem } from "node:os";
import { statfs } from "node:fs/promises";

/** What the host says it has. */
export interface HostCapacity {
  readonly logicalProcessors: number;
  readonly memoryBytes: number;
  /** Size and free space of C:, in bytes. */
  disk(): Promise<{ readonly sizeBytes: number; readonly freeBytes: number }>;
}

const gibibyte = 1024 ** 3;
// Machines that only pretend need nothing: the host may be a large one. Its parent partition takes what Windows takes.
const instantProcessors = 64;
const instantMemoryBytes = 512 * gibibyte;
export const parentPartitionBytes = 2 * gibibyte;

/** Machines that run share the computer we are on; machines that pretend get a large server. */
export function hostCapacity(machines: "firmware" | "instant", driveFolder: string): HostCapacity {
  return {
    logicalProcessors: machines === "firmware" ? availableParallelism() : instantProcessors,
    memoryBytes: machines === "firmware" ? totalmem() : instantMemoryBytes,
    async disk() {
      const facts = await statfs(driveFolder);
      return { sizeBytes: facts.blocks * facts.bsize, freeBytes: facts.bavail * facts.bsize };
    },
  };
}
