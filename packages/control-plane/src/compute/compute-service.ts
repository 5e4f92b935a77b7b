import type { ProfileName } from "@signet/secure-boot/policy";
import { Inventory } from "../hosts/inventory.ts";
import { HostRegistry } from "../hosts/registry.ts";
import type { HostConnector } from "../ports.ts";
import type { ImagePropertiesOptions } from "../scheduling/image-properties-filter.ts";
import type { SecretBox } from "../store/secret-box.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import { serverCreate } from "../workflows/server-create.ts";
import { serverDelete } from "../workflows/server-delete.ts";
import { serverObserve } from "../workflows/server-observe.ts";
import { serverPower } from "../workflows/server-power.ts";
import { Worker } from "../workflows/worker.ts";
import type { BootImages } from "./image-port.ts";
import { Servers } from "./servers.ts";
import { watchHost } from "./watch.ts";

export interface ComputeOptions {
  readonly store: ComputeStore;
  readonly secrets: SecretBox;
  readonly images: BootImages;
  readonly connectHost: HostConnector;
  /** The same after a restart on the same data folder, another on every other. */
  readonly nodeId: string;
  /** Carry work out and visit hosts, not only accept it. */
  readonly isWorker: boolean;
  readonly profile?: ProfileName;
  /** Nova's `image_properties_default_architecture`; null for Nova's own default. */
  readonly defaultArchitecture?: string | null;
  /** A fault of ours, or of a host: something for the log. */
  readonly onProblem: (what: string, details: Readonly<Record<string, unknown>>) => void;
  readonly visitIntervalMs?: number;
}

export interface ComputeService {
  readonly servers: Servers;
  readonly registry: HostRegistry;
  readonly placement: ImagePropertiesOptions;
  /** Gives back work in progress and closes the connections to the hosts. */
  close(): Promise<void>;
}

/** Every machine of ours is x86-64, so a version rule always counts (docs/decisions/default-architecture.md). */
const DEFAULT_ARCHITECTURE = "x86_64";

/** Starts the compute service on an open store. */
export async function startCompute(options: ComputeOptions): Promise<ComputeService> {
  const { store, images } = options;
  const placement = { defaultArchitecture: options.defaultArchitecture === undefined ? DEFAULT_ARCHITECTURE : options.defaultArchitecture };
  let inventory: Inventory | null = null;
  const registry = new HostRegistry({ store, secrets: options.secrets, connectHost: options.connectHost, onChanged: async (hostId) => inventory?.visit(hostId) });
  const connect = (hostId: string): ReturnType<HostRegistry["connect"]> => registry.connect(hostId);
  const worker = new Worker({
    store, nodeId: options.nodeId, onBug: (error) => options.onProblem("a workflow broke an assertion of ours", { err: error }),
    definitions: [serverCreate({ store, connect, images, placement }), serverDelete({ store, connect }), serverPower({ connect }), serverObserve({ connect })],
  });
  const reported = new Set<string>();
  inventory = new Inventory({
    store, registry, onProblem: ({ host, error }) => options.onProblem("a host does not answer", { host, err: error }),
    ...(options.visitIntervalMs === undefined ? {} : { intervalMs: options.visitIntervalMs }),
    onVisited: async (hostId, host, signal) => {
      for (const stray of await watchHost(store, hostId, host, signal)) {
        // Once is enough: it stays there until somebody acts.
        if (!reported.has(stray.serverId)) options.onProblem("a machine with a server id of ours belongs to no server; it is left as it is", { ...stray });
        reported.add(stray.serverId);
      }
    },
  });
  const servers = new Servers({ store, images, profile: options.profile ?? "blueprint", wake: () => worker.wake() });
  if (options.isWorker) {
    inventory.start();
    await worker.start();
  }
  const close = async (): Promise<void> => {
    await Promise.all([worker.stop(), inventory.stop()]);
    await registry.close();
  };
  return { servers, registry, placement, close };
}
