import { capacityFilter } from "./capacity-filter.ts";
import { computeFilter } from "./compute-filter.ts";
import type { Filter, FilterReason, HostState, PlacementRequest } from "./host-state.ts";
import { imagePropertiesFilter, type ImagePropertiesOptions } from "./image-properties-filter.ts";
import { canSecureBoot, secureBootFilter } from "./secure-boot-filter.ts";

export interface Selection {
  /** Hosts that fit, best first. */
  readonly fitting: readonly HostState[];
  /** Every other host with all that stands against it, the most telling reason first. */
  readonly rejected: readonly { readonly host: HostState; readonly reasons: readonly FilterReason[] }[];
}

/** The filters in order of what helps a reader most: what can never be, before what is merely full. */
export function allFilters(options: ImagePropertiesOptions): readonly Filter[] {
  return [computeFilter, secureBootFilter, imagePropertiesFilter(options), capacityFilter];
}

/** Pure: filters every host and weighs what is left by free memory. */
export function selectHosts(hosts: readonly HostState[], request: PlacementRequest, options: ImagePropertiesOptions): Selection {
  const filters = allFilters(options);
  const fitting: HostState[] = [];
  const rejected: { host: HostState; reasons: FilterReason[] }[] = [];
  for (const host of hosts) {
    const reasons = filters.map((filter) => filter(host, request)).filter((reason) => reason !== null);
    if (reasons.length === 0) fitting.push(host);
    else rejected.push({ host, reasons });
  }
  return { fitting: fitting.toSorted((left, right) => weigh(right, request) - weigh(left, request) || left.name.localeCompare(right.name)), rejected };
}

/** Free memory spreads servers; where Secure Boot is wanted if possible, hosts that can come first. */
function weigh(host: HostState, request: PlacementRequest): number {
  const preferred = request.secureBoot.wanted === "on-if-capable" && canSecureBoot(host, request.secureBoot);
  return host.limits.memoryBytes - host.claimed.memoryBytes + (preferred ? Number.MAX_SAFE_INTEGER / 2 : 0);
}
