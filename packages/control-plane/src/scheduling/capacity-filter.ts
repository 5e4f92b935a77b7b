import type { HostFacts } from "../ports.ts";
import type { Filter, Resources } from "./host-state.ts";

export interface AllocationRatios {
  /** Virtual processors sold per processor. Nova's initial_cpu_allocation_ratio is 4 since release 21 and was 16 before; guests idle, so 16. */
  readonly cpu: number;
  /** Hyper-V gives a machine its whole memory when it starts: more than there is cannot be sold. */
  readonly memory: number;
  readonly disk: number;
  /** Kept for the host itself, as Nova's reserved_host_memory_mb. */
  readonly reservedMemoryBytes: number;
}

export const defaultAllocationRatios: AllocationRatios = { cpu: 16, memory: 1, disk: 1, reservedMemoryBytes: 512 * 1024 ** 2 };

/** How much of a host may be sold in all. */
export function limitsOf(facts: HostFacts, ratios: AllocationRatios): Resources {
  return {
    vcpus: Math.floor(facts.cpuCount * ratios.cpu),
    memoryBytes: Math.max(0, Math.floor(facts.memoryBytes * ratios.memory) - ratios.reservedMemoryBytes),
    diskBytes: Math.floor(facts.diskBytes * ratios.disk),
  };
}

/** What is free is what may be sold less what is claimed. Claims decide again, atomically; this filter gives the reasons. */
export const capacityFilter: Filter = ({ limits, claimed }, { needs }) => {
  const free = { vcpus: limits.vcpus - claimed.vcpus, memoryBytes: limits.memoryBytes - claimed.memoryBytes, diskBytes: limits.diskBytes - claimed.diskBytes };
  if (free.memoryBytes < needs.memoryBytes) return { filter: "CapacityFilter", text: `has ${formatBytes(free.memoryBytes)} free of the ${formatBytes(needs.memoryBytes)} needed` };
  if (free.vcpus < needs.vcpus) return { filter: "CapacityFilter", text: `has ${Math.max(0, free.vcpus)} virtual processors free of the ${needs.vcpus} needed` };
  if (free.diskBytes < needs.diskBytes) return { filter: "CapacityFilter", text: `has ${formatBytes(free.diskBytes)} of disk free of the ${formatBytes(needs.diskBytes)} needed` };
  return null;
};

/** Binary units, one digit after the point where it says something: "1.5 GiB", "512 MiB". Free space is rounded down. */
export function formatBytes(sizeBytes: number): string {
  const clamped = Math.max(0, sizeBytes);
  for (const [unit, factor] of [["TiB", 1024 ** 4], ["GiB", 1024 ** 3], ["MiB", 1024 ** 2]] as const) {
    if (clamped >= factor) return `${Math.floor((clamped / factor) * 10) / 10} ${unit}`;
  }
  return `${clamped} bytes`;
}
