import { AsyncLocalStorage } from "node:async_hooks";

/** How a fault rule bends the job of the call that is being answered. */
export interface JobInterference {
  readonly effect: "fail-job" | "stuck-job" | "vanish-job";
  readonly code: number;
  readonly message: string;
}

const storage = new AsyncLocalStorage<JobInterference>();

/** Answers a call whose job shall go wrong. */
export function withInterference<T>(interference: JobInterference, work: () => T): T {
  return storage.run(interference, work);
}

/** What the call that is being answered has to suffer; undefined for all calls but those that a rule picked. */
export function presentInterference(): JobInterference | undefined {
  return storage.getStore();
}
