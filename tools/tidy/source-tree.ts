import { execFileSync } from "node:child_process";
import { readFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface SourceFile {
  /** Path from the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Every text file that git knows or would take: what a reader of the repository sees. */
export function readTree(): readonly SourceFile[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 ** 2 });
  return listed
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

export const isTypeScript = (file: SourceFile): boolean => /\.tsx?$/.test(file.path);
export const isTest = (file: SourceFile): boolean => /\.test\.tsx?$/.test(file.path);
/** Tables of facts may be as long as the facts are. */
export const isData = (file: SourceFile): boolean => /\/(data|tables)\/|-(data|table)\.ts$/.test(file.path);
