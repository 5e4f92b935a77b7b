import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { walkSignatureLists } from "@signet/secure-boot/signature-lists";
import { findFirmware, type OracleFirmware } from "../tests/firmware/oracle/boot-many.ts";
import { consultOracle, describeAnswer, type OracleAnswer } from "../tests/firmware/oracle/consult-oracle.ts";
import { type Benchmark, compareMore, type MeasureOptions } from "./benchmark.ts";

const CASES = 32;
const SEED = 1;

/** Generated loaders, signatures, lists and disks: the share that the judge predicts as firmware then decides, beside sbverify's. */
export async function measure({ cases = CASES, seed = SEED }: MeasureOptions): Promise<readonly Benchmark[]> {
  const rows: Benchmark[] = [];
  for (const name of ["edk2-2022.11", "edk2-2026.08"] as const) {
    const firmware = findFirmware(name);
    if (firmware !== null) rows.push(await measureUnder(firmware, cases, seed));
    else process.stderr.write(`${name} is not on this machine: SIGNET_OVMF_2026_08 names the folder of its OVMF files\n`);
  }
  return rows;
}

async function measureUnder(firmware: OracleFirmware, cases: number, seed: number): Promise<Benchmark> {
  const { answers } = await consultOracle({
    cases, seed, firmware,
    onGroup: (found) => {
      for (const answer of found) if (answer.standing !== "agrees") process.stderr.write(`${answer.standing}: ${describeAnswer(answer)}\n`);
    },
  });
  const share = (count: number): number => count / answers.length;
  const differing = answers.filter(({ standing }) => standing === "differs").length;
  const unknown = answers.filter(({ standing }) => standing === "unknown").length;
  return compareMore({
    name: `oracle-${firmware.name}`,
    what: `share of ${answers.length} generated cases predicted as firmware decided (seeds from ${seed}; ${differing} differ, ${unknown} unknown)`,
    ours: share(answers.length - differing - unknown), peer: { name: "sbverify with each certificate of db", value: await shareOfSbverify(answers) }, unit: "of 1", goal: 1, met: differing === 0,
  });
}

/** The usual means: the loader, already extracted, against every certificate of db. It knows no dbx and no disks. Null where it is not installed. */
async function shareOfSbverify(answers: readonly OracleAnswer[]): Promise<number | null> {
  const folder = await mkdtemp(join(tmpdir(), "signet-sbverify-"));
  try {
    let agreeing = 0;
    for (const { item, real } of answers) {
      const accepted = await sbverifyAccepts(folder, item.program, item.trust.variables.db ?? new Uint8Array(0));
      if (accepted === null) return null;
      if ((real.outcome === "boots") === accepted) agreeing += 1;
    }
    return agreeing / answers.length;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sbverifyAccepts(folder: string, program: Uint8Array, db: Uint8Array): Promise<boolean | null> {
  await writeFile(join(folder, "loader.efi"), program);
  const certificates = walkSignatureLists(db).lists.filter(({ kind }) => kind === "x509").flatMap(({ entries }) => entries.map(({ data }) => new X509Certificate(data).toString()));
  for (const certificate of certificates) {
    await writeFile(join(folder, "certificate.pem"), certificate);
    const code = await new Promise<number | "missing">((settle) => execFile("sbverify", ["--cert", join(folder, "certificate.pem"), join(folder, "loader.efi")], (error) => settle(error === null ? 0 : error.code === "ENOENT" ? "missing" : 1)));
    if (code === "missing") return null;
    if (code === 0) return true;
  }
  return false;
}
