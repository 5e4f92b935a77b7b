/** One figure against a named peer or limit, measured in the same run (contracts.md, `signet bench`). */
export interface Benchmark {
  readonly name: string;
  readonly what: string;
  readonly ours: number;
  /** Null value: the peer is not on this machine, which is said and never assumed. */
  readonly peer: { readonly name: string; readonly value: number | null };
  readonly unit: string;
  /** Peer divided by ours: above 1 we are better. Null without a peer. */
  readonly ratio: number | null;
  readonly goal: number;
  readonly met: boolean;
}

/** What the command line may ask of a benchmark. */
export interface MeasureOptions {
  /** How many cases to try, where a benchmark tries cases. */
  readonly cases?: number;
  readonly seed?: number;
}

/** Every file `*.bench.ts` exports this. */
export type Measure = (options: MeasureOptions) => Promise<readonly Benchmark[]>;

/** For figures where less is better. The goal is the least ratio that counts as met. */
export function compareLess(fields: { name: string; what: string; ours: number; peer: { name: string; value: number | null }; unit: string; goal: number }): Benchmark {
  const ratio = fields.peer.value === null ? null : round(fields.peer.value / fields.ours);
  return { ...fields, ours: round(fields.ours), ratio, met: ratio !== null && ratio >= fields.goal };
}

/** For figures where more is better. `met` may demand more than the ratio. */
export function compareMore(fields: { name: string; what: string; ours: number; peer: { name: string; value: number | null }; unit: string; goal: number; met: boolean }): Benchmark {
  const ratio = fields.peer.value === null || fields.peer.value === 0 ? null : round(fields.ours / fields.peer.value);
  return { ...fields, ours: round(fields.ours), ratio, met: fields.met && (ratio === null || ratio >= fields.goal) };
}

/** Median of an odd or even number of samples. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
