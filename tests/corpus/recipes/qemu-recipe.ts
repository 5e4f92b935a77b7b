import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

export interface ImageWrite {
  readonly kind: "data" | "zeros" | "discard";
  readonly offset: number;
  readonly length: number;
}

export interface ImageRecipe {
  /** As qemu-img calls it. */
  readonly format: string;
  /** Null where the backing file says it. */
  readonly sizeBytes: number | null;
  readonly options?: Readonly<Record<string, string | number>>;
  readonly backing?: { readonly path: string; readonly format: string };
}

const TIMEOUT_MS = 60_000;

export const hasQemuImg = (): boolean => ["qemu-img", "qemu-io"].every((program) => spawnSync(program, ["--version"]).status === 0);

export function runTool(program: string, args: readonly string[]): string {
  const { status, stderr, stdout, error } = spawnSync(program, args, { encoding: "utf8", timeout: TIMEOUT_MS });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}${error?.message ?? ""}`);
  return stdout;
}

const optionsOf = (options: ImageRecipe["options"]): readonly string[] => {
  const given = Object.entries(options ?? {}).map(([key, value]) => `${key}=${value}`);
  return given.length === 0 ? [] : ["-o", given.join(",")];
};

export function createImage(path: string, { format, sizeBytes, options, backing }: ImageRecipe): void {
  rmSync(path, { force: true });
  runTool("qemu-img", ["create", "-q", "-f", format, ...optionsOf(options), ...(backing === undefined ? [] : ["-b", backing.path, "-F", backing.format]), path, ...(sizeBytes === null ? [] : [`${sizeBytes}`])]);
}

/** Names the image so that a VHD's size is its footer's and not its geometry. */
const openArgument = (path: string, format: string): string => `driver=${format},file.driver=file,file.filename=${path}${format === "vpc" ? ",force_size_calc=current_size" : ""}`;

/** `data` is a file whose bytes are written, over and over. */
export function writeImage(path: string, format: string, writes: readonly ImageWrite[], data: string): void {
  const commands = writes.flatMap(({ kind, offset, length }) => ["-c", kind === "data" ? `write -q -s ${data} ${offset} ${length}` : kind === "zeros" ? `write -q -z ${offset} ${length}` : `discard -q ${offset} ${length}`]);
  if (commands.length > 0) runTool("qemu-io", ["-t", "unsafe", "--image-opts", openArgument(path, format), ...commands]);
}

export function convertImage(from: string, fromFormat: string, to: string, { format, options, isCompressed = false }: Omit<ImageRecipe, "sizeBytes" | "backing"> & { readonly isCompressed?: boolean }): void {
  rmSync(to, { force: true });
  runTool("qemu-img", ["convert", "-t", "unsafe", "--image-opts", ...(isCompressed ? ["-c"] : []), "-O", format, ...optionsOf(options), openArgument(from, fromFormat), to]);
}
