import { type Certificate, parseCertificate } from "../authenticode/certificate.ts";
import { hasValidSignerSignatures, isTrustedBy, parseSignedData, type SignedData } from "../authenticode/signed-data.ts";
import { guidBytes } from "../guid.ts";
import { encodeSignatureList, joinSignatureLists, type SignatureList, walkSignatureLists } from "../signature-lists.ts";
import { type AuthenticatedUpdate, readAuthenticatedUpdate } from "./authenticated-update.ts";
import type { Trust } from "./trust.ts";
import { globalVendor, imageSecurityVendor } from "./variable-store.ts";

/** Variables that a signed update may change, and whose keys must have signed it (UEFI 2.10, 32.3.5). */
const authorities = { KEK: "PK", db: "KEK", dbx: "KEK", dbt: "KEK" } as const;
export type UpdatableVariable = keyof typeof authorities;
export const updatableVariables = Object.keys(authorities) as readonly UpdatableVariable[];

export type UpdateProblemCode = "SB-UPDATE-FORMAT" | "SB-UPDATE-NOT-SIGNED" | "SB-UPDATE-NO-AUTHORITY";

/** An update that the machine would not take. */
export class UpdateError extends Error {
  override readonly name = "UpdateError";
  readonly code: UpdateProblemCode;

  constructor(code: UpdateProblemCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface AppliedUpdate {
  readonly trust: Trust;
  /** Entries that the variable did not have before. */
  readonly added: number;
  readonly alreadyThere: number;
  /** Whether the update adds to the variable or replaces it: part of what is signed. */
  readonly mode: "append" | "replace";
  /** Who signed it. */
  readonly authority: string;
}

/** Non-volatile, boot service, runtime, time-based authenticated; and the same with APPEND_WRITE. */
const REPLACE = 0x27;
const APPEND = 0x67;
const SIGNED_DATA_OBJECT_ID = Uint8Array.of(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02);

/**
 * Does to a trust what a machine does with an authenticated update (`.auth`, DBXUpdate.bin): verifies its signature against the keys of
 * PK or KEK (EDK2 AuthService.c, VerifyTimeBasedPayload: SHA-256, over name, vendor, attributes, time and lists), then adds or replaces.
 * Which variable an update is for is not in the file but in what is signed. Throws `UpdateError` when the machine would refuse it.
 */
export function applyUpdate(trust: Trust, bytes: Uint8Array, variable: UpdatableVariable): AppliedUpdate {
  const update = readAuthenticatedUpdate(bytes);
  if (update === null) throw new UpdateError("SB-UPDATE-FORMAT", "The file is no authenticated update: it does not begin with a time and a certificate structure. Give the .auth file or DBXUpdate.bin as it was published.");
  const signed = parseSignedData(asContentInfo(update.signature));
  if (signed === null || !signed.digests.includes("sha256")) throw new UpdateError("SB-UPDATE-FORMAT", "The update's signature is no PKCS#7 SignedData with SHA-256.");
  const { mode, authority } = verify(trust, update, signed, variable);
  const before = mode === "replace" ? new Uint8Array(0) : (trust.variables[variable] ?? new Uint8Array(0));
  const { lists, added, alreadyThere } = withoutKnown(before, update.payload);
  return { trust: { ...trust, variables: { ...trust.variables, [variable]: joinSignatureLists([before, ...lists]) } }, added, alreadyThere, mode, authority };
}

function verify(trust: Trust, update: AuthenticatedUpdate, signed: SignedData, variable: UpdatableVariable): { mode: AppliedUpdate["mode"]; authority: string } {
  const crypto = { ellipticCurves: true };
  const mode = ([["append", APPEND], ["replace", REPLACE]] as const).find(([, attributes]) => hasValidSignerSignatures({ ...signed, content: signedBytes(update, variable, attributes) }, crypto))?.[0];
  if (mode === undefined) throw new UpdateError("SB-UPDATE-NOT-SIGNED", `The update's signature does not fit the variable ${variable}: it was made for another variable, or the file was changed.`);
  const keys = certificatesIn(trust.variables[authorities[variable]]);
  const authority = keys.find((key) => isTrustedBy(signed, key, crypto));
  if (authority === undefined) {
    const signer = signed.certificates[0]?.issuerText ?? signed.signers[0]?.issuer ?? "nobody";
    throw new UpdateError("SB-UPDATE-NO-AUTHORITY", `The update is signed under "${signer}", which is not among the ${keys.length} keys of ${authorities[variable]} in ${trust.name}: a machine with these keys refuses it.`);
  }
  return { mode, authority: authority.subjectText };
}

function signedBytes({ time, payload }: AuthenticatedUpdate, variable: UpdatableVariable, attributes: number): Uint8Array {
  const name = Uint8Array.from([...variable].flatMap((letter) => [letter.charCodeAt(0), 0]));
  const vendor = guidBytes(variable === "KEK" ? globalVendor : imageSecurityVendor);
  return joinSignatureLists([name, vendor, Uint8Array.of(attributes, 0, 0, 0), time, payload]);
}

/** Microsoft's updates carry bare SignedData. */
function asContentInfo(blob: Uint8Array): Uint8Array {
  // A ContentInfo begins with its object identifier, SignedData with its version.
  const lengthBytes = (blob[1] ?? 0) < 0x80 ? 0 : (blob[1] ?? 0) & 0x7f;
  if (blob[2 + lengthBytes] === SIGNED_DATA_OBJECT_ID[0]) return blob;
  return element(0x30, joinSignatureLists([SIGNED_DATA_OBJECT_ID, element(0xa0, blob)]));
}

function element(tag: number, content: Uint8Array): Uint8Array {
  return joinSignatureLists([Uint8Array.of(tag, 0x84, content.length >>> 24, (content.length >>> 16) & 0xff, (content.length >>> 8) & 0xff, content.length & 0xff), content]);
}

function certificatesIn(variable: Uint8Array | null): readonly Certificate[] {
  return walkSignatureLists(variable ?? new Uint8Array(0)).lists.filter(({ kind }) => kind === "x509").flatMap(({ entries }) => entries.flatMap(({ data }) => parseCertificate(data) ?? []));
}

/** FilterSignatureList of AuthService.c: entries that are there already are left out. */
function withoutKnown(before: Uint8Array, payload: Uint8Array): { lists: readonly Uint8Array[]; added: number; alreadyThere: number } {
  const keyOf = ({ typeGuid }: SignatureList, data: Uint8Array): string => `${typeGuid} ${Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const known = new Set(walkSignatureLists(before).lists.flatMap((list) => list.entries.map(({ data }) => keyOf(list, data))));
  let added = 0;
  let alreadyThere = 0;
  const lists = walkSignatureLists(payload).lists.flatMap((list) => {
    const fresh = list.entries.filter(({ data }) => !known.has(keyOf(list, data)));
    added += fresh.length;
    alreadyThere += list.entries.length - fresh.length;
    const [first] = fresh;
    return first === undefined || list.kind === "other" ? [] : [encodeSignatureList(list.kind, first.owner, fresh.map(({ data }) => data))];
  });
  return { lists, added, alreadyThere };
}
