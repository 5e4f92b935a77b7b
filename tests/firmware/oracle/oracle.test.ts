import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { missingPrograms } from "../../cloud/client-command.ts";
import { findFirmware } from "./boot-many.ts";
import { consultOracle, describeAnswer } from "./consult-oracle.ts";

/** Of the ordinary run; `signet test --all` tries more, `signet bench oracle --cases N` as many as are asked. */
const CASES = process.env["SIGNET_TEST_ALL"] === "1" ? 320 : 32;
/** A seed of its own for every day would find more and explain less: a failure must be there again tomorrow. */
const SEED = 7_000;

describe("generated loaders, signatures, lists and disks", { skip: missingPrograms("qemu-system-x86_64") }, () => {
  for (const name of ["edk2-2022.11", "edk2-2026.08"] as const) {
    const firmware = findFirmware(name);
    test(`${name} decides each as predicted`, { skip: firmware === null ? `${name} is not in this distribution: SIGNET_OVMF_2026_08 names the folder of its OVMF files` : false }, async () => {
      const { answers } = await consultOracle({ seed: SEED, cases: CASES, firmware: firmware! });
      assert.deepEqual(answers.filter(({ standing }) => standing === "differs").map(describeAnswer), []);
      assert.ok(answers.some(({ real }) => real.outcome === "boots") && answers.some(({ real }) => real.outcome === "refused"), "the cases must not all end alike");
    });
  }
});
