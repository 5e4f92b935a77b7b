import { glob } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ExitError, exitCodes } from "../exit.ts";
import { parseCount } from "../listen-address.ts";
import { repositoryRoot } from "../repository.ts";

/** The shape of benchmarks/benchmark.ts, which is no package and so is known here by shape. */
interface Row {
  readonly name: string;
  readonly what: string;
  readonly ours: number;
  readonly peer: { readonly name: string; readonly value: number | null };
  readonly unit: string;
  readonly ratio: number | null;
  readonly goal: number;
  readonly met: boolean;
}

/** A million cases take days; more is a slip of the hand. */
const CASES_MAX = 1_000_000;
const SEED_MAX = 2 ** 31;

/** `signet bench`: 0 if every goal is met, else 1. */
export async function runBenchmarks(names: readonly string[], options: { readonly json?: boolean; readonly cases?: string; readonly seed?: string }): Promise<number> {
  const asked = { ...(options.cases === undefined ? {} : { cases: parseCount("--cases", options.cases, CASES_MAX) }), ...(options.seed === undefined ? {} : { seed: parseCount("--seed", options.seed, SEED_MAX) }) };
  const files = (await Array.fromAsync(glob("benchmarks/*.bench.ts", { cwd: repositoryRoot }))).toSorted();
  const known = files.map((file) => basename(file, ".bench.ts"));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ExitError(exitCodes.usage, `there is no benchmark "${unknown}". Known: ${known.join(", ")}.`);
  const rows: Row[] = [];
  for (const [index, file] of files.entries()) {
    if (names.length > 0 && !names.includes(known[index]!)) continue;
    if (options.json !== true) process.stderr.write(`measuring ${known[index]} …\n`);
    const { measure } = (await import(pathToFileURL(join(repositoryRoot, file)).href)) as { measure: (asked: object) => Promise<readonly Row[]> };
    rows.push(...(await measure(asked)));
  }
  process.stdout.write(options.json === true ? `${JSON.stringify({ benchmarks: rows }, null, 2)}\n` : renderTable(rows));
  return rows.every((row) => row.met) ? 0 : 1;
}

function renderTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.name, `${row.ours} ${row.unit}`, row.peer.value === null ? `${row.peer.name}: not on this machine` : `${row.peer.name}: ${Number(row.peer.value.toPrecision(4))} ${row.unit}`, row.ratio === null ? "–" : `${row.ratio}`, row.met ? "met" : "NOT MET", row.what]);
  const table = [["benchmark", "ours", "peer", "ratio", "goal", "what"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  return `${table.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join("\n")}\n`;
}
