import { createHash } from "node:crypto";

export const DIGESTS = ["md5", "sha256", "sha512"] as const;
/** Lower-case hex. */
export type Digests = Readonly<Record<(typeof DIGESTS)[number], string>>;

/** Digests of few bytes, at once. */
export function digestAtOnce(parts: readonly Uint8Array[]): Digests {
  const hashes = DIGESTS.map((name) => [name, createHash(name)] as const);
  for (const [, hash] of hashes) for (const part of parts) hash.update(part);
  return Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest("hex")])) as Digests;
}
