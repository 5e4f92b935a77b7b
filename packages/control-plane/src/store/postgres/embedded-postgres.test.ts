import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import { openDatabase } from "../database.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { isAlive } from "./postmaster-file.ts";

describe("the embedded PostgreSQL", () => {
  let folder: string;
  // The folder is closed to other accounts, as a folder below /root is.
  before(async () => (folder = await mkdtemp(join(tmpdir(), "signet-embedded-"))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function query<Row>(connection: Parameters<typeof openDatabase>[0], text: string): Promise<Row[]> {
    const store = openDatabase(connection, { connectionsMax: 1 });
    try {
      return (await sql.raw<Row>(text).execute(store)).rows;
    } finally {
      await store.destroy();
    }
  }

  test("keeps what was committed over a stop and a start, with every commit flushed to disk", async () => {
    const first = await startEmbeddedPostgres(folder);
    assert.equal(first.adopted, false);
    await query(first.connection, "CREATE TABLE kept (word text)");
    await query(first.connection, "INSERT INTO kept VALUES ('there')");
    for (const setting of ["fsync", "full_page_writes", "synchronous_commit"]) {
      assert.deepEqual(await query(first.connection, `SHOW ${setting}`), [{ [setting]: "on" }]);
    }
    await first.stop();
    assert.equal(await isAlive(first.processId), false);
    const second = await startEmbeddedPostgres(folder);
    assert.deepEqual(await query(second.connection, "SELECT word FROM kept"), [{ word: "there" }]);
    await second.stop();
  });

  test("takes over the server that already runs on the folder, and can stop it", async () => {
    const first = await startEmbeddedPostgres(folder);
    const second = await startEmbeddedPostgres(folder);
    assert.equal(second.adopted, true);
    assert.equal(second.processId, first.processId);
    assert.deepEqual(await query(second.connection, "SELECT word FROM kept"), [{ word: "there" }]);
    await second.stop();
    assert.equal(await isAlive(first.processId), false);
  });

  test("starts again after the server was killed, with what was committed", async () => {
    const first = await startEmbeddedPostgres(folder);
    await query(first.connection, "INSERT INTO kept VALUES ('since')");
    process.kill(first.processId, "SIGKILL");
    const second = await startEmbeddedPostgres(folder);
    assert.deepEqual(await query(second.connection, "SELECT word FROM kept ORDER BY word"), [{ word: "since" }, { word: "there" }]);
    await second.stop();
  });

  test("stops by itself when the process that started it is killed", async () => {
    const script = `const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL("./embedded-postgres.ts", import.meta.url).href)});
      console.log((await startEmbeddedPostgres(${JSON.stringify(folder)})).processId); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    const processId = await new Promise<number>((settle) => child.stdout.once("data", (line: Buffer) => settle(Number(line.toString()))));
    assert.equal(await isAlive(processId), true);
    child.kill("SIGKILL");
    for (let waited = 0; waited < 400 && (await isAlive(processId)); waited++) await new Promise((settle) => setTimeout(settle, 20));
    assert.equal(await isAlive(processId), false);
  });

  test("keeps its password from everybody but the owner of the folder, and asks for it", async () => {
    const server = await startEmbeddedPostgres(folder);
    assert.equal((await stat(join(folder, "password"))).mode & 0o777, 0o600);
    await assert.rejects(query({ ...server.connection, password: "wrong" }, "SELECT 1"), /password authentication failed/);
    await server.stop();
  });
});
