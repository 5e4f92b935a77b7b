import { spawn } from "node:child_process";
import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { repositoryRoot } from "../repository.ts";

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Two runs: what lies beside the sources goes through one process (starting a process costs more than most of those tests);
 * what starts clients, machines and whole clouds gets a process for each file, so that one that crashes takes nobody along.
 */
const RUNS = [
  { pattern: "{packages,tools}/**/*.test.ts", options: ["--test-isolation=none"] },
  { pattern: "tests/**/*.test.ts", options: ["--test-concurrency=1"] },
] as const;

/** Longer than any test may take by itself, so that a hang ends as a named failure. */
const TEST_TIMEOUT_MS = 300_000;

export async function runTests(filter: string | undefined, options: { readonly all?: boolean }): Promise<number> {
  const shared = process.env["SIGNET_SHARED"] ?? resolve(repositoryRoot, "../shared");
  const hasShared = existsSync(join(shared, "data"));
  process.stdout.write(hasShared ? `corpora and lists beside the repository run too: SIGNET_SHARED\n` : "no corpora beside the repository (SIGNET_SHARED): the project's own recipes run\n");
  if (options.all !== true) process.stdout.write("slow sweeps are left out: signet test --all runs them\n");

  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const run of RUNS) {
    const files = await findTests(run.pattern, filter);
    if (files.length === 0) continue;
    const part = await runFiles(files, run.options, { ...(hasShared ? { SIGNET_SHARED: shared } : {}), SIGNET_TEST_ALL: options.all === true ? "1" : "" });
    tally.passed += part.passed;
    tally.failed += part.failed;
    tally.skipped += part.skipped;
  }
  if (tally.passed + tally.failed + tally.skipped === 0) process.stdout.write(`no test file matches "${filter ?? ""}"\n`);
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

async function findTests(pattern: string, filter: string | undefined): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern, { cwd: repositoryRoot, exclude: (name) => name.includes("node_modules") })) {
    if (filter === undefined || file.includes(filter)) files.push(file);
  }
  return files.toSorted();
}

async function runFiles(files: readonly string[], options: readonly string[], environment: Record<string, string>): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "signet-test-"));
  const tallyFile = join(folder, "tally.json");
  try {
    const reporter = join(repositoryRoot, "packages/cli/src/test-reporter.ts");
    const args = ["--disable-warning=ExperimentalWarning", "--test", ...options, `--test-timeout=${TEST_TIMEOUT_MS}`, `--test-reporter=${reporter}`, "--test-reporter-destination=stdout", ...files];
    const child = spawn(process.execPath, args, { cwd: repositoryRoot, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...environment, SIGNET_TEST_TALLY: tallyFile } });
    const exitCode = await new Promise<number>((settle) => child.on("exit", (code) => settle(code ?? 1)));
    const tally = JSON.parse(await readFile(tallyFile, "utf8").catch(() => '{"passed":0,"failed":1,"skipped":0}')) as Tally;
    // A run that failed without a failed test (a crash, a leak) is a failure all the same.
    return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
