import { spawnSync } from "node:child_process";

const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** What the compressor of that name makes of the bytes; null where it is not installed. */
export function compressWith(program: "xz" | "zstd" | "gzip", args: readonly string[], bytes: Uint8Array): Buffer | null {
  const { status, stdout, stderr, error } = spawnSync(program, [...args, "-c"], { input: bytes, maxBuffer: OUTPUT_BYTES_MAX });
  if (error !== undefined && "code" in error && error.code === "ENOENT") return null;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

/** Bytes of which some are noise, some repeat themselves near and far, and some are zeros, the same for one seed. */
export function mixedBytes(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed >>> 0 || 1;
  const random = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  for (let place = 0; place < sizeBytes; ) {
    const length = Math.min(sizeBytes - place, 1 + random(random(4) === 0 ? 40_000 : 400));
    const kind = random(5);
    if (kind === 0) for (let index = 0; index < length; index += 1) bytes[place + index] = random(256);
    else if (kind === 1) bytes.fill(random(256), place, place + length);
    else if (kind === 2 && place > 0) {
      const distance = 1 + random(place);
      for (let index = 0; index < length; index += 1) bytes[place + index] = bytes[place + index - distance] ?? 0;
    } else if (kind === 3) bytes.write("words that come again and again, ".repeat(1 + length / 33), place, length, "latin1");
    place += length;
  }
  return bytes;
}
