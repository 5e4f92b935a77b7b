import { createHash } from "node:crypto";
import { judgeRules } from "@signet/secure-boot";
import { listNamedTrusts, revocations, sbatReleases } from "@signet/secure-boot/trust";

/**
 * Names the rules and the trust data that a report was made with: when either changes, the report may no longer hold. Twelve hex digits
 * behind the number of the rules.
 */
export const judgedWith: string = `${judgeRules}-${fingerprint()}`;

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const { name, variables } of listNamedTrusts()) {
    hash.update(`${name}\0`);
    for (const data of Object.values(variables)) hash.update(data ?? "-");
  }
  // What is announced decides which images survive.
  hash.update(JSON.stringify([revocations.map(({ sha256 }) => sha256), sbatReleases]));
  return hash.digest("hex").slice(0, 12);
}
