import { guidBytes, readGuid } from "./guid.ts";

/** Kinds of EFI_SIGNATURE_LIST that firmware acts upon (UEFI 2.10, 32.4.1); all others are walked over. */
export type SignatureKind = "x509" | "sha1" | "sha256" | "sha384" | "sha512" | "x509_sha256" | "x509_sha384" | "x509_sha512" | "other";

export interface SignatureEntry {
  /** Owner GUID, lower case. Firmware ignores it. */
  readonly owner: string;
  /** Everything behind the owner: DER, a hash, or a hash and an EFI_TIME. */
  readonly data: Uint8Array;
}

export interface SignatureList {
  readonly kind: SignatureKind;
  readonly typeGuid: string;
  /** Size of one entry with its owner. */
  readonly signatureSizeBytes: number;
  readonly entries: readonly SignatureEntry[];
}

export interface SignatureWalk {
  readonly lists: readonly SignatureList[];
  /** Bytes behind the last list that firmware reaches. More than none means the variable is malformed there. */
  readonly unreachedBytes: number;
  /** A list claims to be smaller than its own header. EDK2 does not check that: at a size of zero it walks on the spot for ever. */
  readonly isEndless: boolean;
}

const LIST_HEADER_BYTES = 28;
const OWNER_BYTES = 16;

export const signatureTypeGuids: Readonly<Record<Exclude<SignatureKind, "other">, string>> = {
  x509: "a5c059a1-94e4-4aa7-87b5-ab155c2bf072",
  sha1: "826ca512-cf10-4ac9-b187-be01496631bd",
  sha256: "c1c41626-504c-4092-aca9-41f936934328",
  sha384: "ff3e5307-9fd0-48c9-85f1-8ad56c701e01",
  sha512: "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a",
  x509_sha256: "3bd2a492-96c0-4079-b420-fcf98ef103ed",
  x509_sha384: "7076876e-80c2-4ee6-aad2-28b349a6865b",
  x509_sha512: "446dbf63-2502-4cda-bcfa-2465d2b0fe9d",
};

const kindByGuid: ReadonlyMap<string, SignatureKind> = new Map(Object.entries(signatureTypeGuids).map(([kind, guid]) => [guid, kind as SignatureKind]));

/**
 * Walks the data of a db-like variable exactly as EDK2's DxeImageVerificationLib does: by SignatureListSize, as long as the list fits
 * what is left. A list that claims more, or nothing, ends the walk without an error. Never throws; the entries are views into `bytes`.
 */
export function walkSignatureLists(bytes: Uint8Array): SignatureWalk {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lists: SignatureList[] = [];
  let offset = 0;
  let isEndless = false;
  while (bytes.length - offset >= LIST_HEADER_BYTES) {
    const listSizeBytes = view.getUint32(offset + 16, true);
    isEndless = listSizeBytes < LIST_HEADER_BYTES;
    if (isEndless || listSizeBytes > bytes.length - offset) break;
    lists.push(readList(bytes.subarray(offset, offset + listSizeBytes), view.getUint32(offset + 20, true), view.getUint32(offset + 24, true)));
    offset += listSizeBytes;
  }
  return { lists, unreachedBytes: bytes.length - offset, isEndless };
}

function readList(list: Uint8Array, headerSizeBytes: number, signatureSizeBytes: number): SignatureList {
  const typeGuid = readGuid(list, 0);
  const kind = kindByGuid.get(typeGuid) ?? "other";
  const entries: SignatureEntry[] = [];
  if (signatureSizeBytes >= OWNER_BYTES) {
    for (let offset = LIST_HEADER_BYTES + headerSizeBytes; offset + signatureSizeBytes <= list.length; offset += signatureSizeBytes) {
      entries.push({ owner: readGuid(list, offset), data: list.subarray(offset + OWNER_BYTES, offset + signatureSizeBytes) });
    }
  }
  return { kind, typeGuid, signatureSizeBytes, entries };
}

/**
 * One EFI_SIGNATURE_LIST without a list header. All entries must be of one length, which is why each certificate has a list of its own.
 * Throws `RangeError` when there is no entry or when their lengths differ.
 */
export function encodeSignatureList(kind: Exclude<SignatureKind, "other">, owner: string, entries: readonly Uint8Array[]): Uint8Array {
  const dataSizeBytes = entries[0]?.length;
  if (dataSizeBytes === undefined) throw new RangeError("A signature list needs at least one entry.");
  if (entries.some((entry) => entry.length !== dataSizeBytes)) throw new RangeError("All entries of a signature list must have one length; write one list for each length.");
  const signatureSizeBytes = OWNER_BYTES + dataSizeBytes;
  const bytes = new Uint8Array(LIST_HEADER_BYTES + entries.length * signatureSizeBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(guidBytes(signatureTypeGuids[kind]), 0);
  view.setUint32(16, bytes.length, true);
  view.setUint32(24, signatureSizeBytes, true);
  const ownerBytes = guidBytes(owner);
  entries.forEach((entry, index) => {
    const offset = LIST_HEADER_BYTES + index * signatureSizeBytes;
    bytes.set(ownerBytes, offset);
    bytes.set(entry, offset + OWNER_BYTES);
  });
  return bytes;
}

/** The lists one after the other: the data of a variable. */
export function joinSignatureLists(lists: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lists.reduce((sum, list) => sum + list.length, 0));
  let offset = 0;
  for (const list of lists) {
    bytes.set(list, offset);
    offset += list.length;
  }
  return bytes;
}
