import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { missingPrograms } from "../cloud/client-command.ts";
import { expectedOutcome } from "../corpus/compare.ts";
import { corpusFolder, type CorpusCase, MissingLoader, SharedCorpus } from "../corpus/shared-corpus.ts";
import { bootMany, disksAtOnceMax, findFirmware } from "./oracle/boot-many.ts";

const folder = corpusFolder();
const firmware = findFirmware("edk2-2022.11");
const runsAll = process.env["SIGNET_TEST_ALL"] === "1";
const skip = folder === null ? "the corpus is not here: set SIGNET_SHARED to the folder that holds data/secureboot" : firmware === null ? "OVMF is not installed" : missingPrograms("qemu-system-x86_64");
/** Of the ordinary run: a chain, a revoked signer, a malformed list, hashes beside certificates, Hyper-V's own template. */
const SAMPLED = ["rootA", "x-leaf", "badlist", "mixeddb", "hyperv-uefi-ca"];
/** Disks above this take longer to write than to judge. */
const DISK_BYTES_MAX = 64 * 1024 ** 2;

describe("trust sets of the corpus in a variable store that we wrote", { skip }, () => {
  const corpus = new SharedCorpus(folder ?? "");
  const bootable = corpus.cases.filter(({ image, category, bus, logical_sector, shim_variables: shim }) => image !== undefined && (category.startsWith("loader/") || category === "real") && bus === undefined && logical_sector === undefined && shim === undefined);
  const names = [...new Set(bootable.map(({ trust }) => trust))].filter((name) => runsAll || SAMPLED.includes(name));

  for (const name of names) {
    test(`${name}: firmware decides as recorded`, async () => {
      const cases = await readable(corpus, choose(bootable.filter(({ trust }) => trust === name)));
      const [first] = cases;
      if (first === undefined) return;
      for (let start = 0; start < cases.length; start += disksAtOnceMax) {
        const group = cases.slice(start, start + disksAtOnceMax);
        const verdicts = await bootMany(group.map(({ disk }) => disk), corpus.trustOf(first.item), firmware!);
        const wrong = group.flatMap(({ item }, index) => (verdicts[index]?.outcome === expectedOutcome(item, "edk2-2022.11") ? [] : [`${item.id}: recorded ${item.verdict}, now ${verdicts[index]?.line}`]));
        assert.deepEqual(wrong, []);
      }
    });
  }
});

/** In the ordinary run one of each verdict; a program that runs takes a machine of its own. */
function choose(cases: readonly CorpusCase[]): readonly CorpusCase[] {
  return runsAll ? cases : ["accepted", "denied", "not-found"].flatMap((verdict) => cases.find((item) => item.verdict === verdict) ?? []);
}

async function readable(corpus: SharedCorpus, cases: readonly CorpusCase[]): Promise<readonly { item: CorpusCase; disk: Uint8Array }[]> {
  const found: { item: CorpusCase; disk: Uint8Array }[] = [];
  for (const item of cases) {
    try {
      const { source } = corpus.openCase(item);
      if (source.sizeBytes <= DISK_BYTES_MAX) found.push({ item, disk: await source.read(0, source.sizeBytes) });
    } catch (error) {
      if (!(error instanceof MissingLoader)) throw error;
    }
  }
  return found;
}
