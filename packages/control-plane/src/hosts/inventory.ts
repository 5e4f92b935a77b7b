import { sql } from "kysely";
import type { HostId } from "../ids.ts";
import type { ComputeHost } from "../ports.ts";
import { type AllocationRatios, defaultAllocationRatios, limitsOf } from "../scheduling/capacity-filter.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import type { HostRegistry } from "./registry.ts";

export interface InventoryOptions {
  readonly store: ComputeStore;
  readonly registry: HostRegistry;
  /** Called after each probe that was answered: the time to look at the host's machines. */
  readonly onVisited?: (hostId: HostId, host: ComputeHost, signal: AbortSignal) => Promise<void>;
  readonly onProblem: (problem: { readonly host: string; readonly error: unknown }) => void;
  readonly ratios?: AllocationRatios;
  readonly intervalMs?: number;
}

/** A host is looked at this often. */
const VISIT_INTERVAL_MS = 30_000;
/** How often we look whether a host is due. */
const DUE_INTERVAL_MS = 1_000;
/** A host that has not answered by then is taken for down. */
const PROBE_TIMEOUT_MS = 20_000;

/** Visits every host in turn: what it is, whether it answers, what its machines are. Several processes share the hosts among them. */
export class Inventory {
  readonly #options: InventoryOptions;
  readonly #visits = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#visitDue(), DUE_INTERVAL_MS);
    this.#timer.unref();
    this.#visitDue();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopped.abort(new Error("the process is stopping"));
    await Promise.allSettled(this.#visits);
  }

  /** Probes a host now and keeps what it says. Never throws: a host that fails is down, and why is kept. */
  async visit(hostId: HostId): Promise<void> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    const row = await this.#options.store.selectFrom("hosts").select(["name", "url"]).where("id", "=", hostId).executeTakeFirst();
    if (row === undefined) return;
    try {
      const host = await this.#options.registry.connect(hostId);
      await this.#keepFacts(hostId, await host.probe(signal));
      // The host has answered: what fails from here on does not make it down.
      await this.#options.onVisited?.(hostId, host, signal).catch((error: unknown) => this.#options.onProblem({ host: row.name, error }));
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#options.onProblem({ host: row.name, error });
      await this.#options.store.updateTable("hosts").set({ up: false, down_reason: error instanceof Error ? error.message : String(error) })
        // A host that was registered anew meanwhile has not failed.
        .where("id", "=", hostId).where("url", "=", row.url).execute();
    }
  }

  async #keepFacts(hostId: HostId, facts: Awaited<ReturnType<ComputeHost["probe"]>>): Promise<void> {
    const limits = limitsOf(facts, this.#options.ratios ?? defaultAllocationRatios);
    await this.#options.store.updateTable("hosts").set({
      up: true, down_reason: null, facts: JSON.stringify(facts), last_seen_at: new Date(),
      vcpus_limit: limits.vcpus, memory_limit_bytes: limits.memoryBytes, disk_limit_bytes: limits.diskBytes,
    }).where("id", "=", hostId).execute();
  }

  #visitDue(): void {
    const visit = this.#takeDue().catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) this.#options.onProblem({ host: "(all)", error });
    }).finally(() => this.#visits.delete(visit));
    this.#visits.add(visit);
  }

  async #takeDue(): Promise<void> {
    const intervalMs = this.#options.intervalMs ?? VISIT_INTERVAL_MS;
    // The conditional update is what keeps two processes from visiting the same host for the same turn.
    const { rows } = await sql<{ id: HostId }>`UPDATE hosts SET next_probe_at = now() + ${intervalMs} * interval '1 millisecond' WHERE next_probe_at <= now() RETURNING id`.execute(this.#options.store);
    await Promise.all(rows.map(({ id }) => this.visit(id)));
  }
}
