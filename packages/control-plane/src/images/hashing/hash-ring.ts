import { Worker } from "node:worker_threads";
import { type Digests, digestAtOnce } from "./digests.ts";

/** A write of this size costs the disk little per byte, and a message to a thread little per write. */
export const SLOT_BYTES = 1024 ** 2;
/** Enough that reading, two threads and the disk do not wait for each other. */
const SLOTS = 8;
/** Uploads up to this many slots are hashed here at once: starting threads would take longer. */
const SLOTS_WITHOUT_THREADS = 4;
/** sha512 alone and md5 with sha256 take about the same time on one core each. */
const SHARES = [["sha512"], ["md5", "sha256"]] as const;

export interface HashWorkerInput {
  readonly memory: SharedArrayBuffer;
  readonly slotBytes: number;
  readonly algorithms: readonly string[];
}
export type HashWorkerMessage = { readonly kind: "slot"; readonly slot: number; readonly lengthBytes: number } | { readonly kind: "end" };
type HashWorkerAnswer = { readonly kind: "done"; readonly slot: number } | { readonly kind: "digests"; readonly digests: Partial<Digests> };

interface Slot {
  readonly bytes: Uint8Array;
  /** Who still reads it: hashing threads and the writer. */
  readers: number;
}

/**
 * A ring of memory shared with the hashing threads. Take a free slot, fill it, commit it; a slot is free again when every thread has
 * read it and the caller has released it. Hashing on the main thread would halve the throughput of uploads and stop everything else.
 */
export class HashRing {
  readonly #memory = new SharedArrayBuffer(SLOT_BYTES * SLOTS);
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, (_, index) => ({ bytes: new Uint8Array(this.#memory, index * SLOT_BYTES, SLOT_BYTES), readers: 0 }));
  readonly #early: { readonly slot: number; readonly lengthBytes: number }[] = [];
  #workers: Worker[] = [];
  #digests: Partial<Digests> = {};
  #finished = 0;
  #next = 0;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  /** The next slot, once it is free. */
  async take(): Promise<{ readonly slot: number; readonly bytes: Uint8Array }> {
    const slot = this.#next;
    this.#next = (this.#next + 1) % SLOTS;
    await this.#until(() => this.#slots[slot]!.readers === 0);
    return { slot, bytes: this.#slots[slot]!.bytes };
  }

  /** Hands a filled slot to the hashes. The caller may read it too until it calls `release`. */
  commit(slot: number, lengthBytes: number): void {
    // One reader is the caller, one stands for each thread.
    this.#slots[slot]!.readers = 1 + SHARES.length;
    if (this.#workers.length > 0) this.#post({ kind: "slot", slot, lengthBytes });
    else {
      this.#early.push({ slot, lengthBytes });
      if (this.#early.length > SLOTS_WITHOUT_THREADS) this.#startThreads();
    }
  }

  release(slot: number): void {
    this.#slots[slot]!.readers -= 1;
    this.#wake?.();
  }

  /** Digests of everything committed. The ring is used up then. */
  async digests(): Promise<Digests> {
    if (this.#workers.length === 0) return digestAtOnce(this.#early.map(({ slot, lengthBytes }) => this.#slots[slot]!.bytes.subarray(0, lengthBytes)));
    this.#post({ kind: "end" });
    await this.#until(() => this.#finished === SHARES.length);
    return this.#digests as Digests;
  }

  /** Stops the threads of an upload that is given up. */
  async abandon(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #startThreads(): void {
    this.#workers = SHARES.map((algorithms) => {
      const worker = new Worker(new URL(import.meta.url.endsWith(".ts") ? "./hash-worker.ts" : "./hash-worker.js", import.meta.url), { workerData: { memory: this.#memory, slotBytes: SLOT_BYTES, algorithms } satisfies HashWorkerInput });
      let hasAnswered = false;
      worker.on("message", (answer: HashWorkerAnswer) => {
        hasAnswered ||= answer.kind === "digests";
        this.#hear(answer);
      });
      worker.on("error", (error) => this.#fail(error as Error));
      // Each thread by itself: the quick one ends while the slow one still works.
      worker.on("exit", () => {
        if (!hasAnswered) this.#fail(new Error("a hashing thread ended early"));
      });
      return worker;
    });
    for (const { slot, lengthBytes } of this.#early.splice(0)) this.#post({ kind: "slot", slot, lengthBytes });
  }

  #hear(answer: HashWorkerAnswer): void {
    if (answer.kind === "done") this.#slots[answer.slot]!.readers -= 1;
    else {
      this.#digests = { ...this.#digests, ...answer.digests };
      this.#finished += 1;
    }
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  #post(message: HashWorkerMessage): void {
    for (const worker of this.#workers) worker.postMessage(message);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((settle) => (this.#wake = settle));
    }
  }
}
