import { createHash, randomUUID } from "node:crypto";

/** Keystone's ids: 32 hex digits without dashes. */
export function newIdentityId(): string {
  return randomUUID().replaceAll("-", "");
}

/** The same id for the same thing at every start and on every node: for what is configuration, not data. */
export function stableIdentityId(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}

/** There is one domain. Keystone gives the default domain this word as its id. */
export const DEFAULT_DOMAIN = { id: "default", name: "Default" } as const;
