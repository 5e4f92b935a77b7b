import { encodeSignatureList, joinSignatureLists } from "../signature-lists.ts";
import { certificateBySha256, decodeBase64, decodeHex } from "./certificate-data.ts";
import { readAuthenticatedUpdate } from "./authenticated-update.ts";
import { type ShimVariable, type Trust, type TrustVariables, trustVariableNames } from "./trust.ts";
import { type EfiVariable, globalVendor, imageSecurityVendor, isFirmwareVolume, readVariableStore, secureBootEnableVendor, shimVendor, VariableStoreError } from "./variable-store.ts";

export type TrustFileCode = "SB-TRUST-FILE-SIZE" | "SB-TRUST-FILE-FORMAT" | "SB-TRUST-FILE-FIELD";

/** A trust file that cannot be used. The message names the field, its value and the remedy. */
export class TrustFileError extends Error {
  override readonly name = "TrustFileError";
  readonly code: TrustFileCode;

  constructor(code: TrustFileCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

type Json = Readonly<Record<string, unknown>>;
type HashKind = "sha1" | "sha256" | "sha384" | "sha512";

/** Firmware keeps variables in a store of some hundred KiB; forty times that is no trust state. */
const TRUST_FILE_BYTES_MAX = 16 * 1024 * 1024;
/** Entries of our own making carry this owner: all zero, as firmware ignores it. */
const NO_OWNER = "00000000-0000-0000-0000-000000000000";
const HASH_BYTES: Readonly<Record<HashKind, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

/**
 * Reads a state of trust from a file: the JSON of docs/formats/trust-file.md (entries one by one, or raw variables), Microsoft's template
 * JSON, a firmware's variable store (OVMF_VARS*.fd), EFI signature lists (`.esl`) or an authenticated update (`.auth`, DBXUpdate.bin). A
 * list alone becomes db, or dbx where the file's name says so. `name` names the trust where the file does not. Throws `TrustFileError`.
 */
export function parseTrustFile(content: string | Uint8Array, name: string): Trust {
  if (content.length > TRUST_FILE_BYTES_MAX) throw new TrustFileError("SB-TRUST-FILE-SIZE", `${name} has ${content.length} bytes; a trust file has at most ${TRUST_FILE_BYTES_MAX}.`);
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  if (/^\s*\{/.test(text)) return fromJson(parseJson(text, name), name);
  if (typeof content === "string") throw new TrustFileError("SB-TRUST-FILE-FORMAT", `${name} is text but not a JSON object. Give a trust file, signature lists (.esl) or an update (.auth).`);
  if (isFirmwareVolume(content)) return fromStore(content, name);
  return fromLists(readAuthenticatedUpdate(content)?.payload ?? content, name);
}

/** The store of a machine that was switched off: what its firmware would find at the next start. */
function fromStore(content: Uint8Array, name: string): Trust {
  const variables = readStore(content, name);
  const find = (variable: string, vendor: string): EfiVariable | undefined => variables.find((item) => item.name === variable && item.vendor === vendor);
  const data = (variable: string, vendor: string): Uint8Array | null => find(variable, vendor)?.data ?? null;
  const found: TrustVariables = { PK: data("PK", globalVendor), KEK: data("KEK", globalVendor), db: data("db", imageSecurityVendor), dbx: data("dbx", imageSecurityVendor), dbt: data("dbt", imageSecurityVendor) };
  const shim = variables.filter(({ vendor }) => vendor === shimVendor).map((item) => [item.name, { attributes: item.attributes, data: item.data }] as const);
  // In user mode a missing switch is made, and made 1 (AuthVariableLib.c).
  const isSwitchedOn = data("SecureBootEnable", secureBootEnableVendor)?.[0] !== 0;
  return { ...emptyTrust(name), secureBootEnabled: found.PK !== null && found.PK.length > 0 && isSwitchedOn, variables: found, shimVariables: Object.fromEntries(shim) };
}

function readStore(content: Uint8Array, name: string): readonly EfiVariable[] {
  try {
    return readVariableStore(content);
  } catch (error) {
    if (!(error instanceof VariableStoreError)) throw error;
    throw new TrustFileError("SB-TRUST-FILE-FORMAT", `${name} cannot be read as a variable store: ${error.message}`, { cause: error });
  }
}

function parseJson(text: string, name: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new TrustFileError("SB-TRUST-FILE-FORMAT", `${name} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

function fromLists(bytes: Uint8Array, name: string): Trust {
  const isDbx = /dbx/i.test(name.replace(/^.*[/\\]/, ""));
  return { ...emptyTrust(name), variables: { PK: null, KEK: null, db: isDbx ? null : bytes, dbx: isDbx ? bytes : null, dbt: null } };
}

/** Without a word about a platform key the file is taken as a machine in user mode: nobody writes one for a machine that checks nothing. */
const emptyTrust = (name: string): Trust => ({ name, secureBootEnabled: true, variables: { PK: null, KEK: null, db: null, dbx: null, dbt: null }, shimVariables: {}, thumbprints: { db: [], dbx: [] }, contentsKnown: true });

function fromJson(document: Json, fallbackName: string): Trust {
  const name = typeof document["name"] === "string" ? document["name"] : fallbackName;
  if (isObject(document["variables"])) return fromVariables(document, document["variables"], name);
  const properties = document["properties"];
  if (isObject(properties) && isObject(properties["uefiSettings"])) return fromTemplateJson(properties["uefiSettings"], name);
  if (!["pk", "kek", "db", "dbx", "dbt"].some((field) => field in document)) {
    throw new TrustFileError("SB-TRUST-FILE-FORMAT", `${name} has neither "variables" nor any of "pk", "kek", "db", "dbx", "dbt". See docs/formats/trust-file.md.`);
  }
  return fromEntries(document, name);
}

function fromVariables(document: Json, variables: Json, name: string): Trust {
  const read = (variable: (typeof trustVariableNames)[number]): Uint8Array | null => optionalBase64(variables[variable], `variables.${variable}`);
  const found: TrustVariables = { PK: read("PK"), KEK: read("KEK"), db: read("db"), dbx: read("dbx"), dbt: read("dbt") };
  const enabled = optionalBoolean(document["secureBootEnabled"], "secureBootEnabled") ?? true;
  // A machine without a platform key is in setup mode, where firmware checks nothing (UEFI 2.10, 32.3).
  return { ...emptyTrust(name), secureBootEnabled: enabled && found.PK !== null && found.PK.length > 0, variables: found, shimVariables: readShimVariables(document["shimVariables"]) };
}

function readShimVariables(value: unknown): Record<string, ShimVariable> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw fieldError("shimVariables", value, "an object of base64 values");
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (typeof item === "string") return [name, { attributes: null, data: base64(item, `shimVariables.${name}`) }];
      if (isObject(item) && typeof item["data"] === "string") {
        return [name, { attributes: typeof item["attributes"] === "number" ? item["attributes"] : null, data: base64(item["data"], `shimVariables.${name}.data`) }];
      }
      throw fieldError(`shimVariables.${name}`, item, "base64, or {\"attributes\": number, \"data\": base64}");
    }),
  );
}

function fromEntries(document: Json, name: string): Trust {
  const thumbprints = { db: [] as string[], dbx: [] as string[] };
  const certificates = (field: string): Uint8Array | null => {
    const items = array(document[field], field);
    return items === null ? null : joinSignatureLists(items.map((item, index) => encodeSignatureList("x509", NO_OWNER, [base64(item, `${field}[${index}]`)])));
  };
  const entries = (field: "db" | "dbx" | "dbt"): Uint8Array | null => {
    const items = array(document[field], field);
    return items === null ? null : joinSignatureLists(items.flatMap((item, index) => encodeEntry(item, `${field}[${index}]`, field === "dbt" ? null : thumbprints[field])));
  };
  const variables: TrustVariables = { PK: certificates("pk"), KEK: certificates("kek"), db: entries("db"), dbx: entries("dbx"), dbt: entries("dbt") };
  const enabled = optionalBoolean(document["secureBootEnabled"], "secureBootEnabled") ?? true;
  const level = document["sbat"];
  if (level !== undefined && level !== null && typeof level !== "string") throw fieldError("sbat", level, "the text of the SBAT level, or null");
  return {
    ...emptyTrust(name),
    secureBootEnabled: enabled && !(variables.PK !== null && variables.PK.length === 0),
    variables,
    shimVariables: typeof level === "string" ? { SbatLevel: { attributes: null, data: new TextEncoder().encode(level) } } : {},
    thumbprints,
  };
}

/** The signature list of one entry; none where only a thumbprint is known, which then goes into `thumbprints`. */
function encodeEntry(item: unknown, field: string, thumbprints: string[] | null): Uint8Array[] {
  if (!isObject(item)) throw fieldError(field, item, "an object with \"type\" and \"value\"");
  const type = item["type"];
  if (type === "x509" && typeof item["sha256"] === "string") return encodeThumbprint(item["sha256"].toLowerCase(), field, thumbprints);
  if (type === "x509") return [encodeSignatureList("x509", NO_OWNER, [base64(item["value"], `${field}.value`)])];
  if (type === "sha1" || type === "sha256" || type === "sha384" || type === "sha512") return [encodeSignatureList(type, NO_OWNER, [hash(item["value"], type, `${field}.value`)])];
  if (type === "x509_sha256" || type === "x509_sha384" || type === "x509_sha512") {
    const digest = hash(item["value"], type.slice("x509_".length) as HashKind, `${field}.value`);
    return [encodeSignatureList(type, NO_OWNER, [joinSignatureLists([digest, efiTime(item["revokedAt"], `${field}.revokedAt`)])])];
  }
  throw fieldError(`${field}.type`, type, "x509, sha1, sha256, sha384, sha512, x509_sha256, x509_sha384 or x509_sha512");
}

function encodeThumbprint(sha256: string, field: string, thumbprints: string[] | null): Uint8Array[] {
  hash(sha256, "sha256", `${field}.sha256`);
  const known = certificateBySha256(sha256);
  if (known !== undefined) return [encodeSignatureList("x509", NO_OWNER, [known.der])];
  if (thumbprints === null) throw fieldError(`${field}.sha256`, sha256, "a certificate with its \"value\"; a thumbprint is not enough in dbt");
  thumbprints.push(sha256);
  return [];
}

/** EFI_TIME of an ISO date (UEFI 2.10, 8.3), all zero where none is given: revoked whatever the time of signing. */
function efiTime(value: unknown, field: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (value === undefined || value === null) return bytes;
  const date = new Date(typeof value === "string" ? value : Number.NaN);
  if (Number.isNaN(date.getTime())) throw fieldError(field, value, "a date such as 2026-01-31T00:00:00Z");
  const view = new DataView(bytes.buffer);
  view.setUint16(0, date.getUTCFullYear(), true);
  bytes.set([date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()], 2);
  return bytes;
}

/** Microsoft's JSON for Azure disks and for OpenVMM: `signatures` or `additionalSignatures`, values in base64. */
function fromTemplateJson(settings: Json, name: string): Trust {
  const signatures = settings["signatures"] ?? settings["additionalSignatures"];
  if (!isObject(signatures)) throw fieldError("properties.uefiSettings.signatures", signatures, "an object with PK, KEK, db and dbx");
  const lists = (variable: string): Uint8Array | null => {
    const value = signatures[variable] ?? signatures[variable.toLowerCase()];
    if (value === undefined || value === null) return null;
    return joinSignatureLists((Array.isArray(value) ? value : [value]).flatMap((group, index) => encodeGroup(group, `${variable}[${index}]`)));
  };
  const variables: TrustVariables = { PK: lists("PK"), KEK: lists("KEK"), db: lists("db"), dbx: lists("dbx"), dbt: null };
  return { ...emptyTrust(name), variables };
}

function encodeGroup(group: unknown, field: string): Uint8Array[] {
  if (!isObject(group)) throw fieldError(field, group, "an object with \"type\" and \"value\"");
  const values = (Array.isArray(group["value"]) ? group["value"] : [group["value"]]).map((value, index) => base64(value, `${field}.value[${index}]`));
  if (group["type"] === "x509") return values.map((value) => encodeSignatureList("x509", NO_OWNER, [value]));
  if (group["type"] === "sha256") return values.length === 0 ? [] : [encodeSignatureList("sha256", NO_OWNER, values)];
  throw fieldError(`${field}.type`, group["type"], "x509 or sha256");
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

function fieldError(field: string, value: unknown, expected: string): TrustFileError {
  return new TrustFileError("SB-TRUST-FILE-FIELD", `${field} is ${(JSON.stringify(value) ?? "missing").slice(0, 80)}; it must be ${expected}.`);
}

function array(value: unknown, field: string): readonly unknown[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw fieldError(field, value, "a list");
  return value;
}

function base64(value: unknown, field: string): Uint8Array {
  if (typeof value !== "string") throw fieldError(field, value, "base64");
  try {
    return decodeBase64(value);
  } catch {
    throw fieldError(field, value, "base64");
  }
}

const optionalBase64 = (value: unknown, field: string): Uint8Array | null => (value === undefined || value === null ? null : base64(value, field));

function optionalBoolean(value: unknown, field: string): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw fieldError(field, value, "true or false");
}

function hash(value: unknown, kind: HashKind, field: string): Uint8Array {
  if (typeof value !== "string" || !/^[0-9a-fA-F]*$/.test(value) || value.length !== HASH_BYTES[kind] * 2) throw fieldError(field, value, `${HASH_BYTES[kind] * 2} hex digits`);
  return decodeHex(value);
}
