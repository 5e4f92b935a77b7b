import type { ColumnType, Generated, JSONColumnType, Kysely, Transaction } from "kysely";
import type {
  ActualMachine, DesiredMachine, FaultRecord, FirmwareRecord, FlavorSnapshot, PolicyRecord, PredictionRecord, TaskState, VmState,
} from "../../compute/server-record.ts";
import type { HostFacts } from "../../ports.ts";

/** Bigint columns arrive as text or number, depending on the driver's parsers: read them with `Number`. */
type Bytes = ColumnType<string | number, number, number>;
type Json<Value> = ColumnType<Value, string, string>;
type NullableJson<Value> = ColumnType<Value | null, string | null, string | null>;

export interface HostTable {
  id: string;
  /** Integer id for compute microversions before 2.53. */
  number: Generated<number>;
  name: string;
  url: string;
  user_name: string;
  /** Sealed by the store's secret box. */
  password_sealed: string;
  tls_fingerprint: string | null;
  enabled: Generated<boolean>;
  disabled_reason: string | null;
  up: Generated<boolean>;
  down_reason: string | null;
  facts: NullableJson<HostFacts>;
  vcpus_limit: Generated<number>;
  memory_limit_bytes: ColumnType<string | number, number | undefined, number>;
  disk_limit_bytes: ColumnType<string | number, number | undefined, number>;
  vcpus_claimed: Generated<number>;
  memory_claimed_bytes: ColumnType<string | number, number | undefined, number>;
  disk_claimed_bytes: ColumnType<string | number, number | undefined, number>;
  last_seen_at: Date | null;
  next_probe_at: Generated<Date>;
  created_at: Generated<Date>;
}

/** What a server holds of its host. One row per server: a server is on one host. */
export interface ClaimTable {
  server_id: string;
  host_id: string;
  vcpus: number;
  memory_bytes: Bytes;
  disk_bytes: Bytes;
}

export interface FlavorTable {
  id: string;
  name: string;
  vcpus: number;
  memory_mib: number;
  disk_gib: number;
  ephemeral_gib: Generated<number>;
  swap_mib: Generated<number>;
  rxtx_factor: Generated<number>;
  is_public: Generated<boolean>;
  description: string | null;
  extra_specs: Json<Record<string, string | number>>;
  created_at: Generated<Date>;
}

export interface ServerTable {
  id: string;
  /** For `instance-%08x`. */
  number: Generated<number>;
  project_id: string;
  user_id: string;
  name: string;
  description: string | null;
  vm_state: VmState;
  task_state: TaskState | null;
  power_state: Generated<number>;
  image_id: string;
  image_name: string | null;
  flavor: JSONColumnType<FlavorSnapshot>;
  metadata: Json<Record<string, string>>;
  key_name: string | null;
  user_data: string | null;
  config_drive: Generated<boolean>;
  reservation_id: string;
  launch_index: Generated<number>;
  host_id: string | null;
  host_name: string | null;
  machine_guid: string | null;
  policy: JSONColumnType<PolicyRecord>;
  prediction: NullableJson<PredictionRecord>;
  desired: NullableJson<DesiredMachine>;
  actual: NullableJson<ActualMachine>;
  /** Properties that differ from what is desired, as of the last read-back; null before the first. */
  drift: NullableJson<readonly string[]>;
  firmware: NullableJson<FirmwareRecord>;
  fault: NullableJson<FaultRecord>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  launched_at: Date | null;
  deleted_at: Date | null;
}

/** What the first serial port has said; apart from the server, because lists of servers never read it. */
export interface ServerConsoleTable {
  server_id: string;
  text: string;
}

/** What happened to a server and why, in order. */
export interface ServerEventTable {
  id: Generated<string | number>;
  server_id: string;
  at: Generated<Date>;
  event: string;
  text: string;
}

/** `os-instance-actions`. */
export interface ServerActionTable {
  id: Generated<string | number>;
  server_id: string;
  request_id: string;
  action: string;
  user_id: string;
  project_id: string;
  started_at: Generated<Date>;
  finished_at: Date | null;
  /** "Error" when it failed, as Nova says it. */
  message: string | null;
  /** The whole sentence. */
  details: string | null;
}

export interface KeypairTable {
  user_id: string;
  name: string;
  public_key: string;
  fingerprint: string;
  type: string;
  created_at: Generated<Date>;
}

export type WorkflowState = "running" | "undoing" | "done" | "undone";

/** One durable piece of work. The lease number fences every commit of whoever works on it. */
export interface WorkflowTable {
  id: string;
  kind: string;
  lane: string;
  subject_id: string;
  input: Json<Record<string, unknown>>;
  /** Merged outputs of the steps that are done. */
  memory: Json<Record<string, unknown>>;
  state: WorkflowState;
  /** Position of the step that failed; undoing begins with it. */
  failed_position: number | null;
  error: NullableJson<{ readonly code: string; readonly message: string; readonly remedy: string | null; readonly httpStatus: number }>;
  cancel_requested: Generated<boolean>;
  /** Attempts of the present step. */
  attempts: Generated<number>;
  run_at: Generated<Date>;
  lease_owner: string | null;
  lease_number: Generated<number>;
  lease_expires_at: Date | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

export interface WorkflowStepTable {
  workflow_id: string;
  position: number;
  name: string;
  state: "done" | "undone";
  output: Json<Record<string, unknown>>;
  lease_number: number;
  finished_at: Generated<Date>;
}

/** The tables of this room, for the store's list of all. */
export interface ComputeTables {
  hosts: HostTable;
  claims: ClaimTable;
  flavors: FlavorTable;
  servers: ServerTable;
  server_consoles: ServerConsoleTable;
  server_events: ServerEventTable;
  server_actions: ServerActionTable;
  keypairs: KeypairTable;
  workflows: WorkflowTable;
  workflow_steps: WorkflowStepTable;
}

/** The store, as far as this room may look. */
export type ComputeStore = Kysely<ComputeTables>;
export type ComputeTransaction = Transaction<ComputeTables>;
