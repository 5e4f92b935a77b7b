import { type Kysely, sql } from "kysely";

/** Hosts, flavors, servers, claims and the journal of durable work. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createHosts(db);
  await createServers(db);
  await createWorkflows(db);
}

async function createHosts(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE hosts (
      id uuid PRIMARY KEY,
      number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
      name text NOT NULL UNIQUE,
      url text NOT NULL,
      user_name text NOT NULL,
      password_sealed text NOT NULL,
      tls_fingerprint text,
      enabled boolean NOT NULL DEFAULT true,
      disabled_reason text,
      up boolean NOT NULL DEFAULT false,
      down_reason text,
      facts jsonb,
      vcpus_limit integer NOT NULL DEFAULT 0,
      memory_limit_bytes bigint NOT NULL DEFAULT 0,
      disk_limit_bytes bigint NOT NULL DEFAULT 0,
      vcpus_claimed integer NOT NULL DEFAULT 0 CHECK (vcpus_claimed >= 0),
      memory_claimed_bytes bigint NOT NULL DEFAULT 0 CHECK (memory_claimed_bytes >= 0),
      disk_claimed_bytes bigint NOT NULL DEFAULT 0 CHECK (disk_claimed_bytes >= 0),
      last_seen_at timestamptz,
      next_probe_at timestamptz NOT NULL DEFAULT now(),
      created_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`
    CREATE TABLE claims (
      server_id uuid PRIMARY KEY,
      host_id uuid NOT NULL REFERENCES hosts (id),
      vcpus integer NOT NULL,
      memory_bytes bigint NOT NULL,
      disk_bytes bigint NOT NULL
    )`.execute(db);
  await sql`
    CREATE TABLE flavors (
      id text PRIMARY KEY,
      name text NOT NULL UNIQUE,
      vcpus integer NOT NULL,
      memory_mib integer NOT NULL,
      disk_gib integer NOT NULL,
      ephemeral_gib integer NOT NULL DEFAULT 0,
      swap_mib integer NOT NULL DEFAULT 0,
      rxtx_factor double precision NOT NULL DEFAULT 1,
      is_public boolean NOT NULL DEFAULT true,
      description text,
      extra_specs jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  // Sizes that people know from other clouds; whoever deletes one does not get it back.
  await sql`
    INSERT INTO flavors (id, name, vcpus, memory_mib, disk_gib) VALUES
      ('1', 'm1.tiny', 1, 512, 1), ('2', 'm1.small', 1, 2048, 20), ('3', 'm1.medium', 2, 4096, 40), ('4', 'm1.large', 4, 8192, 80)`.execute(db);
}

async function createServers(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE servers (
      id uuid PRIMARY KEY,
      number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
      project_id text NOT NULL,
      user_id text NOT NULL,
      name text NOT NULL,
      description text,
      vm_state text NOT NULL,
      task_state text,
      power_state integer NOT NULL DEFAULT 0,
      image_id uuid NOT NULL,
      image_name text,
      flavor jsonb NOT NULL,
      metadata jsonb NOT NULL DEFAULT '{}',
      key_name text,
      user_data text,
      config_drive boolean NOT NULL DEFAULT false,
      reservation_id text NOT NULL,
      launch_index integer NOT NULL DEFAULT 0,
      host_id uuid REFERENCES hosts (id),
      host_name text,
      machine_guid text,
      policy jsonb NOT NULL,
      prediction jsonb,
      desired jsonb,
      actual jsonb,
      drift jsonb,
      firmware jsonb,
      fault jsonb,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      launched_at timestamptz,
      deleted_at timestamptz
    )`.execute(db);
  await sql`CREATE INDEX servers_of_project ON servers (project_id, created_at DESC, id DESC) WHERE deleted_at IS NULL`.execute(db);
  await sql`CREATE INDEX servers_of_host ON servers (host_id) WHERE deleted_at IS NULL`.execute(db);
  await sql`CREATE TABLE server_consoles (server_id uuid PRIMARY KEY, text text NOT NULL)`.execute(db);
  await sql`
    CREATE TABLE server_events (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      server_id uuid NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      event text NOT NULL,
      text text NOT NULL
    )`.execute(db);
  await sql`CREATE INDEX server_events_of_server ON server_events (server_id, id)`.execute(db);
  await sql`
    CREATE TABLE server_actions (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      server_id uuid NOT NULL,
      request_id text NOT NULL,
      action text NOT NULL,
      user_id text NOT NULL,
      project_id text NOT NULL,
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      finished_at timestamptz,
      message text,
      details text
    )`.execute(db);
  await sql`CREATE INDEX server_actions_of_server ON server_actions (server_id, id)`.execute(db);
  await sql`
    CREATE TABLE keypairs (
      user_id text NOT NULL,
      name text NOT NULL,
      public_key text NOT NULL,
      fingerprint text NOT NULL,
      type text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (user_id, name)
    )`.execute(db);
}

async function createWorkflows(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE workflows (
      id uuid PRIMARY KEY,
      kind text NOT NULL,
      lane text NOT NULL,
      subject_id uuid NOT NULL,
      input jsonb NOT NULL,
      memory jsonb NOT NULL DEFAULT '{}',
      state text NOT NULL DEFAULT 'running',
      failed_position integer,
      error jsonb,
      cancel_requested boolean NOT NULL DEFAULT false,
      attempts integer NOT NULL DEFAULT 0,
      run_at timestamptz NOT NULL DEFAULT now(),
      lease_owner text,
      lease_number integer NOT NULL DEFAULT 0,
      lease_expires_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`CREATE INDEX workflows_due ON workflows (lane, run_at) WHERE state IN ('running', 'undoing')`.execute(db);
  await sql`CREATE INDEX workflows_of_subject ON workflows (subject_id)`.execute(db);
  await sql`
    CREATE TABLE workflow_steps (
      workflow_id uuid NOT NULL REFERENCES workflows (id),
      position integer NOT NULL,
      name text NOT NULL,
      state text NOT NULL,
      output jsonb NOT NULL DEFAULT '{}',
      lease_number integer NOT NULL,
      finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (workflow_id, position)
    )`.execute(db);
}
