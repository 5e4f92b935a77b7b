import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildGuestImage } from "@signet/cli/guest-image";
import { inspectFile } from "@signet/cli/inspect-file";
import { type Benchmark, compareLess, median } from "./benchmark.ts";

const run = promisify(execFile);
const VIRTUAL_SIZE_BYTES = 10 * 1024 ** 3;
const RUNS = 7;
const VERDICT_LIMIT_MS = 100;
const READ_LIMIT_BYTES = 16 * 1024 ** 2;

/** A sparse 10 GiB VHDX with the distribution's shim, judged against its template; the peer only fetches the loader's bytes. */
export async function measure(): Promise<readonly Benchmark[]> {
  const folder = await mkdtemp(join(tmpdir(), "signet-bench-"));
  try {
    const image = join(folder, "sparse.vhdx");
    await buildGuestImage({ path: image, format: "vhdx", virtualSizeBytes: VIRTUAL_SIZE_BYTES });
    const times: number[] = [];
    let bytesRead = 0;
    for (let index = 0; index < RUNS; index += 1) {
      const startedAt = performance.now();
      bytesRead = (await inspectFile(image)).format.bytesRead;
      times.push(performance.now() - startedAt);
    }
    const ours = median(times);
    return [
      compareLess({ name: "verdict-time", what: "verdict on a 10 GiB sparse VHDX", ours, peer: { name: "limit of 100 ms", value: VERDICT_LIMIT_MS }, unit: "ms", goal: 1 }),
      compareLess({ name: "verdict-bytes", what: "bytes read for that verdict", ours: bytesRead, peer: { name: "limit of 16 MiB", value: READ_LIMIT_BYTES }, unit: "bytes", goal: 1 }),
      compareLess({ name: "verdict-peer", what: "verdict against only extracting the loader", ours, peer: { name: "qemu-img dd and mcopy", value: await extractLoader(image, folder) }, unit: "ms", goal: 1 }),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The usual way to get at a loader without us: convert the start of the disk to raw, then copy the file out of the FAT. */
async function extractLoader(image: string, folder: string): Promise<number | null> {
  const raw = join(folder, "front.raw");
  const startedAt = performance.now();
  try {
    await run("qemu-img", ["dd", "-f", "vhdx", "-O", "raw", "bs=1M", "count=100", `if=${image}`, `of=${raw}`]);
    await run("mcopy", ["-o", "-i", `${raw}@@1M`, "::/EFI/BOOT/BOOTX64.EFI", join(folder, "loader.efi")]);
  } catch {
    return null;
  }
  return performance.now() - startedAt;
}
