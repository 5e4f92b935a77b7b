import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FirmwareName } from "@signet/secure-boot";
import { type ComparedCase, compareCase } from "./compare.ts";
import { corpusFolder, MissingLoader, SharedCorpus } from "./shared-corpus.ts";

const folder = corpusFolder();
const reason = folder === null ? "the corpus is not here: set SIGNET_SHARED to the folder that holds data/secureboot" : false;
/** Where the corpus itself calls "unknown" honest, for what the machine alone decides. */
const HONESTLY_UNKNOWN: ReadonlySet<string> = new Set(["loader/pe-noreloc@rootA", "loader/pe-ebc@rootA"]);

interface Sweep {
  readonly compared: readonly ComparedCase[];
  readonly skipped: readonly string[];
}

async function sweep(corpus: SharedCorpus, firmware: FirmwareName): Promise<Sweep> {
  const compared: ComparedCase[] = [];
  const skipped: string[] = [];
  for (const item of corpus.cases) {
    try {
      compared.push(await compareCase(corpus, item, firmware));
    } catch (error) {
      if (!(error instanceof MissingLoader)) throw new Error(`The case ${item.id} stopped the judge.`, { cause: error });
      skipped.push(`${item.id} (${error.message})`);
    }
  }
  return { compared, skipped };
}

const tell = ({ item, expected, predicted, because }: ComparedCase): string => `${item.id}: firmware ${expected}, predicted ${predicted}. ${because}`;

describe("predictions against the verdicts of real firmware", { skip: reason }, () => {
  for (const firmware of ["edk2-2022.11", "edk2-2026.08"] as const) {
    test(`none is wrong for ${firmware}, and unknown is left only what is honestly so`, async (context) => {
      const { compared, skipped } = await sweep(new SharedCorpus(folder ?? ""), firmware);
      const count = (comparison: ComparedCase["comparison"]): number => compared.filter((item) => item.comparison === comparison).length;
      context.diagnostic(`${firmware}: ${count("agrees")} of ${compared.length} agree, ${count("unknown")} unknown, ${count("differs")} differ, ${skipped.length} skipped (loader not installed)`);
      assert.ok(compared.length > 300, `only ${compared.length} cases could be read`);
      assert.deepEqual(compared.filter(({ comparison }) => comparison === "differs").map(tell), []);
      const gaps = compared.filter(({ comparison, item }) => comparison === "unknown" && !HONESTLY_UNKNOWN.has(item.id));
      assert.deepEqual(gaps.map(tell), []);
    });
  }

  test("Hyper-V's firmware gives no other answer than the newer EDK2, except where it is not known", async () => {
    const { compared } = await sweep(new SharedCorpus(folder ?? ""), "hyper-v");
    assert.deepEqual(compared.filter(({ comparison }) => comparison === "differs").map(tell), []);
    const open = compared.filter(({ comparison, item }) => comparison === "unknown" && !HONESTLY_UNKNOWN.has(item.id)).map(({ item }) => item.id);
    assert.ok(open.length <= 5, `left open: ${open.join(", ")}`);
  });
});
