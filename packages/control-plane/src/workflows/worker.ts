import type { ComputeStore } from "../store/tables/compute.ts";
import { type Lane, LeaseLost, type WorkflowDefinition } from "./definition.ts";
import { dropLeasesOf, type LeasedWorkflow, renewLease, takeLease } from "./journal.ts";
import { Cancelled, runWorkflow } from "./run-workflow.ts";

export interface WorkerOptions {
  readonly store: ComputeStore;
  /** The same after a restart on the same folder: what this node held is taken back at once. */
  readonly nodeId: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- each definition knows the types of its own input and memory
  readonly definitions: readonly WorkflowDefinition<any, any>[];
  /** An error that is none of the four kinds: a broken assertion of ours. */
  readonly onBug: (error: unknown) => void;
  readonly leaseMs?: number;
  readonly pollMs?: number;
}

/** How long work lies still after the process that held it has died elsewhere. */
const LEASE_MS = 10_000;
/** Work enqueued by this process starts at once; work of other processes after at most this. */
const POLL_MS = 500;
/** What has not let go by then is taken up at the next start, as after a crash. */
const STOP_MS_MAX = 10_000;
/** Each running piece of work holds one connection to a host. Watching is nearly idle. */
const CONCURRENCY_MAX: Readonly<Record<Lane, number>> = { work: 8, watch: 64 };

/** Takes due work under leases and carries it on, until it is stopped. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #leaseMs: number;
  readonly #definitions: ReadonlyMap<string, WorkflowDefinition>;
  readonly #running: Record<Lane, Set<Promise<void>>> = { work: new Set(), watch: new Set() };
  readonly #controllers = new Map<string, AbortController>();
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;
  #taking: Promise<void> | null = null;
  #takeAgain = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.#definitions = new Map(options.definitions.map((definition) => [definition.kind, definition as WorkflowDefinition]));
  }

  async start(): Promise<void> {
    await dropLeasesOf(this.#options.store, this.#options.nodeId);
    this.#timer = setInterval(() => this.wake(), this.#options.pollMs ?? POLL_MS);
    this.#timer.unref();
    this.wake();
  }

  /** Looks for due work now; called after work was enqueued. */
  wake(): void {
    if (this.#stopping) return;
    if (this.#taking !== null) {
      this.#takeAgain = true;
      return;
    }
    this.#taking = this.#takeAll().catch((error: unknown) => this.#options.onBug(error)).finally(() => {
      this.#taking = null;
      if (this.#takeAgain) {
        this.#takeAgain = false;
        this.wake();
      }
    });
  }

  /** Gives back what is being worked on, so that others or the next start carry on at once. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#taking;
    for (const controller of this.#controllers.values()) controller.abort(new Error("the process is stopping"));
    const ended = Promise.allSettled([...this.#running.work, ...this.#running.watch]);
    await Promise.race([ended, new Promise((settle) => setTimeout(settle, STOP_MS_MAX).unref())]);
  }

  async #takeAll(): Promise<void> {
    for (const lane of ["work", "watch"] as const) {
      while (!this.#stopping && this.#running[lane].size < CONCURRENCY_MAX[lane]) {
        const leased = await takeLease(this.#options.store, lane, this.#options.nodeId, this.#leaseMs);
        if (leased === null) break;
        const run = this.#run(leased).catch((error: unknown) => this.#options.onBug(error)).finally(() => {
          this.#running[lane].delete(run);
          this.wake();
        });
        this.#running[lane].add(run);
      }
    }
  }

  async #run(leased: LeasedWorkflow): Promise<void> {
    const definition = this.#definitions.get(leased.kind);
    if (definition === undefined) throw new Error(`no definition of workflow ${leased.kind}`);
    const controller = new AbortController();
    this.#controllers.set(leased.id, controller);
    const renewal = setInterval(() => void this.#renew(leased, controller), this.#leaseMs / 4);
    try {
      await runWorkflow(this.#options.store, definition, leased, controller.signal);
    } finally {
      clearInterval(renewal);
      this.#controllers.delete(leased.id);
    }
  }

  async #renew(leased: LeasedWorkflow, controller: AbortController): Promise<void> {
    try {
      if (await renewLease(this.#options.store, leased, this.#leaseMs)) controller.abort(new Cancelled("the work is no longer wanted"));
    } catch (error) {
      // Any other error is the store's: the next renewal tries again, and the fence holds meanwhile.
      if (error instanceof LeaseLost) controller.abort(error);
    }
  }
}
