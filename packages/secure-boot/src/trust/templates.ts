import { encodeSignatureList, joinSignatureLists } from "../signature-lists.ts";
import { type DataSource, certificateById, decodeHex } from "./certificate-data.ts";
import revocationsFile from "./data/revocations.json" with { type: "json" };
import templatesFile from "./data/templates.json" with { type: "json" };
import type { Trust, TrustVariables } from "./trust.ts";

/** What a Hyper-V Secure Boot template puts into the firmware of a new machine. */
export interface TrustTemplate {
  readonly name: string;
  /** Lower-case GUID, Hyper-V's SecureBootTemplateId. */
  readonly id: string;
  readonly description: string;
  /** False where Microsoft has published the template's name but not what it trusts: then every variable is null. */
  readonly contentsKnown: boolean;
  readonly variables: TrustVariables;
  readonly provenance: readonly DataSource[];
}

interface TemplateRecord {
  readonly name: string;
  readonly id: string | null;
  readonly description: string;
  readonly owner: string;
  readonly sources: readonly DataSource[];
  readonly contents: { readonly PK: readonly string[]; readonly KEK: readonly string[]; readonly db: readonly string[]; readonly dbx: string } | null;
}

const records: readonly TemplateRecord[] = templatesFile.templates;
const absent: TrustVariables = { PK: null, KEK: null, db: null, dbx: null, dbt: null };

/** Names of the revocation lists that the product carries, with their number of hashes and where they come from. */
export const revocationLists: readonly { readonly id: string; readonly entries: number; readonly sources: readonly DataSource[] }[] = revocationsFile.lists.map(({ id, entries, sources }) => ({ id, entries, sources }));

const templates: readonly TrustTemplate[] = records.flatMap((record) => (record.id === null ? [] : [{ name: record.name, id: record.id, description: record.description, contentsKnown: record.contents !== null, variables: variablesOf(record), provenance: record.sources }]));

function variablesOf({ contents, owner }: TemplateRecord): TrustVariables {
  if (contents === null) return absent;
  const certificates = (ids: readonly string[]): Uint8Array => joinSignatureLists(ids.map((id) => encodeSignatureList("x509", owner, [certificateById(id).der])));
  return { PK: certificates(contents.PK), KEK: certificates(contents.KEK), db: certificates(contents.db), dbx: encodeSignatureList("sha256", owner, revocationHashes(contents.dbx)), dbt: null };
}

/** The image hashes of one of `revocationLists`. Throws `RangeError` for a name that is not there. */
export function revocationHashes(id: string): readonly Uint8Array[] {
  const list = revocationsFile.lists.find((item) => item.id === id);
  if (list === undefined) throw new RangeError(`The trust data holds no revocation list "${id}".`);
  return list.hashes.map(decodeHex);
}

/** Hyper-V's templates: those that have a GUID and can be chosen for a machine. */
export function listTemplates(): readonly TrustTemplate[] {
  return templates;
}

/** Finds a template by its name, whatever the case. */
export function templateByName(name: string): TrustTemplate | undefined {
  return templates.find((template) => template.name.toLowerCase() === name.toLowerCase());
}

/** Finds a template by its GUID, whatever the case, with or without braces. */
export function templateById(guid: string): TrustTemplate | undefined {
  const id = guid.toLowerCase().replace(/^\{|\}$/g, "");
  return templates.find((template) => template.id === id);
}

/** Every named state of trust that the product carries: the templates, and the variants for confidential machines. */
export function listNamedTrusts(): readonly Trust[] {
  return records.map((record) => ({ name: record.name, secureBootEnabled: true, variables: variablesOf(record), shimVariables: {}, thumbprints: { db: [], dbx: [] }, contentsKnown: record.contents !== null }));
}

/** One of `listNamedTrusts` by name (whatever the case), or a template by GUID. */
export function trustByName(nameOrGuid: string): Trust | undefined {
  const name = (templateById(nameOrGuid)?.name ?? nameOrGuid).toLowerCase();
  return listNamedTrusts().find((trust) => trust.name.toLowerCase() === name);
}
