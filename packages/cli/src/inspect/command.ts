import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { DiskImageError } from "@signet/disk-image";
import { type FirmwareName, firmwareNames, type ImageReport } from "@signet/secure-boot";
import type { Trust } from "@signet/secure-boot/trust";
import { ExitError, exitCodes } from "../exit.ts";
import { readTrust } from "../trust/read-trust.ts";
import { inspectFile } from "./inspect-file.ts";
import { renderLine, renderReport, renderUnreadable } from "./render.ts";
import { type Style, styleFor } from "./style.ts";

/** The options as the command line gives them. */
export interface InspectCommandOptions {
  readonly trust?: readonly string[];
  readonly firmware?: string;
  readonly parent?: readonly string[];
  readonly sectorSize?: string;
  readonly as?: string;
  readonly json?: boolean;
}

/** Where the command writes, so that it can be read without a process. */
export interface InspectOutput {
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly environment: NodeJS.ProcessEnv;
}

type Answer = { readonly file: string; readonly elapsedMs: number } & ({ readonly report: ImageReport } | { readonly error: DiskImageError });

const EXIT_BOOTS = 0;
const EXIT_FAILS = 1;
const EXIT_UNKNOWN = 2;
/** Work shorter than this needs no sign of life. */
const PROGRESS_AFTER_MS = 500;
const CD_SECTOR_BYTES = 2048;

/**
 * `signet inspect`: 0 when every input boots under every trust asked, 1 when one is refused or unbootable, 2 when one is unknown, 65 when
 * one cannot be read as any disk. Throws `ExitError` (64) for wrong arguments.
 */
export async function runInspect(files: readonly string[], options: InspectCommandOptions, output: InspectOutput = { out: process.stdout, err: process.stderr, environment: process.env }): Promise<number> {
  const trusts = await readTrusts(options.trust ?? []);
  const firmware = readFirmware(options.firmware);
  const sectorSizeBytes = readSectorSize(options);
  const answers: Answer[] = [];
  for (const file of files) {
    const answer = await withProgress(file, output, () => inspectOne(file, { ...(trusts.length === 0 ? {} : { trusts }), firmware, parents: options.parent ?? [], ...(sectorSizeBytes === null ? {} : { sectorSizeBytes }) }));
    answers.push(answer);
    if (options.json === true) output.out.write(`${JSON.stringify(jsonOf(answer))}\n`);
  }
  if (options.json !== true) output.out.write(await renderAnswers(answers, styleFor(output.out, output.environment)));
  return exitCodeOf(answers);
}

async function inspectOne(file: string, options: Parameters<typeof inspectFile>[1]): Promise<Answer> {
  const startedAt = performance.now();
  try {
    const report = await inspectFile(file, options);
    return { file, report, elapsedMs: performance.now() - startedAt };
  } catch (error) {
    if (error instanceof DiskImageError) return { file, error, elapsedMs: performance.now() - startedAt };
    throw new ExitError(exitCodes.usage, `${(error as Error).message}. Give files that exist and that you may read.`, { cause: error });
  }
}

const jsonOf = (answer: Answer): object => ("report" in answer ? answer.report : { file: answer.file, error: { code: answer.error.code, text: answer.error.message } });

async function renderAnswers(answers: readonly Answer[], style: Style): Promise<string> {
  const isSingle = answers.length === 1;
  const nameWidth = Math.max(...answers.map(({ file }) => basename(file).length));
  const lines = isSingle ? [] : answers.map((answer) => ("report" in answer ? renderLine(answer.report, nameWidth, style) : `${basename(answer.file).padEnd(nameWidth)}  ${style.bad("cannot be read as a disk")}\n`));
  const details = await Promise.all(answers.filter((answer) => isSingle || !isBooting(answer)).map((answer) => renderAnswer(answer, style)));
  return `${lines.join("")}${!isSingle && details.length > 0 ? "\n" : ""}${details.join("\n")}`;
}

async function renderAnswer(answer: Answer, style: Style): Promise<string> {
  if ("error" in answer) return renderUnreadable(answer.file, { code: answer.error.code, text: answer.error.message }, style);
  const status = await stat(answer.file).catch(() => null);
  return renderReport(answer.report, { style, elapsedMs: answer.elapsedMs, storedBytes: status === null ? null : Math.min(status.size, status.blocks * 512) });
}

const isBooting = (answer: Answer): boolean => "report" in answer && answer.report.verdicts.every(({ outcome }) => outcome === "boots");

function exitCodeOf(answers: readonly Answer[]): number {
  if (answers.some((answer) => "error" in answer)) return exitCodes.unreadableInput;
  const outcomes = new Set(answers.flatMap((answer) => ("report" in answer ? answer.report.verdicts.map(({ outcome }) => outcome) : [])));
  if (outcomes.has("refused") || outcomes.has("unbootable")) return EXIT_FAILS;
  return outcomes.has("unknown") ? EXIT_UNKNOWN : EXIT_BOOTS;
}

async function readTrusts(names: readonly string[]): Promise<readonly Trust[]> {
  const trusts: Trust[] = [];
  for (const name of names) trusts.push(await readTrust(name, "--trust"));
  return trusts;
}

function readFirmware(name: string | undefined): FirmwareName {
  const found = firmwareNames.find((firmware) => firmware === (name ?? "hyper-v"));
  if (found === undefined) throw new ExitError(exitCodes.usage, `--firmware ${name ?? ""} is not known. Choose one of ${firmwareNames.join(", ")}.`);
  return found;
}

function readSectorSize({ sectorSize, as }: InspectCommandOptions): number | null {
  if (sectorSize !== undefined) {
    if (sectorSize !== "512" && sectorSize !== "4096") throw new ExitError(exitCodes.usage, `--sector-size ${sectorSize} is not possible. Choose 512 or 4096.`);
    return Number(sectorSize);
  }
  return as === "cdrom" ? CD_SECTOR_BYTES : null;
}

async function withProgress<Result>(file: string, { err }: InspectOutput, work: () => Promise<Result>): Promise<Result> {
  if (err.isTTY !== true) return work();
  let isShown = false;
  const timer = setTimeout(() => {
    isShown = true;
    err.write(`reading ${basename(file)} …`);
  }, PROGRESS_AFTER_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (isShown) err.write("\r\u001b[K");
  }
}
