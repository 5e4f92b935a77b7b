import { createHash, createHmac } from "node:crypto";
import { md4 } from "./md4.ts";
import { hasFlags, NTLM } from "./ntlm-flags.ts";

/** All that follows from a password and a challenge (MS-NLMP 3.3.2 and 3.4.5), as functions without state. Keys live in memory only. */

export const ntHashBytes = 16;

/** NTOWFv1: as good as the password itself for whoever has it. */
export function ntHash(password: string): Buffer {
  return md4(Buffer.from(password, "utf16le"));
}

/** NTOWFv2. The domain counts as it is sent, the user without case. */
export function responseKey(hash: Uint8Array, user: string, domain: string): Buffer {
  return hmacMd5(hash, Buffer.from(upperCase(user) + domain, "utf16le"));
}

/** NTProofStr over the server's challenge and what the client adds. */
export function ntProof(key: Uint8Array, serverChallenge: Uint8Array, clientBlob: Uint8Array): Buffer {
  return hmacMd5(key, serverChallenge, clientBlob);
}

/** LMv2_RESPONSE, sent only to servers that tell no time. */
export function lmResponse(key: Uint8Array, serverChallenge: Uint8Array, clientChallenge: Uint8Array): Buffer {
  return Buffer.concat([hmacMd5(key, serverChallenge, clientChallenge), clientChallenge]);
}

/** SessionBaseKey, which is the key exchange key in NTLMv2 (3.4.5.1). */
export function sessionBaseKey(key: Uint8Array, proof: Uint8Array): Buffer {
  return hmacMd5(key, proof);
}

/** The MIC over the three messages, the last with zeros in its place (3.1.5.1.2). */
export function messageIntegrityCode(exportedKey: Uint8Array, ...messages: readonly Uint8Array[]): Buffer {
  return hmacMd5(exportedKey, ...messages);
}

export type Direction = "client-to-server" | "server-to-client";

/** SIGNKEY (3.4.5.2). */
export function signingKey(exportedKey: Uint8Array, direction: Direction): Buffer {
  return md5(exportedKey, Buffer.from(`session key to ${direction} signing key magic constant\0`));
}

/** SEALKEY with extended session security (3.4.5.3): older parties get fewer bits. */
export function sealingKey(exportedKey: Uint8Array, flags: number, direction: Direction): Buffer {
  const strengthBytes = hasFlags(flags, NTLM.key128) ? 16 : hasFlags(flags, NTLM.key56) ? 7 : 5;
  return md5(exportedKey.subarray(0, strengthBytes), Buffer.from(`session key to ${direction} sealing key magic constant\0`));
}

export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac("md5", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** As Windows does it, one UTF-16 unit at a time: ß stays ß, and no letter becomes an ASCII one. */
function upperCase(text: string): string {
  return Array.from({ length: text.length }, (_, index) => {
    const unit = text.charAt(index);
    const upper = unit.toUpperCase();
    return upper.length === 1 && (unit < "\u0080" || upper >= "\u0080") ? upper : unit;
  }).join("");
}
