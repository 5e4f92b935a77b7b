import { Kysely, PostgresDialect } from "kysely";
import { Pool, TypeOverrides } from "pg";
import type { PostgresConnection } from "./postgres/embedded-postgres.ts";
import type { ComputeTables } from "./tables/compute.ts";
import type { IdentityTables } from "./tables/identity.ts";
import type { ImageTables } from "./tables/images.ts";

/** All tables of the store; each room describes its own. */
export interface Database extends IdentityTables, ImageTables, ComputeTables {}

export type Store = Kysely<Database>;

/** Of the 40 that the embedded server admits: enough for the work in flight, and room for psql beside it. */
const CONNECTIONS_MAX = 20;
/** Object id of int8 (pg_type.dat). */
const INT8 = 20;

/** Opens a pool of connections. Close it with `destroy()`. 64-bit integers arrive as numbers; one beyond 2^53 is an error, not a rounded number. */
export function openDatabase(target: PostgresConnection | string, limits: { readonly connectionsMax?: number } = {}): Store {
  const types = new TypeOverrides();
  types.setTypeParser(INT8, (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new RangeError(`the store holds ${text}, which does not fit a number`);
    return value;
  });
  const address = typeof target === "string" ? { connectionString: target } : target;
  const pool = new Pool({ ...address, max: limits.connectionsMax ?? CONNECTIONS_MAX, idleTimeoutMillis: 10_000, types, application_name: "signet" });
  // A connection that breaks while idle is replaced by the next use; without a listener the event would end the process.
  pool.on("error", () => {});
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}
