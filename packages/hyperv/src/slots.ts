/** Lets so many act at a time, in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Acts when there is room. Rejects with the signal's reason when it aborts before that. */
  async use<Result>(signal: AbortSignal, act: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    try {
      return await act();
    } finally {
      // The slot goes from hand to hand, so that nobody who comes now overtakes one who waits.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(enter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}

/** One at a time for each key: those who come meanwhile find what the first one did. */
export class KeyedSlots {
  readonly #slots = new Map<string, { readonly slots: Slots; users: number }>();

  async use<Result>(key: string, signal: AbortSignal, act: () => Promise<Result>): Promise<Result> {
    const entry = this.#slots.get(key) ?? { slots: new Slots(1), users: 0 };
    this.#slots.set(key, entry);
    entry.users += 1;
    try {
      return await entry.slots.use(signal, act);
    } finally {
      entry.users -= 1;
      if (entry.users === 0) this.#slots.delete(key);
    }
  }
}

/** Waits, unless the signal aborts first: then rejects with its reason. */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", leave);
      resolve();
    }, durationMs);
    signal.addEventListener("abort", leave, { once: true });
  });
}
