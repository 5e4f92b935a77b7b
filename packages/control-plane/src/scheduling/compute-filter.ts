import type { Filter } from "./host-state.ts";

/** Enabled by the operator, answering its probes, and known by at least one of them. */
export const computeFilter: Filter = (host) => {
  const because = host.reason === null ? "" : ` (${host.reason})`;
  if (!host.enabled) return { filter: "ComputeFilter", text: `is disabled${because}` };
  if (!host.up) return { filter: "ComputeFilter", text: `does not answer${because}` };
  if (host.facts === null) return { filter: "ComputeFilter", text: "has not told its facts yet" };
  return null;
};
