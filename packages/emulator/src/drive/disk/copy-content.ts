import type { DiskChain } from "./disk-chain.ts";
import type { DiskLayer } from "./disk-layer.ts";
import { MIB } from "./disk-file.ts";

// Large enough that reading and writing dominate, small enough that an end is noticed at once.
const stepBytes = MIB;
const zeros = Buffer.alloc(stepBytes);

/** Writes what a guest sees of the source into a new disk, which is zero all over: stretches of zeros are left out. */
export async function copyContent(source: DiskChain, target: DiskLayer, signal: AbortSignal): Promise<void> {
  const endBytes = Math.min(source.sizeBytes, target.facts.sizeBytes);
  const buffer = Buffer.alloc(stepBytes);
  for (let offset = 0; offset < endBytes; ) {
    signal.throwIfAborted();
    // Steps end at whole multiples, so that each block of the target is decided on once.
    const run = await source.run(offset, offset % stepBytes === 0 ? endBytes - offset : Math.min(endBytes - offset, stepBytes - (offset % stepBytes)));
    // A fixed disk has every block, but most of its file may be a hole.
    const emptyBytes = run.kind === "data" ? await run.layer.file.holeBytes(run.fileOffset) : run.lengthBytes;
    if (emptyBytes > 0) {
      offset += Math.min(emptyBytes, run.lengthBytes);
      continue;
    }
    const lengthBytes = Math.min(stepBytes - (offset % stepBytes), endBytes - offset);
    const data = buffer.subarray(0, lengthBytes);
    await source.readInto(offset, data);
    if (!data.equals(zeros.subarray(0, lengthBytes))) await target.write(offset, data);
    offset += lengthBytes;
  }
}

/** Writes what these layers themselves have, and nothing of what lies below them, into a disk below. */
export async function mergeContent(upper: DiskChain, target: DiskLayer, signal: AbortSignal): Promise<void> {
  for (let offset = 0; offset < upper.sizeBytes; ) {
    signal.throwIfAborted();
    const run = await upper.run(offset, upper.sizeBytes - offset);
    for (let done = 0; run.kind !== "parent" && done < run.lengthBytes; ) {
      signal.throwIfAborted();
      const lengthBytes = Math.min(stepBytes, run.lengthBytes - done);
      await target.write(offset + done, run.kind === "zero" ? zeros.subarray(0, lengthBytes) : await upper.read(offset + done, lengthBytes));
      done += lengthBytes;
    }
    offset += run.lengthBytes;
  }
}

/** Writes a dynamic or differencing layer's own sectors into a new file of the same kind; of a dynamic one, blocks of zeros are left out. */
export async function copyLayer(source: DiskChain, target: DiskLayer, signal: AbortSignal): Promise<void> {
  if (source.top.facts.type === "differencing") await mergeContent(source, target, signal);
  else await copyContent(source, target, signal);
}
