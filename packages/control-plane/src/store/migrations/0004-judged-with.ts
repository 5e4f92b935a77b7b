import { type Kysely, sql } from "kysely";

/** Which rules and trust data a report was made with, so that it is made anew when they change. Null: before that was kept. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE images ADD COLUMN judged_with text`.execute(db);
}
