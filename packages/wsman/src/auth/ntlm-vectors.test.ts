import assert from "node:assert/strict";
import { test } from "node:test";
import { lmResponse, ntHash, ntProof, responseKey, sealingKey, sessionBaseKey, signingKey } from "./ntlm-keys.ts";
import { readAuthenticate, readChallenge, withMic, writeAuthenticate, writeChallenge } from "./ntlm-messages.ts";
import { NtlmSession } from "./ntlm-session.ts";
import { Rc4 } from "./rc4.ts";
import { readTargetInfo, writeTargetInfo } from "./target-info.ts";

/** MS-NLMP 4.2: the values that all its examples share, and those of 4.2.4 (NTLMv2) and 4.2.3 (a session without key exchange). */
const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hex = (buffer: Uint8Array) => Buffer.from(buffer).toString("hex");
const utf16 = (text: string) => Buffer.from(text, "utf16le");
const serverChallenge = bytes("0123456789abcdef");
const clientChallenge = Buffer.alloc(8, 0xaa);
const randomSessionKey = Buffer.alloc(16, 0x55);
const plaintext = utf16("Plaintext");
const flags = 0xe28a8233;
const targetInfo = new Map([[2, utf16("Domain")], [1, utf16("Server")]]);
const blob = Buffer.concat([bytes("01 01 00 00 00 00 00 00"), Buffer.alloc(8), clientChallenge, Buffer.alloc(4), writeTargetInfo(targetInfo), Buffer.alloc(4)]);
const key = responseKey(ntHash("Password"), "User", "Domain");
const proof = ntProof(key, serverChallenge, blob);

test("NTLMv2: hashes, responses and session keys of 4.2.4", () => {
  assert.equal(hex(ntHash("Password")), "a4f49c406510bdcab6824ee7c30fd852");
  assert.equal(hex(key), "0c868a403bfd7a93a3001ef22ef02e3f");
  assert.equal(hex(responseKey(ntHash("Password"), "uSER", "Domain")), hex(key));
  assert.notEqual(hex(responseKey(ntHash("Password"), "User", "DOMAIN")), hex(key));
  assert.equal(hex(lmResponse(key, serverChallenge, clientChallenge)), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
  assert.equal(hex(proof), "68cd0ab851e51c96aabc927bebef6a1c");
  assert.equal(hex(sessionBaseKey(key, proof)), "8de40ccadbc14a82f15cb0ad0de95ca3");
  assert.equal(hex(new Rc4(sessionBaseKey(key, proof)).process(randomSessionKey)), "c5dad2544fc9799094ce1ce90bc9d03e");
});

test("NTLMv2: keys, seal and signature of 4.2.4.4", () => {
  assert.equal(hex(sealingKey(randomSessionKey, flags, "client-to-server")), "59f600973cc4960a25480a7c196e4c58");
  assert.equal(hex(signingKey(randomSessionKey, "client-to-server")), "4788dc861b4782f35d43fd98fe1a2d39");
  const { sealed, signature } = new NtlmSession(randomSessionKey, flags, "client").seal(plaintext);
  assert.equal(hex(sealed), "54e50165bf1936dc996020c1811b0f06fb5f");
  assert.equal(hex(signature), "010000007fb38ec5c55d497600000000");
  assert.deepEqual(new NtlmSession(randomSessionKey, flags, "server").unseal({ sealed, signature }), plaintext);
});

test("without key exchange the checksum is not encrypted, and 56 bits make another key: 4.2.3.4", () => {
  const [keyExchangeKey, weakFlags] = [bytes("eb93429a8bd952f8b89c55b87f475edc"), 0x82088233];
  assert.equal(hex(sealingKey(keyExchangeKey, weakFlags, "client-to-server")), "04dd7f014d8504d265a25cc86a3a7c06");
  assert.equal(hex(signingKey(keyExchangeKey, "client-to-server")), "60e799be5c72fc92922ae8ebe961fb8d");
  const session = new NtlmSession(keyExchangeKey, weakFlags, "client");
  const { sealed, signature } = session.seal(plaintext);
  assert.equal(hex(sealed), "a02372f6530273f3aa1eb90190ce5200c99d");
  assert.equal(hex(signature), "01000000ff2aeb52f681793a00000000");
  assert.equal(session.canSeal, false);
});

const challengeMessage = bytes(`4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000 060070170000000f
  530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`.replaceAll("\n", ""));

test("the challenge of 4.2.4.3 is read and written byte for byte", () => {
  const challenge = readChallenge(challengeMessage);
  assert.deepEqual({ ...challenge, targetInfo: readTargetInfo(challenge.targetInfo) }, { flags, serverChallenge, targetName: "Server", targetInfo });
  assert.deepEqual(writeChallenge(challenge, { major: 6, minor: 0, build: 6000 }), challengeMessage);
});

const authenticateMessage = Buffer.concat([
  bytes(`4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000 100010005c000000 10001000d8000000 358288e2 0501280a0000000f`),
  utf16("Domain"), utf16("User"), utf16("COMPUTER"), lmResponse(key, serverChallenge, clientChallenge), proof, blob, bytes("c5dad2544fc9799094ce1ce90bc9d03e"),
]);

test("the answer of 4.2.4.3 is read, which has no room for a MIC", () => {
  const read = readAuthenticate(authenticateMessage);
  assert.deepEqual(read, {
    flags: 0xe2888235, user: "User", domain: "Domain", workstation: "COMPUTER", lmResponse: lmResponse(key, serverChallenge, clientChallenge), ntResponse: Buffer.concat([proof, blob]),
    encryptedSessionKey: bytes("c5dad2544fc9799094ce1ce90bc9d03e"), mic: null,
  });
  const written = writeAuthenticate(read, { major: 5, minor: 1, build: 2600 });
  assert.deepEqual(readAuthenticate(withMic(written, Buffer.alloc(16, 7))), { ...read, mic: Buffer.alloc(16, 7) });
});

test("nothing that is cut off or points outside is read", () => {
  for (const message of [challengeMessage, authenticateMessage]) {
    const read = message === challengeMessage ? readChallenge : readAuthenticate;
    for (let length = 0; length < message.length; length++) {
      // The MIC and the version are optional, and so are names that are empty.
      assert.throws(() => {
        const got = read(message.subarray(0, length));
        if ("targetInfo" in got) readTargetInfo(got.targetInfo);
      }, { name: "NtlmError" }, String(length));
    }
    assert.throws(() => read(Buffer.from(message.toString("latin1").replace("NTLMSSP", "NTLMSSQ"), "latin1")), { name: "NtlmError" });
  }
});
