import type { Store } from "../store/database.ts";
import { unauthenticated } from "../api/http/session.ts";
import { DEFAULT_DOMAIN } from "./identity-id.ts";
import { verifyPassword } from "./password-hash.ts";
import { invalid, malformed } from "./refusals.ts";
import { effectiveRoles, type Scope } from "./roles.ts";
import type { NewToken, TokenFacts, Tokens } from "./tokens.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Decides a token request (`POST /v3/auth/tokens`): who it is, by password or by a token, and for what scope. Whatever is wrong with
 * the person or the scope is answered with the same 401; only a malformed request is told what is missing.
 */
export async function authenticate(store: Store, tokens: Tokens, body: unknown): Promise<NewToken> {
  const auth = objectAt(body, "auth") ?? refuseMissing("auth");
  const identity = objectAt(auth, "identity") ?? refuseMissing("identity");
  const methods = identity["methods"];
  if (!Array.isArray(methods) || methods.length === 0) throw malformed("methods");
  let userId: string | null = null;
  let parent: TokenFacts | null = null;
  for (const method of methods as unknown[]) {
    let found: string;
    if (method === "password") found = await byPassword(store, objectAt(identity, "password") ?? refuseMissing("password"));
    else if (method === "token") {
      parent = await byToken(tokens, objectAt(identity, "token") ?? refuseMissing("token"));
      found = parent.user.id;
    } else throw unauthenticated();
    if (userId !== null && userId !== found) throw unauthenticated();
    userId = found;
  }
  const scope = await chooseScope(store, userId!, auth["scope"]);
  return { userId: userId!, scope, methods: methods as string[], parent };
}

async function byPassword(store: Store, password: Json): Promise<string> {
  const user = objectAt(password, "user") ?? refuseMissing("user");
  if (typeof user["password"] !== "string") throw malformed("password");
  const byId = user["id"];
  if (typeof byId !== "string" && typeof user["name"] !== "string") throw malformed("id or name");
  if (typeof byId !== "string" && !isDefaultDomain(user["domain"])) throw unauthenticated();
  const row = await store.selectFrom("users").select(["id", "password_hash", "enabled"])
    .where(typeof byId === "string" ? "id" : "name", "=", (byId ?? user["name"]) as string).executeTakeFirst();
  const matches = await verifyPassword(user["password"], row?.password_hash ?? null);
  if (!matches || row === undefined || !row.enabled) throw unauthenticated();
  return row.id;
}

async function byToken(tokens: Tokens, token: Json): Promise<TokenFacts> {
  if (typeof token["id"] !== "string") throw malformed("id");
  const facts = await tokens.read(token["id"]);
  if (facts === null) throw unauthenticated();
  return facts;
}

async function chooseScope(store: Store, userId: string, asked: unknown): Promise<Scope | null> {
  if (asked === "unscoped") return null;
  if (asked === undefined || asked === null) return defaultScope(store, userId);
  const scope = await namedScope(store, asked);
  if (scope === null || (await effectiveRoles(store, userId, scope)).length === 0) throw unauthenticated();
  return scope;
}

/** Without a scope in the request the user's default project counts, if there is one that admits them; else the token has no scope. */
async function defaultScope(store: Store, userId: string): Promise<Scope | null> {
  const row = await store.selectFrom("users").innerJoin("projects", "projects.id", "users.default_project_id").select("projects.id")
    .where("users.id", "=", userId).where("projects.enabled", "=", true).executeTakeFirst();
  if (row === undefined) return null;
  const scope = { kind: "project", id: row.id } as const;
  return (await effectiveRoles(store, userId, scope)).length > 0 ? scope : null;
}

async function namedScope(store: Store, asked: unknown): Promise<Scope | null> {
  const system = objectAt(asked, "system");
  if (system !== null) return system["all"] === true ? { kind: "system", id: "all" } : null;
  if (objectAt(asked, "domain") !== null) return isDefaultDomain((asked as Json)["domain"]) ? { kind: "domain", id: DEFAULT_DOMAIN.id } : null;
  const project = objectAt(asked, "project");
  if (project === null) throw invalid("The scope of a token request is one of project, domain or system.");
  const byId = project["id"];
  if (typeof byId !== "string" && (typeof project["name"] !== "string" || !isDefaultDomain(project["domain"]))) return null;
  const row = await store.selectFrom("projects").select("id").where(typeof byId === "string" ? "id" : "name", "=", (byId ?? project["name"]) as string)
    .where("enabled", "=", true).executeTakeFirst();
  return row === undefined ? null : { kind: "project", id: row.id };
}

/** Domain names are compared without case, as Keystone's database does. */
function isDefaultDomain(domain: unknown): boolean {
  const { id, name } = (domain ?? {}) as Json;
  return id === DEFAULT_DOMAIN.id || (typeof name === "string" && name.toLowerCase() === DEFAULT_DOMAIN.name.toLowerCase());
}

function objectAt(value: unknown, key: string): Json | null {
  const found = typeof value === "object" && value !== null ? (value as Json)[key] : undefined;
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Json) : null;
}

function refuseMissing(what: string): never {
  throw malformed(what);
}
