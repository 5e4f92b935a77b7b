import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { Store } from "../store/database.ts";
import { newIdentityId } from "./identity-id.ts";
import { hashPassword } from "./password-hash.ts";
import { BOOTSTRAP_ROLES } from "./roles.ts";

const PASSWORD_BYTES = 18;
/** Any fixed number: which of several nodes that start at once makes the first user. */
const BOOTSTRAP_LOCK = 7_301_001;

/**
 * At the first start: the roles, the project `admin` and the user `admin` with every right. Returns the random password, which is
 * stored nowhere as text, or null when the user exists already.
 */
export async function bootstrapIdentity(store: Store): Promise<string | null> {
  if ((await store.selectFrom("users").select("id").limit(1).executeTakeFirst()) !== undefined) return null;
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const passwordHash = await hashPassword(password);
  return store.transaction().execute(async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(${BOOTSTRAP_LOCK})`.execute(transaction);
    if ((await transaction.selectFrom("users").select("id").limit(1).executeTakeFirst()) !== undefined) return null;
    const roles = BOOTSTRAP_ROLES.map((name) => ({ id: newIdentityId(), name, description: null }));
    await transaction.insertInto("roles").values(roles).execute();
    const project = { id: newIdentityId(), name: "admin", description: "Bootstrap project for initializing the cloud." };
    await transaction.insertInto("projects").values(project).execute();
    const user = { id: newIdentityId(), name: "admin", password_hash: passwordHash, email: null, description: null, default_project_id: null };
    await transaction.insertInto("users").values(user).execute();
    const admin = roles.find((role) => role.name === "admin")!;
    const scopes = [{ scope_kind: "project", scope_id: project.id }, { scope_kind: "domain", scope_id: "default" }, { scope_kind: "system", scope_id: "all" }] as const;
    await transaction.insertInto("role_assignments").values(scopes.map((scope) => ({ user_id: user.id, role_id: admin.id, ...scope }))).execute();
    return password;
  });
}
