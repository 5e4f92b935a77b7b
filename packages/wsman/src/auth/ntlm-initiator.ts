import { randomBytes } from "node:crypto";
import { parseAccountName } from "./account-name.ts";
import { hasFlags, NTLM, sealingFlags } from "./ntlm-flags.ts";
import { lmResponse, messageIntegrityCode, ntHash, ntProof, responseKey, sessionBaseKey } from "./ntlm-keys.ts";
import { type OsVersion, readChallenge, withMic, writeAuthenticate, writeNegotiate } from "./ntlm-messages.ts";
import { NtlmError } from "./ntlm-error.ts";
import { NtlmSession } from "./ntlm-session.ts";
import { Rc4 } from "./rc4.ts";
import { AV, fileTime, micProvided, readTargetInfo, type TargetInfo, writeTargetInfo } from "./target-info.ts";

export interface NtlmCredentials {
  /** `HOST\user`, `.\user`, `user@domain` or `user`. */
  readonly user: string;
  readonly password: string;
}

const wantedFlags = NTLM.unicode | NTLM.requestTarget | NTLM.ntlm | NTLM.alwaysSign | NTLM.targetInfo | NTLM.version | NTLM.keyExchange | sealingFlags | NTLM.key56;
// Without these there is no NTLMv2 that is worth its name.
const neededFlags = NTLM.unicode | NTLM.targetInfo | NTLM.keyExchange | sealingFlags;
// Read by people in traces and by nobody else.
const version: OsVersion = { major: 10, minor: 0, build: 0 };

/** The side of NTLMv2 that proves who it is. One object serves one handshake on one connection. */
export class NtlmInitiator {
  readonly #credentials: NtlmCredentials;
  readonly #negotiate = writeNegotiate(wantedFlags, version);

  constructor(credentials: NtlmCredentials) {
    this.#credentials = credentials;
  }

  /** The first message. */
  begin(): Buffer {
    return this.#negotiate;
  }

  /**
   * The last message, and what seals messages from then on. `channelBinding` ties the proof to one TLS connection's certificate.
   * @throws NtlmError when the challenge is none, or the host offers too little
   */
  answer(challengeMessage: Buffer, channelBinding: Buffer | null, nowMs = Date.now()): { readonly message: Buffer; readonly session: NtlmSession } {
    const challenge = readChallenge(challengeMessage);
    if (!hasFlags(challenge.flags, neededFlags)) throw new NtlmError("The host does not offer NTLMv2 with sealing and 128-bit keys. See the policy \"Network security: Minimum session security for NTLM SSP\" there.");
    const info = readTargetInfo(challenge.targetInfo);
    const hasTime = info.has(AV.timestamp);
    const { user, domain } = this.#account(info);
    const key = responseKey(ntHash(this.#credentials.password), user, domain);
    const clientChallenge = randomBytes(8);
    const time = info.get(AV.timestamp) ?? fileTime(nowMs);
    const blob = Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]), time, clientChallenge, Buffer.alloc(4), writeTargetInfo(addToInfo(info, hasTime, channelBinding)), Buffer.alloc(4)]);
    const proof = ntProof(key, challenge.serverChallenge, blob);
    const exportedKey = randomBytes(16);
    const flags = wantedFlags & challenge.flags;
    const message = writeAuthenticate({
      flags, user, domain, workstation: "",
      // A server that tells the time checks the MIC, and then wants no LM response (3.1.5.1.2).
      lmResponse: hasTime ? Buffer.alloc(24) : lmResponse(key, challenge.serverChallenge, clientChallenge),
      ntResponse: Buffer.concat([proof, blob]), encryptedSessionKey: new Rc4(sessionBaseKey(key, proof)).process(exportedKey),
    }, version);
    const mic = hasTime ? messageIntegrityCode(exportedKey, this.#negotiate, challengeMessage, message) : null;
    return { message: mic === null ? message : withMic(message, mic), session: new NtlmSession(exportedKey, flags, "client") };
  }

  #account(info: TargetInfo): { readonly user: string; readonly domain: string } {
    const { user, domain } = parseAccountName(this.#credentials.user);
    // What a dot means to Windows: the account is the host's own, also where the host is in a domain.
    return { user, domain: domain === "." ? info.get(AV.computerName)?.toString("utf16le") ?? "" : domain };
  }
}

function addToInfo(info: TargetInfo, hasTime: boolean, channelBinding: Buffer | null): TargetInfo {
  const pairs = new Map(info);
  if (hasTime) {
    const flags = Buffer.alloc(4);
    flags.writeUInt32LE((((info.get(AV.flags)?.length === 4 ? info.get(AV.flags)?.readUInt32LE(0) : 0) ?? 0) | micProvided) >>> 0);
    pairs.set(AV.flags, flags);
  }
  if (channelBinding) pairs.set(AV.channelBindings, channelBinding);
  return pairs;
}

