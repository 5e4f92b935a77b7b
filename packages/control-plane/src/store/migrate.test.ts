import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import { migrate } from "./migrate.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

describe("migrations", () => {
  let database: TestDatabase;
  before(async () => (database = await createTestDatabase()));
  after(() => database.close());

  test("do nothing on a database that has them all", async () => {
    assert.deepEqual(await migrate(database.store), []);
  });

  test("refuse a database that was made by a newer version", async () => {
    await sql`INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-from-the-future', '2099-01-01T00:00:00.000Z')`.execute(database.store);
    await assert.rejects(migrate(database.store), /newer version of Signet.*Update Signet/);
  });

  test("large integers arrive as numbers, and one beyond exactness is an error", async () => {
    const { rows } = await sql<{ size: number }>`SELECT 107374182400::bigint AS size`.execute(database.store);
    assert.equal(rows[0]?.size, 107_374_182_400);
    await assert.rejects(sql`SELECT 9007199254740993::bigint`.execute(database.store), /does not fit a number/);
  });
});
