import type { ColumnType, Generated } from "kysely";

type Json<Value> = ColumnType<Value, string | undefined, string>;

export type ScopeKind = "project" | "domain" | "system";

export interface ProjectTable {
  /** 32 hex digits, as clients expect. */
  id: string;
  name: string;
  description: Generated<string>;
  enabled: Generated<boolean>;
  tags: Json<readonly string[]>;
  /** Fields that we do not know, kept as they came. */
  extra: Json<Record<string, unknown>>;
}

export interface UserTable {
  id: string;
  name: string;
  /** PHC string of argon2id; null for a user who cannot log in by password. */
  password_hash: string | null;
  email: string | null;
  description: string | null;
  default_project_id: string | null;
  enabled: Generated<boolean>;
  extra: Json<Record<string, unknown>>;
}

export interface RoleTable {
  id: string;
  name: string;
  description: string | null;
}

export interface RoleAssignmentTable {
  user_id: string;
  role_id: string;
  scope_kind: ScopeKind;
  /** The project, `default` for the domain, `all` for the system. */
  scope_id: string;
}

export interface TokenTable {
  /** SHA-256 of the token: who reads the database cannot use what is in it. */
  token_hash: Buffer;
  user_id: string;
  scope_kind: ScopeKind | null;
  scope_id: string | null;
  methods: Json<readonly string[]>;
  audit_ids: Json<readonly string[]>;
  issued_at: Date;
  expires_at: Date;
}

export interface IdentityTables {
  projects: ProjectTable;
  users: UserTable;
  roles: RoleTable;
  role_assignments: RoleAssignmentTable;
  tokens: TokenTable;
}
