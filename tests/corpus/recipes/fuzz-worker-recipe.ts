import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { budgetedSource, type ByteSource, type Disk, DiskImageError, type FatVolume, openDisk, openFat, ReadBudget, readPartitions, sliceSource } from "@signet/disk-image";
import { fuzzSamples } from "./fuzz-samples-recipe.ts";
import { mutate, MutatedSource, type Sample, SeededNumbers } from "./mutation-recipe.ts";

/** Which inputs a worker tries: every `step`th, from `first` on. */
export interface FuzzTask {
  readonly seed: number;
  readonly first: number;
  readonly step: number;
  readonly inputs: number;
}

/** How many inputs ended with which code ("a disk" for none), or what was not handled. */
export type FuzzOutcome = { readonly tally: ReadonlyMap<string, number> } | { readonly failure: string };

const BYTES_READ_MAX = 64 * 1024 * 1024;
const DECODED_BYTES_MAX = 8 * 1024 * 1024;
const FILE_BYTES_MAX = 1024 * 1024;
/** A judge that takes longer is held up. Counted in the thread's own work: other programs may take the processor away for any time. */
const WORK_MS_MAX = 1000;
const PARTITIONS_TRIED_MAX = 4;

/** Does with an image all that the judge does, and reads at both ends and in the middle. Returns the code that it failed with, or null. */
export async function inspect(source: ByteSource, parents: readonly ByteSource[]): Promise<string | null> {
  const budget = new ReadBudget(BYTES_READ_MAX);
  let failure: string | null = null;
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DiskImageError)) throw error;
      failure ??= error.code;
      return null;
    }
  };
  const disk = await attempt(() => openDisk(budgetedSource(source, budget), { parents: parents.map((parent) => budgetedSource(parent, budget)), decodedBytesMax: DECODED_BYTES_MAX }));
  if (disk !== null) {
    const { content } = disk;
    for (const offset of [0, Math.floor(content.sizeBytes / 2), content.sizeBytes - 600]) await attempt(() => content.read(Math.max(0, offset), Math.min(600, content.sizeBytes)));
    await attempt(() => inspectPartitions(disk, attempt));
  }
  assert.ok(budget.bytesRead <= BYTES_READ_MAX);
  return failure;
}

type Attempt = <Result>(work: () => Promise<Result>) => Promise<Result | null>;

async function inspectPartitions(disk: Disk, attempt: Attempt): Promise<void> {
  const { partitions } = await readPartitions(disk);
  for (const { offset, sizeBytes } of partitions.slice(0, PARTITIONS_TRIED_MAX)) {
    assert.ok(offset >= 0 && sizeBytes >= 0 && offset + sizeBytes <= disk.content.sizeBytes, `a partition of ${sizeBytes} bytes at ${offset} leaves a disk of ${disk.content.sizeBytes}`);
    const volume = await attempt(() => openFat(sliceSource(disk.content, offset, sizeBytes), disk.sectorSizeBytes));
    if (volume !== null) await inspectVolume(volume, attempt);
  }
}

async function inspectVolume(volume: FatVolume, attempt: Attempt): Promise<void> {
  for (const path of ["\\EFI\\BOOT\\BOOTX64.EFI", "\\EFI\\debian\\grub-configuration.cfg"]) {
    const file = await attempt(() => volume.find(path));
    if (file !== null && !file.isDirectory) await attempt(() => volume.readFile(file, FILE_BYTES_MAX));
  }
}

export const samples = fuzzSamples();
const inputOf = (seed: number, index: number): { readonly sample: Sample; readonly source: MutatedSource } => {
  const numbers = new SeededNumbers(seed + Math.imul(index, 0x9e3779b1));
  const sample = numbers.pick(samples);
  return { sample, source: mutate(sample, numbers) };
};
export const parentsOf = ({ parents = [] }: Sample): readonly ByteSource[] => parents.map((parent) => new MutatedSource(parent, parent.length));

/** Fails for any error that is not catalogued, and for an input that takes too long. */
export async function tryInput(seed: number, index: number): Promise<string | null> {
  const { sample, source } = inputOf(seed, index);
  try {
    const before = process.threadCpuUsage();
    const code = await inspect(source, parentsOf(sample));
    const { user, system } = process.threadCpuUsage(before);
    const workMs = (user + system) / 1000;
    assert.ok(workMs <= WORK_MS_MAX, `it took ${Math.round(workMs)} ms of work`);
    return code;
  } catch (error) {
    throw new Error(`Input ${index} of seed ${seed} (${sample.name}) is not handled. Replay it: SIGNET_SEED=${seed} SIGNET_FUZZ_INPUT=${index} ./signet test container-fuzz`, { cause: error });
  }
}


async function run({ seed, first, step, inputs }: FuzzTask): Promise<FuzzOutcome> {
  const tally = new Map<string, number>();
  // Traces cost more than what they trace; an input that fails is tried once more with them.
  Error.stackTraceLimit = 0;
  for (let index = first; index < inputs; index += step) {
    try {
      const code = (await tryInput(seed, index)) ?? "a disk";
      tally.set(code, (tally.get(code) ?? 0) + 1);
    } catch {
      Error.stackTraceLimit = 30;
      const failure: unknown = await tryInput(seed, index).then(() => `Input ${index} of seed ${seed} was not handled once, but was when it was tried again.`, (error: unknown) => error);
      return { failure: failure instanceof Error ? `${failure.message}\n${failure.cause instanceof Error ? failure.cause.stack : String(failure.cause)}` : String(failure) };
    }
  }
  return { tally };
}

if (parentPort !== null) parentPort.postMessage(await run(workerData as FuzzTask));
