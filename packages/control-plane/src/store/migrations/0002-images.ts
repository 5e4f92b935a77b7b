import { type Kysely, sql } from "kysely";

/** Images, what was found in them, who may see them, and addresses for hosts to fetch them from. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE images (
      id uuid PRIMARY KEY,
      name text,
      owner text NOT NULL,
      visibility text NOT NULL DEFAULT 'shared' CHECK (visibility IN ('public', 'private', 'shared', 'community')),
      status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'saving', 'active', 'deactivated')),
      disk_format text,
      container_format text,
      min_ram_mib integer NOT NULL DEFAULT 0,
      min_disk_gib integer NOT NULL DEFAULT 0,
      protected boolean NOT NULL DEFAULT false,
      hidden boolean NOT NULL DEFAULT false,
      tags jsonb NOT NULL DEFAULT '[]',
      properties jsonb NOT NULL DEFAULT '{}',
      size_bytes bigint,
      virtual_size_bytes bigint,
      md5 text,
      sha256 text,
      sha512 text,
      file_name text,
      upload_id uuid,
      upload_node text,
      detected_format text,
      report jsonb,
      judged_at timestamptz,
      derived_signature text,
      signature_contradiction text,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      CHECK (status NOT IN ('active', 'deactivated') OR (file_name IS NOT NULL AND size_bytes IS NOT NULL AND md5 IS NOT NULL AND sha256 IS NOT NULL AND sha512 IS NOT NULL)),
      CHECK ((status = 'saving') = (upload_id IS NOT NULL))
    )`.execute(db);
  await sql`CREATE INDEX images_of_owner ON images (owner, created_at DESC, id DESC)`.execute(db);
  await sql`CREATE INDEX images_by_age ON images (created_at DESC, id DESC)`.execute(db);
  await sql`CREATE INDEX images_by_name ON images (name)`.execute(db);
  await sql`
    CREATE TABLE image_verdicts (
      image_id uuid NOT NULL REFERENCES images (id) ON DELETE CASCADE,
      trust text NOT NULL,
      outcome text NOT NULL,
      stage text,
      serviceable boolean,
      survives_next_revocation boolean,
      PRIMARY KEY (image_id, trust)
    )`.execute(db);
  await sql`
    CREATE TABLE image_members (
      image_id uuid NOT NULL REFERENCES images (id) ON DELETE CASCADE,
      project_id text NOT NULL,
      status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'rejected')),
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (image_id, project_id)
    )`.execute(db);
  await sql`
    CREATE TABLE image_transfers (
      token_hash bytea PRIMARY KEY,
      image_id uuid NOT NULL REFERENCES images (id) ON DELETE CASCADE,
      host_id text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz NOT NULL
    )`.execute(db);
}
