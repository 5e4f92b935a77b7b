import { isUtf8 } from "node:buffer";
import { hasFlags, NTLM } from "./ntlm-flags.ts";
import { NtlmError } from "./ntlm-error.ts";

/** The three messages of NTLM (MS-NLMP 2.2.1): bytes to fields and back, without any meaning. */

const signature = Buffer.from("NTLMSSP\0", "latin1");
const versionBytes = 8;
const challengeHeadBytes = 56;
const micOffset = 72;
export const micBytes = 16;
const authenticateHeadBytes = micOffset + micBytes;
// Flags are the last field that every client writes; names and version came later.
const negotiateBytesMin = 16;
const challengeBytesMin = 32;
const authenticateBytesMin = 64;

export function isNtlmMessage(bytes: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}

export interface OsVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

export function writeNegotiate(flags: number, version: OsVersion): Buffer {
  // Two empty names, as fields of eight bytes each.
  return Buffer.concat([head(1), uint32(flags), Buffer.alloc(16), writeVersion(version)]);
}

export function readNegotiate(bytes: Buffer): { readonly flags: number } {
  check(bytes, 1, negotiateBytesMin);
  return { flags: bytes.readUInt32LE(12) };
}

export interface Challenge {
  readonly flags: number;
  readonly serverChallenge: Buffer;
  readonly targetName: string;
  readonly targetInfo: Buffer;
}

export function writeChallenge({ flags, serverChallenge, targetName, targetInfo }: Challenge, version: OsVersion): Buffer {
  const name = writeText(targetName, flags);
  return Buffer.concat([
    head(2), field(name, challengeHeadBytes), uint32(flags), serverChallenge, Buffer.alloc(8), field(targetInfo, challengeHeadBytes + name.length), writeVersion(version), name, targetInfo,
  ]);
}

export function readChallenge(bytes: Buffer): Challenge {
  check(bytes, 2, challengeBytesMin);
  const flags = bytes.readUInt32LE(20);
  const hasInfo = hasFlags(flags, NTLM.targetInfo) && bytes.length >= 48;
  return { flags, serverChallenge: bytes.subarray(24, 32), targetName: readText(payload(bytes, 12), flags), targetInfo: hasInfo ? payload(bytes, 40) : Buffer.alloc(0) };
}

export interface Authenticate {
  readonly flags: number;
  readonly user: string;
  readonly domain: string;
  readonly workstation: string;
  readonly lmResponse: Buffer;
  readonly ntResponse: Buffer;
  readonly encryptedSessionKey: Buffer;
  /** Null where the message has no room for one. */
  readonly mic: Buffer | null;
}

export function writeAuthenticate(message: Omit<Authenticate, "mic">, version: OsVersion): Buffer {
  const { flags } = message;
  const parts = [message.lmResponse, message.ntResponse, writeText(message.domain, flags), writeText(message.user, flags), writeText(message.workstation, flags), message.encryptedSessionKey];
  const fields: Buffer[] = [];
  let offset = authenticateHeadBytes;
  for (const part of parts) {
    fields.push(field(part, offset));
    offset += part.length;
  }
  return Buffer.concat([head(3), ...fields, uint32(flags), writeVersion(version), Buffer.alloc(micBytes), ...parts]);
}

/** The same message with a MIC in place of the zeros (or zeros in place of the MIC). */
export function withMic(authenticate: Buffer, mic: Uint8Array): Buffer {
  const copy = Buffer.from(authenticate);
  copy.set(mic, micOffset);
  return copy;
}

export function readAuthenticate(bytes: Buffer): Authenticate {
  check(bytes, 3, authenticateBytesMin);
  const flags = bytes.readUInt32LE(60);
  const offsets = [12, 20, 28, 36, 44, 52];
  const [lmResponse, ntResponse, domain, user, workstation, encryptedSessionKey] = offsets.map((at) => payload(bytes, at)) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
  // The payload begins where the head ends, which tells the older, shorter heads.
  const headEnd = Math.min(bytes.length, ...offsets.filter((at) => bytes.readUInt16LE(at) > 0).map((at) => bytes.readUInt32LE(at + 4)));
  return {
    flags, lmResponse, ntResponse, domain: readText(domain, flags), user: readText(user, flags), workstation: readText(workstation, flags), encryptedSessionKey,
    mic: headEnd >= authenticateHeadBytes ? bytes.subarray(micOffset, micOffset + micBytes) : null,
  };
}

function check(bytes: Buffer, type: number, bytesMin: number): void {
  if (!isNtlmMessage(bytes) || bytes.length < bytesMin || bytes.readUInt32LE(8) !== type) throw new NtlmError(`The token is no NTLM message of type ${type}.`);
}

function head(type: number): Buffer {
  return Buffer.concat([signature, uint32(type)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function field(part: Buffer, offset: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(part.length, 0);
  bytes.writeUInt16LE(part.length, 2);
  bytes.writeUInt32LE(offset, 4);
  return bytes;
}

function payload(bytes: Buffer, at: number): Buffer {
  const [length, offset] = [bytes.readUInt16LE(at), bytes.readUInt32LE(at + 4)];
  if (length === 0) return Buffer.alloc(0);
  if (offset + length > bytes.length) throw new NtlmError("A field of the NTLM message reaches beyond it.");
  return bytes.subarray(offset, offset + length);
}

function writeVersion({ major, minor, build }: OsVersion): Buffer {
  const bytes = Buffer.alloc(versionBytes);
  bytes[0] = major;
  bytes[1] = minor;
  bytes.writeUInt16LE(build & 0xffff, 2);
  // NTLMSSP_REVISION_W2K3, the only one there is.
  bytes[7] = 15;
  return bytes;
}

/** Who does not speak Unicode writes bytes of a code page that nobody names: UTF-8 if they are that, else Latin-1. */
function readText(bytes: Buffer, flags: number): string {
  if (hasFlags(flags, NTLM.unicode)) return bytes.toString("utf16le");
  return bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
}

function writeText(text: string, flags: number): Buffer {
  return Buffer.from(text, hasFlags(flags, NTLM.unicode) ? "utf16le" : "latin1");
}
