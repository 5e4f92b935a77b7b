import { type Kysely, sql } from "kysely";

/** Projects, users, roles, who has which role where, and tokens. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE projects (
      id text PRIMARY KEY,
      name text NOT NULL UNIQUE,
      description text NOT NULL DEFAULT '',
      enabled boolean NOT NULL DEFAULT true,
      tags jsonb NOT NULL DEFAULT '[]',
      extra jsonb NOT NULL DEFAULT '{}'
    )`.execute(db);
  await sql`
    CREATE TABLE users (
      id text PRIMARY KEY,
      name text NOT NULL UNIQUE,
      password_hash text,
      email text,
      description text,
      default_project_id text,
      enabled boolean NOT NULL DEFAULT true,
      extra jsonb NOT NULL DEFAULT '{}'
    )`.execute(db);
  await sql`CREATE TABLE roles (id text PRIMARY KEY, name text NOT NULL UNIQUE, description text)`.execute(db);
  await sql`
    CREATE TABLE role_assignments (
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      role_id text NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
      scope_kind text NOT NULL CHECK (scope_kind IN ('project', 'domain', 'system')),
      scope_id text NOT NULL,
      PRIMARY KEY (user_id, scope_kind, scope_id, role_id)
    )`.execute(db);
  await sql`
    CREATE TABLE tokens (
      token_hash bytea PRIMARY KEY,
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      scope_kind text,
      scope_id text,
      methods jsonb NOT NULL,
      audit_ids jsonb NOT NULL,
      issued_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL
    )`.execute(db);
  await sql`CREATE INDEX tokens_by_expiry ON tokens (expires_at)`.execute(db);
  await sql`CREATE INDEX tokens_of_user ON tokens (user_id)`.execute(db);
}
