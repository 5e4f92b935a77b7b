import { type DataSource, decodeHex } from "./certificate-data.ts";
import revocationsFile from "./data/revocations.json" with { type: "json" };

/** A program that Microsoft has revoked by its Authenticode SHA-256 (x64). */
export interface Revocation {
  readonly sha256: string;
  /** Day on which Microsoft listed it, as YYYY-MM-DD. */
  readonly addedOn: string;
  /** Common name of the authority that had signed it; null where Microsoft does not say. */
  readonly authority: string | null;
  readonly product: string | null;
}

/** A list as somebody carries it: every published revocation up to a day. */
export interface RevocationList {
  readonly id: string;
  readonly entries: number;
  readonly addedUntil: string;
  readonly sources: readonly DataSource[];
}

/** One of Microsoft's releases of dbx. `addedUntil` null: its number of hashes is known, what it held is not. */
export interface DbxRelease {
  readonly date: string;
  readonly entries: number;
  readonly addedUntil: string | null;
  readonly source: DataSource;
}

/** The least version of a Windows boot program that Windows itself still starts. It lies in dbx as an entry that no firmware matches. */
export interface MinimumVersion {
  readonly program: string;
  readonly version: string;
  readonly value: string;
  readonly changedOn: string;
}

/** Every published revocation, oldest first. */
export const revocations: readonly Revocation[] = revocationsFile.hashes;
export const revocationLists: readonly RevocationList[] = revocationsFile.lists;
export const dbxReleases: readonly DbxRelease[] = revocationsFile.releases;
export const minimumVersions: readonly MinimumVersion[] = revocationsFile.minimumVersions;

const byHash: ReadonlyMap<string, Revocation> = new Map(revocations.map((item) => [item.sha256, item]));

/** What is known of a revoked program; undefined when Microsoft has published nothing of it. */
export function revocationOf(sha256: string): Revocation | undefined {
  return byHash.get(sha256.toLowerCase());
}

/** The hashes that Microsoft had published by a day (YYYY-MM-DD), that day included. */
export function revocationHashesUntil(day: string): readonly Uint8Array[] {
  return revocations.filter(({ addedOn }) => addedOn <= day).map(({ sha256 }) => decodeHex(sha256));
}

/** The hashes of one of `revocationLists`. Throws `RangeError` for a name that is not there. */
export function revocationHashes(id: string): readonly Uint8Array[] {
  const list = revocationLists.find((item) => item.id === id);
  if (list === undefined) throw new RangeError(`The trust data holds no revocation list "${id}".`);
  return revocationHashesUntil(list.addedUntil);
}
