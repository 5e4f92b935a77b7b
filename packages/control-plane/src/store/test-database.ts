import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { openDatabase, type Store } from "./database.ts";
import { migrate } from "./migrate.ts";
import { type EmbeddedPostgres, type PostgresConnection, startEmbeddedPostgres } from "./postgres/embedded-postgres.ts";

export interface TestDatabase {
  readonly store: Store;
  readonly connection: PostgresConnection;
  /** Closes the connections and drops the database. Call it in `after`: open connections keep the process alive. */
  close(): Promise<void>;
}

/** Migrated once; each test file gets a copy. */
const TEMPLATE = "signet_template";
let cluster: Promise<{ readonly server: EmbeddedPostgres; readonly administration: () => Store }> | null = null;

/** A fresh database with all tables, on a real PostgreSQL that this process starts at the first call and stops when it ends. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { server, administration } = await (cluster ??= startCluster());
  const name = `test_${randomBytes(6).toString("hex")}`;
  await inAdministration(administration, (store) => sql`CREATE DATABASE ${sql.id(name)} TEMPLATE ${sql.id(TEMPLATE)} STRATEGY FILE_COPY`.execute(store));
  const connection = { ...server.connection, database: name };
  const store = openDatabase(connection, { connectionsMax: 5 });
  const close = async (): Promise<void> => {
    await store.destroy();
    await inAdministration(administration, (admin) => sql`DROP DATABASE IF EXISTS ${sql.id(name)} WITH (FORCE)`.execute(admin));
  };
  return { store, connection, close };
}

async function startCluster(): Promise<{ server: EmbeddedPostgres; administration: () => Store }> {
  const folder = mkdtempSync(join(tmpdir(), "signet-store-"));
  chmodSync(folder, 0o711);
  const server = await startEmbeddedPostgres(folder);
  process.on("exit", () => stopAtExit(server.processId, folder));
  const administration = (): Store => openDatabase(server.connection, { connectionsMax: 1 });
  await inAdministration(administration, (store) => sql`CREATE DATABASE ${sql.id(TEMPLATE)}`.execute(store));
  const template = openDatabase({ ...server.connection, database: TEMPLATE }, { connectionsMax: 2 });
  await migrate(template);
  await template.destroy();
  return { server, administration };
}

async function inAdministration(open: () => Store, work: (store: Store) => Promise<unknown>): Promise<void> {
  const store = open();
  try {
    await work(store);
  } finally {
    await store.destroy();
  }
}

/** At exit nothing can be awaited: PostgreSQL is told to stop at once, and its folder goes when it is gone. */
function stopAtExit(processId: number, folder: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  try {
    process.kill(processId, "SIGQUIT");
    for (let waited = 0; waited < 400 && !/\) Z/.test(readFileSync(`/proc/${processId}/stat`, "utf8")); waited++) Atomics.wait(pause, 0, 0, 5);
  } catch {
    // It is gone already.
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}
