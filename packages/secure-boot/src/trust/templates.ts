import { encodeSignatureList, joinSignatureLists } from "../signature-lists.ts";
import { type DataSource, certificateById } from "./certificate-data.ts";
import templatesFile from "./data/templates.json" with { type: "json" };
import { revocationHashes, revocationHashesUntil } from "./revocations.ts";
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

const templates: readonly TrustTemplate[] = records.flatMap((record) => (record.id === null ? [] : [{ name: record.name, id: record.id, description: record.description, contentsKnown: record.contents !== null, variables: variablesOf(record), provenance: record.sources }]));

/** Without a day, dbx is what the published template holds; with one, every revocation that Microsoft had published by then. */
function variablesOf({ contents, owner }: TemplateRecord, day?: string): TrustVariables {
  if (contents === null) return absent;
  const revoked = day === undefined ? revocationHashes(contents.dbx) : revocationHashesUntil(day);
  const certificates = (ids: readonly string[]): Uint8Array => joinSignatureLists(ids.map((id) => encodeSignatureList("x509", owner, [certificateById(id).der])));
  return { PK: certificates(contents.PK), KEK: certificates(contents.KEK), db: certificates(contents.db), dbx: revoked.length === 0 ? null : encodeSignatureList("sha256", owner, revoked), dbt: null };
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
  return namedTrusts;
}

const trustOf = (record: TemplateRecord, name: string, day?: string): Trust =>
  ({ name, secureBootEnabled: true, variables: variablesOf(record, day), shimVariables: {}, thumbprints: { db: [], dbx: [] }, contentsKnown: record.contents !== null });
const namedTrusts: readonly Trust[] = records.map((record) => trustOf(record, record.name));

/**
 * One of `listNamedTrusts` by name (whatever the case), or a template by GUID. `NAME@YYYY-MM-DD` is the same with every revocation that
 * Microsoft had published by that day: what a machine has that takes all updates.
 */
export function trustByName(nameOrGuid: string): Trust | undefined {
  const [base = "", day] = nameOrGuid.split("@");
  const name = (templateById(base)?.name ?? base).toLowerCase();
  if (day === undefined) return namedTrusts.find((trust) => trust.name.toLowerCase() === name);
  const record = records.find((item) => item.name.toLowerCase() === name);
  return record === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day) ? undefined : trustOf(record, `${record.name}@${day}`, day);
}
