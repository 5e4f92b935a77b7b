import type { HostRegistry } from "../../hosts/registry.ts";
import type { Servers } from "../../compute/servers.ts";
import type { ComputeStore } from "../../store/tables/compute.ts";

/** What the routes of compute work on. */
export interface ComputeParts {
  readonly store: ComputeStore;
  readonly servers: Servers;
  readonly registry: HostRegistry;
}
