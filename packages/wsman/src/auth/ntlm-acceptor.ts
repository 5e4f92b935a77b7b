import { randomBytes, timingSafeEqual } from "node:crypto";
import { localAccountName } from "./account-name.ts";
import { hasFlags, NTLM, sealingFlags } from "./ntlm-flags.ts";
import { messageIntegrityCode, ntHash, ntHashBytes, ntProof, responseKey, sessionBaseKey } from "./ntlm-keys.ts";
import { type Authenticate, micBytes, type OsVersion, readAuthenticate, readNegotiate, withMic, writeChallenge } from "./ntlm-messages.ts";
import { NtlmError } from "./ntlm-error.ts";
import { NtlmSession } from "./ntlm-session.ts";
import { Rc4 } from "./rc4.ts";
import { AV, fileTime, micProvided, readTargetInfo, type TargetInfo, writeTargetInfo } from "./target-info.ts";

/** The password of a local account, or its NT hash of 16 bytes; null for an account that does not exist. The name is in lower case. */
export type SecretOf = (user: string) => string | Uint8Array | null | Promise<string | Uint8Array | null>;

/** WinRM's CbtHardeningLevel: not looked at, looked at where it is sent, demanded. */
export type CbtHardeningLevel = "none" | "relaxed" | "strict";

export interface NtlmAcceptorOptions {
  readonly secretOf: SecretOf;
  readonly computerName: string;
  readonly version: OsVersion;
  readonly cbtHardeningLevel: CbtHardeningLevel;
  /** What the connection's TLS binds to; null over plain HTTP, where nothing is compared. */
  readonly channelBinding: Buffer | null;
}

export interface AcceptedUser {
  readonly user: string;
  readonly session: NtlmSession;
}

const offeredFlags = NTLM.unicode | NTLM.oem | NTLM.requestTarget | NTLM.ntlm | NTLM.alwaysSign | NTLM.version | NTLM.keyExchange | sealingFlags | NTLM.key56;
// NTProofStr, then versions, time, challenge and reserved fields of the client's part (2.2.2.7).
const proofBytes = 16;
const blobHeadBytes = 28;

/** The side of NTLMv2 that asks. One object serves one handshake on one connection; NTLMv1 and anonymous callers are refused. */
export class NtlmAcceptor {
  readonly #options: NtlmAcceptorOptions;
  readonly #serverChallenge = randomBytes(8);
  #negotiate: Buffer = Buffer.alloc(0);
  #challenge: Buffer = Buffer.alloc(0);
  #flags = 0;

  constructor(options: NtlmAcceptorOptions) {
    this.#options = options;
  }

  /** @throws NtlmError for what is no first message, or asks for too little */
  challenge(negotiate: Buffer): Buffer {
    const { flags: wanted } = readNegotiate(negotiate);
    if (!hasFlags(wanted, NTLM.unicode) && !hasFlags(wanted, NTLM.oem)) throw new NtlmError("The client speaks neither Unicode nor any code page.");
    const { computerName, version } = this.#options;
    const name = Buffer.from(computerName.toUpperCase(), "utf16le");
    const dnsName = Buffer.from(computerName.toLowerCase(), "utf16le");
    // A computer without a domain is its own.
    const info = new Map([[AV.domainName, name], [AV.computerName, name], [AV.dnsDomainName, dnsName], [AV.dnsComputerName, dnsName], [AV.timestamp, fileTime(Date.now())]]);
    const agreed = wanted & offeredFlags & (hasFlags(wanted, NTLM.unicode) ? ~NTLM.oem : ~0);
    this.#flags = (agreed | NTLM.ntlm | NTLM.targetInfo | (hasFlags(wanted, NTLM.requestTarget) ? NTLM.targetTypeServer : 0)) >>> 0;
    this.#negotiate = negotiate;
    this.#challenge = writeChallenge({ flags: this.#flags, serverChallenge: this.#serverChallenge, targetName: computerName.toUpperCase(), targetInfo: writeTargetInfo(info) }, version);
    return this.#challenge;
  }

  /** Who proved to be who; null when the proof is wrong in any way, without saying in which. @throws NtlmError for what is no last message */
  async accept(authenticate: Buffer): Promise<AcceptedUser | null> {
    const message = readAuthenticate(authenticate);
    const user = localAccountName(message.user);
    const secret = await this.#options.secretOf(user);
    // An unknown user costs what a known one does.
    const hash = secret === null ? randomBytes(ntHashBytes) : typeof secret === "string" ? ntHash(secret) : secret;
    const proven = prove(message, hash, this.#serverChallenge);
    if (!proven || secret === null || user === "" || hasFlags(message.flags, NTLM.anonymous)) return null;
    const flags = message.flags & this.#flags;
    const exportedKey = exportedKeyOf(message, proven.baseKey, flags);
    if (!exportedKey || !this.#isIntact(authenticate, message, proven.info, exportedKey) || !this.#isBound(proven.info)) return null;
    return { user, session: new NtlmSession(exportedKey, flags, "server") };
  }

  #isIntact(authenticate: Buffer, { mic }: Authenticate, info: TargetInfo, exportedKey: Buffer): boolean {
    const flags = info.get(AV.flags);
    const isPromised = flags?.length === 4 && hasFlags(flags.readUInt32LE(0), micProvided);
    if (!isPromised) return true;
    return mic !== null && timingSafeEqual(mic, messageIntegrityCode(exportedKey, this.#negotiate, this.#challenge, withMic(authenticate, Buffer.alloc(micBytes))));
  }

  #isBound(info: TargetInfo): boolean {
    const { channelBinding, cbtHardeningLevel } = this.#options;
    if (channelBinding === null || cbtHardeningLevel === "none") return true;
    const given = info.get(AV.channelBindings);
    // Zeros say "nothing to bind to", as Windows writes it.
    if (!given || given.every((byte) => byte === 0)) return cbtHardeningLevel !== "strict";
    return given.length === channelBinding.length && timingSafeEqual(given, channelBinding);
  }
}

/** The client's own part of the response and the key that follows, once the proof over it is found right. */
function prove({ ntResponse, user, domain }: Authenticate, hash: Uint8Array, serverChallenge: Buffer): { readonly baseKey: Buffer; readonly info: TargetInfo } | null {
  if (ntResponse.length < proofBytes + blobHeadBytes + 4) return null;
  const [proof, blob] = [ntResponse.subarray(0, proofBytes), ntResponse.subarray(proofBytes)];
  const key = responseKey(hash, user, domain);
  if (!timingSafeEqual(proof, ntProof(key, serverChallenge, blob))) return null;
  return { baseKey: sessionBaseKey(key, proof), info: readTargetInfo(blob.subarray(blobHeadBytes)) };
}

function exportedKeyOf({ encryptedSessionKey }: Authenticate, baseKey: Buffer, flags: number): Buffer | null {
  if (!hasFlags(flags, NTLM.keyExchange)) return baseKey;
  return encryptedSessionKey.length === baseKey.length ? new Rc4(baseKey).process(encryptedSessionKey) : null;
}
