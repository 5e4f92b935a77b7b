import type { Store } from "../store/database.ts";
import type { ScopeKind } from "../store/tables/identity.ts";

/** Each role with those that come with it (Keystone's bootstrap: admin implies member, member implies reader). */
const IMPLIED: Readonly<Record<string, readonly string[]>> = { admin: ["member", "reader"], member: ["reader"] };
export const BOOTSTRAP_ROLES = ["admin", "member", "reader"] as const;

export interface Role {
  readonly id: string;
  readonly name: string;
}

export interface Scope {
  readonly kind: ScopeKind;
  /** The project's id, `default`, or `all`. */
  readonly id: string;
}

/** Roles of a user in a scope, implied ones included, as tokens list them. Empty: no access. */
export async function effectiveRoles(store: Store, userId: string, scope: Scope): Promise<readonly Role[]> {
  const assigned = await store.selectFrom("role_assignments").innerJoin("roles", "roles.id", "role_assignments.role_id").select("roles.name")
    .where("user_id", "=", userId).where("scope_kind", "=", scope.kind).where("scope_id", "=", scope.id).execute();
  if (assigned.length === 0) return [];
  const names = new Set(assigned.flatMap(({ name }) => [name, ...(IMPLIED[name] ?? [])]));
  return store.selectFrom("roles").select(["id", "name"]).where("name", "in", [...names]).orderBy("name").execute();
}
