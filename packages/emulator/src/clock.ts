/** Time as the emulated host sees it. Jobs and their removal wait on it; a test may hold it still. */
export interface Clock {
  nowMs(): number;
  /** Calls back once that time has passed; the answer cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const autoClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    // Nothing that the emulated host still means to do keeps its process alive.
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Stands still until it is told to move. */
export class ManualClock implements Clock {
  #nowMs: number;
  #waiting: { readonly dueMs: number; readonly callback: () => void }[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const entry = { dueMs: this.#nowMs + delayMs, callback };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Moves on and calls what falls due, in order of time. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#waiting.filter(({ dueMs }) => dueMs <= untilMs).toSorted((left, right) => left.dueMs - right.dueMs)[0];
      if (!next) break;
      this.#waiting = this.#waiting.filter((entry) => entry !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}
