import { DiskImageError, memorySource } from "@signet/disk-image";
import { inspectImage, type Outcome } from "@signet/secure-boot";
import type { Trust } from "@signet/secure-boot/trust";
import { bootMany, disksAtOnceMax, type OracleFirmware, type RealVerdict } from "./boot-many.ts";
import { type Cast, makeCast } from "./cast.ts";
import { generateDisk } from "./generate-disk.ts";
import { generateProgram } from "./generate-program.ts";
import { generateTrust } from "./generate-trust.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A case: one disk under one trust. Seed and number make it again, with other keys. */
export interface OracleCase {
  readonly seed: number;
  readonly number: number;
  readonly disk: Uint8Array;
  /** The boot loader on it. */
  readonly program: Uint8Array;
  readonly trust: Trust;
  readonly told: readonly string[];
}

export interface OracleAnswer {
  readonly item: OracleCase;
  readonly predicted: Outcome | "unreadable";
  readonly because: string;
  readonly real: RealVerdict;
  readonly standing: "agrees" | "unknown" | "differs";
}

export interface OracleTally {
  readonly firmware: string;
  readonly answers: readonly OracleAnswer[];
}

/** One machine's worth of cases: all under one trust. */
export function generateGroup(cast: Cast, seed: number, count = disksAtOnceMax): readonly OracleCase[] {
  const random = new SeededRandom(seed);
  const programs = Array.from({ length: count }, () => generateProgram(random, cast));
  const { trust, told } = generateTrust(random, cast, programs);
  return programs.map((program, number) => {
    const disk = generateDisk(random, program.bytes);
    return { seed, number, disk: disk.bytes, program: program.bytes, trust, told: [...program.told, ...disk.told, ...told] };
  });
}

async function predict({ disk, trust }: OracleCase, firmware: OracleFirmware): Promise<Pick<OracleAnswer, "predicted" | "because">> {
  try {
    const { verdicts } = await inspectImage(memorySource(disk), { file: "disk.raw", trusts: [trust], firmware: firmware.name });
    return { predicted: verdicts[0]?.outcome ?? "unknown", because: (verdicts[0]?.because ?? []).map(({ code, text }) => `[${code}] ${text}`).join(" ") };
  } catch (error) {
    if (!(error instanceof DiskImageError)) throw error;
    return { predicted: "unreadable", because: `[${error.code}] ${error.message}` };
  }
}

/** Predicts first, boots second. */
export async function consultGroup(cases: readonly OracleCase[], firmware: OracleFirmware): Promise<readonly OracleAnswer[]> {
  const [first] = cases;
  if (first === undefined) return [];
  const predictions = await Promise.all(cases.map((item) => predict(item, firmware)));
  const real = await bootMany(cases.map(({ disk }) => disk), first.trust, firmware);
  return cases.map((item, index) => {
    const prediction = predictions[index] ?? { predicted: "unknown" as const, because: "" };
    const found = real[index] ?? { outcome: "unbootable" as const, line: "" };
    const agrees = prediction.predicted === found.outcome || (prediction.predicted === "unreadable" && found.outcome === "unbootable");
    return { item, ...prediction, real: found, standing: agrees ? "agrees" : prediction.predicted === "unknown" ? "unknown" : "differs" };
  });
}

/** Consults firmware about that many cases, in groups with seeds from `seed` on. */
export async function consultOracle(options: { readonly seed: number; readonly cases: number; readonly firmware: OracleFirmware; readonly onGroup?: (answers: readonly OracleAnswer[]) => void }): Promise<OracleTally> {
  const cast = makeCast();
  const answers: OracleAnswer[] = [];
  for (let group = 0; answers.length < options.cases; group += 1) {
    const found = await consultGroup(generateGroup(cast, options.seed + group, Math.min(disksAtOnceMax, options.cases - answers.length)), options.firmware);
    answers.push(...found);
    options.onGroup?.(found);
  }
  return { firmware: options.firmware.name, answers };
}

/** A disagreement in words, with what makes it again. */
export function describeAnswer({ item, predicted, because, real }: OracleAnswer): string {
  return `seed ${item.seed} case ${item.number}: predicted ${predicted} (${because || "no reason"}), firmware ${real.outcome}: ${real.line}\n  ${item.told.join(" · ")}`;
}
