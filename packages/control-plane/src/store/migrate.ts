import { readdir } from "node:fs/promises";
import type { Kysely } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";

const folder = new URL("./migrations/", import.meta.url);

/**
 * Brings the tables to the newest version, one migration after the other in the order of their numbers. Kysely holds an advisory lock
 * meanwhile, so several processes may start on one database. Each runs in a transaction: a migration that fails leaves nothing behind.
 * Throws when the database was made by a newer version of Signet.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- migrations see tables as they were, not as they are typed today
export async function migrate(store: Kysely<any>): Promise<readonly string[]> {
  const migrator = new Migrator({ db: store, provider: new FolderOfMigrations() });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === "Error")?.migrationName;
    if (failed === undefined && /corrupted migrations|missing/i.test(String(error))) {
      throw new Error(`The database was made by a newer version of Signet (${(error as Error).message}). Update Signet, or use another data folder.`, { cause: error });
    }
    throw new Error(`The database could not be brought to this version${failed === undefined ? "" : ` (migration ${failed})`}: ${(error as Error).message}`, { cause: error });
  }
  return (results ?? []).map((result) => result.migrationName);
}

class FolderOfMigrations implements MigrationProvider {
  async getMigrations(): Promise<Record<string, Migration>> {
    const files = (await readdir(folder)).filter((name) => /^\d{4}-[a-z-]+\.(ts|js)$/.test(name));
    const migrations: Record<string, Migration> = {};
    for (const file of files) migrations[file.replace(/\.(ts|js)$/, "")] = (await import(new URL(file, folder).href)) as Migration;
    return migrations;
  }
}
