import { createHash, randomBytes } from "node:crypto";
import type { Store } from "../store/database.ts";
import { DEFAULT_DOMAIN } from "./identity-id.ts";
import { effectiveRoles, type Role, type Scope } from "./roles.ts";

export const TOKEN_LIFETIME_MS = 3_600_000;
const TOKEN_BYTES = 32;
const AUDIT_ID_BYTES = 16;

/** All that a token says. Read anew from the store each time, so that a lost role or a disabled user counts at once. */
export interface TokenFacts {
  readonly user: { readonly id: string; readonly name: string };
  readonly methods: readonly string[];
  readonly auditIds: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly scope: Scope | null;
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly roles: readonly Role[];
}

export interface NewToken {
  readonly userId: string;
  readonly scope: Scope | null;
  readonly methods: readonly string[];
  /** The token that this one is made from: its expiry and the origin of the chain stay. */
  readonly parent: TokenFacts | null;
}

/** Opaque tokens: 256 random bits, of which the store keeps the SHA-256 only. */
export class Tokens {
  readonly #store: Store;
  readonly #now: () => Date;

  constructor(store: Store, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#now = now;
  }

  async issue({ userId, scope, methods, parent }: NewToken): Promise<string> {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    const issuedAt = this.#now();
    const origin = parent?.auditIds.at(-1);
    await this.#store.insertInto("tokens").values({
      token_hash: hashOf(token),
      user_id: userId,
      scope_kind: scope?.kind ?? null,
      scope_id: scope?.id ?? null,
      methods: JSON.stringify([...new Set([...methods, ...(parent?.methods ?? [])])]),
      audit_ids: JSON.stringify([randomBytes(AUDIT_ID_BYTES).toString("base64url"), ...(origin === undefined ? [] : [origin])]),
      issued_at: issuedAt,
      expires_at: parent?.expiresAt ?? new Date(issuedAt.getTime() + TOKEN_LIFETIME_MS),
    }).execute();
    return token;
  }

  /** Null when the token is unknown, expired or revoked, or when its user, project or roles are gone. */
  async read(token: string): Promise<TokenFacts | null> {
    const row = await this.#store.selectFrom("tokens").innerJoin("users", "users.id", "tokens.user_id")
      .leftJoin("projects", (join) => join.on("tokens.scope_kind", "=", "project").onRef("projects.id", "=", "tokens.scope_id"))
      .select(["users.id as user_id", "users.name as user_name", "users.enabled as user_enabled", "methods", "audit_ids", "issued_at", "expires_at", "scope_kind", "scope_id", "projects.name as project_name", "projects.enabled as project_enabled"])
      .where("token_hash", "=", hashOf(token)).executeTakeFirst();
    if (row === undefined || !row.user_enabled || row.expires_at <= this.#now()) return null;
    const facts = { user: { id: row.user_id, name: row.user_name }, methods: row.methods, auditIds: row.audit_ids, issuedAt: row.issued_at, expiresAt: row.expires_at };
    if (row.scope_kind === null || row.scope_id === null) return { ...facts, scope: null, project: null, roles: [] };
    if (row.scope_kind === "project" && row.project_enabled !== true) return null;
    const scope = { kind: row.scope_kind, id: row.scope_id };
    const roles = await effectiveRoles(this.#store, row.user_id, scope);
    if (roles.length === 0) return null;
    return { ...facts, scope, project: scope.kind === "project" ? { id: scope.id, name: row.project_name! } : null, roles };
  }

  async revoke(token: string): Promise<void> {
    await this.#store.deleteFrom("tokens").where("token_hash", "=", hashOf(token)).execute();
  }

  async revokeAllOf(userId: string): Promise<void> {
    await this.#store.deleteFrom("tokens").where("user_id", "=", userId).execute();
  }

  /** Removes what has expired. */
  async sweep(): Promise<void> {
    await this.#store.deleteFrom("tokens").where("expires_at", "<=", this.#now()).execute();
  }
}

export const domainReference = { id: DEFAULT_DOMAIN.id, name: DEFAULT_DOMAIN.name };

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
