import { createHash } from "node:crypto";
import { encodeSignatureList, joinSignatureLists } from "@signet/secure-boot/signature-lists";
import type { Trust } from "@signet/secure-boot/trust";
import type { Authority } from "../../corpus/recipes/authority-recipe.ts";
import type { Cast } from "./cast.ts";
import type { GeneratedProgram } from "./generate-program.ts";
import type { SeededRandom } from "./seeded-random.ts";

const OWNER = "0ac1e000-0000-4000-8000-000000000000";
const HASHES = ["sha256", "sha256", "sha384", "sha512", "sha1"] as const;

export interface GeneratedTrust {
  readonly trust: Trust;
  readonly told: readonly string[];
}

/** A state of trust for some programs: authorities and digests trusted, revoked, both or neither, in lists well formed or not. */
export function generateTrust(random: SeededRandom, cast: Cast, programs: readonly GeneratedProgram[]): GeneratedTrust {
  const told: string[] = [];
  const lists = (variable: string, authorities: readonly Authority[], hashChance: number): Uint8Array[] => {
    told.push(`${variable}: ${authorities.map(({ name }) => name).join(", ") || "no certificate"}`);
    const certificates = authorities.map(({ der }) => encodeSignatureList("x509", OWNER, [der]));
    const hashes = programs.flatMap((program, index) => {
      if (!random.chance(hashChance)) return [];
      const kind = random.pick(HASHES);
      const digest = program.digest(kind);
      if (digest === null) return [];
      told.push(`${variable}: ${kind} of ${index}`);
      return [encodeSignatureList(kind, OWNER, [digest])];
    });
    return [...certificates, ...hashes];
  };
  const [rootA] = cast.authorities;
  const trusted = random.chance(0.75) && rootA !== undefined ? [rootA, ...random.some(cast.authorities.slice(1), 0.15)] : random.some(cast.authorities, 0.3);
  const db = [...lists("db", trusted, 0.12), ...malform(random, told, "db")];
  const dbx = random.chance(0.7) ? [...lists("dbx", random.some(cast.authorities, 0.06), 0.12), ...revokedByHash(random, cast, told), ...malform(random, told, "dbx")] : [];
  const isOff = random.chance(0.04);
  if (isOff) told.push("Secure Boot off");
  const platform = encodeSignatureList("x509", OWNER, [(rootA ?? cast.authorities[0])?.der ?? new Uint8Array(0)]);
  const variable = (parts: readonly Uint8Array[]): Uint8Array | null => (parts.length === 0 ? null : joinSignatureLists(parts));
  return {
    told,
    trust: {
      name: "generated", secureBootEnabled: !isOff, variables: { PK: platform, KEK: random.chance(0.9) ? platform : null, db: variable(db), dbx: variable(dbx), dbt: null },
      shimVariables: {}, thumbprints: { db: [], dbx: [] }, contentsKnown: true,
    },
  };
}

/** Certificates revoked by the hash of what their issuer signed, with or without a time. */
function revokedByHash(random: SeededRandom, cast: Cast, told: string[]): Uint8Array[] {
  return random.some(cast.authorities, 0.05).map(({ name, tbs, der }) => {
    const kind = random.pick(["sha256", "sha384", "sha512"] as const);
    const isWhole = random.chance(0.2);
    const time = Buffer.alloc(16);
    if (random.chance(0.3)) time.set([0xf4, 0x07, 6, 1]);
    told.push(`dbx: ${name} by ${kind}${isWhole ? " of the whole certificate" : ""}${time[0] === 0 ? "" : " from 2036"}`);
    return encodeSignatureList(`x509_${kind}`, OWNER, [Buffer.concat([createHash(kind).update(isWhole ? der : tbs).digest(), time])]);
  });
}

/** A last list that is broken, in some. */
function malform(random: SeededRandom, told: string[], variable: string): Uint8Array[] {
  if (!random.chance(0.1)) return [];
  const list = Buffer.from(encodeSignatureList("sha256", OWNER, [random.bytes(32)]));
  const how = random.pick(["claims too much", "other entry size", "cut off", "of an unknown type", "with a header"] as const);
  told.push(`${variable}: a last list that is ${how}`);
  if (how === "cut off") return [list.subarray(0, random.between(1, list.length - 1))];
  if (how === "claims too much") list.writeUInt32LE(list.length + 40, 16);
  if (how === "other entry size") list.writeUInt32LE(random.pick([15, 16, 40, 47, 49]), 24);
  if (how === "of an unknown type") list.writeUInt8(0, 0);
  if (how === "with a header") list.writeUInt32LE(8, 20);
  return [list];
}
