import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { readDer, readDerList, writeDer } from "./der.ts";
import { NegotiateAcceptor, type AcceptorStep } from "./negotiate-acceptor.ts";
import { NegotiateInitiator } from "./negotiate-initiator.ts";
import type { NtlmAcceptorOptions } from "./ntlm-acceptor.ts";
import { NtlmInitiator } from "./ntlm-initiator.ts";
import { hasFlags, NTLM } from "./ntlm-flags.ts";
import { lmResponse, ntHash, responseKey } from "./ntlm-keys.ts";
import { readAuthenticate, readChallenge, writeAuthenticate, writeChallenge } from "./ntlm-messages.ts";
import type { NtlmSession } from "./ntlm-session.ts";
import { ntlmMechanism, readNegotiateToken, writeOffer, writeResponse } from "./spnego.ts";
import { AV, readTargetInfo, writeTargetInfo } from "./target-info.ts";

const password = "geheim:ü";
const binding = randomBytes(16);
const kerberosMechanism = Buffer.from("06092a864886f712010202", "hex");
const version = { major: 10, minor: 0, build: 20348 };

function acceptor(options: Partial<NtlmAcceptorOptions> = {}): NegotiateAcceptor {
  return new NegotiateAcceptor({ secretOf: (user) => (user === "administrator" ? password : null), computerName: "Hv1", version, cbtHardeningLevel: "relaxed", channelBinding: null, ...options });
}

interface HandshakeOptions extends Partial<NtlmAcceptorOptions> {
  readonly user?: string;
  readonly given?: string;
  readonly wrapped?: boolean;
  readonly clientBinding?: Buffer | null;
  /** What happens to tokens on the way, by their number from 1 to 3. */
  readonly change?: (leg: number, token: Buffer) => Buffer;
}

async function handshake({ user = "Administrator", given = password, wrapped = false, clientBinding = null, change = (_leg, token) => token, ...options }: HandshakeOptions = {}): Promise<{ readonly step: AcceptorStep; readonly session: NtlmSession | null }> {
  const [client, server] = [new NegotiateInitiator({ user, password: given }, wrapped), acceptor(options)];
  const challenged = await server.step(change(1, client.begin()));
  if (challenged.kind !== "continue") return { step: challenged, session: null };
  const { token, session } = client.answer(change(2, challenged.token), clientBinding);
  const step = await server.step(change(3, token));
  if (step.kind === "accepted") client.finish(step.token, session);
  return { step, session };
}

async function outcome(options: HandshakeOptions): Promise<string> {
  return (await handshake(options)).step.kind;
}

for (const wrapped of [false, true]) {
  const form = wrapped ? "in SPNEGO" : "as it is";

  test(`both ends of NTLM ${form} agree on who is there and on keys`, async () => {
    const { step, session } = await handshake({ wrapped });
    assert.ok(step.kind === "accepted" && session);
    const { user, session: other } = step.accepted;
    assert.deepEqual([user, session.canSeal, other.canSeal], ["administrator", true, true]);
    for (let count = 0; count < 3; count++) {
      assert.deepEqual(other.unseal(session.seal(Buffer.from("to the host"))), Buffer.from("to the host"));
      assert.deepEqual(session.unseal(other.seal(Buffer.from("from the host"))), Buffer.from("from the host"));
    }
  });

  test(`NTLM ${form}: a wrong password, user or nothing at all is refused`, async () => {
    for (const given of ["", "geheim", `${password} `, password.toUpperCase(), "x".repeat(5000)]) assert.equal(await outcome({ wrapped, given }), "refused", given);
    for (const user of ["", "nobody", "Administrator ", "HV1\\", "@hv1", "x".repeat(5000)]) assert.equal(await outcome({ wrapped, user }), "refused", user);
    assert.equal(await outcome({ wrapped, user: "", given: "", secretOf: () => "" }), "refused");
  });

  test(`NTLM ${form}: a proof is good for one connection's certificate, and needed where the host insists`, async () => {
    const cases: readonly [HandshakeOptions, string][] = [
      [{ clientBinding: binding, channelBinding: binding }, "accepted"], [{ clientBinding: randomBytes(16), channelBinding: binding }, "refused"], [{ clientBinding: null, channelBinding: binding }, "accepted"], [{ clientBinding: Buffer.alloc(16), channelBinding: binding }, "accepted"],
      [{ clientBinding: binding, channelBinding: null }, "accepted"], [{ clientBinding: randomBytes(15), channelBinding: binding }, "refused"],
      [{ clientBinding: null, channelBinding: binding, cbtHardeningLevel: "strict" }, "refused"], [{ clientBinding: Buffer.alloc(16), channelBinding: binding, cbtHardeningLevel: "strict" }, "refused"], [{ clientBinding: binding, channelBinding: binding, cbtHardeningLevel: "strict" }, "accepted"],
      [{ clientBinding: randomBytes(16), channelBinding: binding, cbtHardeningLevel: "none" }, "accepted"],
    ];
    for (const [index, [options, expected]] of cases.entries()) assert.equal(await outcome({ wrapped, ...options }), expected, String(index));
  });
}

test("a user is known in any case and by every name of a local account", async () => {
  for (const user of ["ADMINISTRATOR", "administrator", "HV1\\Administrator", "hv1\\administrator", ".\\Administrator", "OTHER\\Administrator", "administrator@hv1", "Administrator@example.org", "\\Administrator"]) assert.equal(await outcome({ user }), "accepted", user);
});

test("a dot goes out as the host's own name, so that a domain does not take the account for its own", async () => {
  const client = new NtlmInitiator({ user: ".\\signet", password });
  const challenged = await acceptor().step(client.begin());
  assert.ok(challenged.kind === "continue");
  const { user, domain } = readAuthenticate(client.answer(challenged.token, null).message);
  assert.deepEqual([user, domain], ["signet", "HV1"]);
});

test("an NT hash is as good as the password", async () => {
  assert.equal(await outcome({ secretOf: async () => ntHash(password) }), "accepted");
  assert.equal(await outcome({ secretOf: async () => randomBytes(16) }), "refused");
});

/** Without the time in the challenge a client sends no MIC, as the protocol has it; then nothing holds the messages together. */
function tellsTime(challenge: Buffer): boolean {
  return readTargetInfo(readChallenge(challenge).targetInfo).has(AV.timestamp);
}

test("any bit that is changed on the way ends in a refusal", async () => {
  for (const leg of [1, 2, 3]) {
    let index = 0;
    for (let length = 1; index < length; index++) {
      let isCovered = true;
      const kind = await outcome({
        change(at, token) {
          if (at !== leg) return token;
          length = token.length;
          const copy = Buffer.from(token);
          copy[index] = (copy[index] ?? 0) ^ 0x01;
          isCovered = at !== 2 || tellsTime(copy);
          return copy;
        },
      }).catch((error: unknown) => (error instanceof Error ? error.name : String(error)));
      assert.ok(!isCovered || kind === "refused" || kind === "NtlmError", `leg ${leg}, byte ${index}: ${kind}`);
    }
    assert.ok(index >= 40);
  }
});

test("a host that tells no time gets an LM response and no MIC, one that offers too little gets nothing", async () => {
  const client = new NtlmInitiator({ user: "User", password });
  const challenged = await acceptor().step(client.begin());
  assert.ok(challenged.kind === "continue");
  const challenge = readChallenge(challenged.token);
  const info = new Map(readTargetInfo(challenge.targetInfo));
  info.delete(AV.timestamp);
  const { message } = client.answer(writeChallenge({ ...challenge, targetInfo: writeTargetInfo(info) }, version), null);
  const read = readAuthenticate(message);
  const key = responseKey(ntHash(password), "User", "");
  assert.deepEqual(read.lmResponse, lmResponse(key, challenge.serverChallenge, read.lmResponse.subarray(16)));
  assert.deepEqual(read.mic, Buffer.alloc(16));
  for (const missing of [NTLM.key128, NTLM.seal, NTLM.extendedSessionSecurity, NTLM.keyExchange, NTLM.targetInfo, NTLM.unicode]) {
    assert.throws(() => client.answer(writeChallenge({ ...challenge, flags: (challenge.flags & ~missing) >>> 0 }, version), null), /does not offer NTLMv2/);
  }
});

test("NTLMv1 and anonymous callers are refused", async () => {
  for (const ntResponse of [Buffer.alloc(0), Buffer.alloc(24, 1), Buffer.alloc(43)]) {
    const server = acceptor();
    await server.step(new NtlmInitiator({ user: "x", password }).begin());
    const message = writeAuthenticate({ flags: NTLM.unicode | NTLM.anonymous, user: "administrator", domain: "", workstation: "", lmResponse: Buffer.alloc(24), ntResponse, encryptedSessionKey: Buffer.alloc(0) }, version);
    assert.deepEqual(await server.step(message), { kind: "refused" });
  }
});

test("tokens out of order, twice or from another handshake are refused", async () => {
  const client = new NegotiateInitiator({ user: "Administrator", password }, false);
  const [one, two] = [acceptor(), acceptor()];
  const [first, second] = [await one.step(client.begin()), await two.step(client.begin())];
  assert.ok(first.kind === "continue" && second.kind === "continue");
  const { token } = client.answer(first.token, null);
  assert.equal((await two.step(token)).kind, "refused");
  assert.equal((await one.step(token)).kind, "accepted");
  assert.equal((await one.step(token)).kind, "refused");
  assert.equal((await acceptor().step(token)).kind, "refused");
  assert.equal((await acceptor().step(writeResponse({ message: client.begin() }))).kind, "refused");
  const begun = acceptor();
  await begun.step(client.begin());
  assert.equal((await begun.step(client.begin())).kind, "refused");
});

test("a client without Unicode is answered in bytes of its own, and its names are understood", async () => {
  const negotiate = Buffer.from(new NtlmInitiator({ user: "x", password }).begin());
  negotiate.writeUInt32LE(((negotiate.readUInt32LE(12) & ~NTLM.unicode) | NTLM.oem) >>> 0, 12);
  const challenged = await acceptor().step(negotiate);
  assert.ok(challenged.kind === "continue");
  const challenge = readChallenge(challenged.token);
  assert.deepEqual([hasFlags(challenge.flags, NTLM.oem), hasFlags(challenge.flags, NTLM.unicode), challenge.targetName], [true, false, "HV1"]);
  negotiate.writeUInt32LE(0, 12);
  assert.equal((await acceptor().step(negotiate)).kind, "refused");
});

test("a client that prefers Kerberos is asked for NTLM, and must then sign what it had offered", async () => {
  const list = writeDer(0x30, kerberosMechanism, ntlmMechanism);
  const offer = writeDer(0x60, Buffer.from("06062b0601050502", "hex"), writeDer(0xa0, writeDer(0x30, writeDer(0xa0, list), writeDer(0xa2, writeDer(0x04, Buffer.from("a ticket"))))));
  for (const [sign, expected] of [[(session: NtlmSession) => session.signMechanisms(list), "accepted"], [(session: NtlmSession) => session.signMechanisms(writeDer(0x30, ntlmMechanism)), "refused"], [() => null, "refused"]] as const) {
    const [client, server] = [new NtlmInitiator({ user: "Administrator", password }), acceptor()];
    const asked = await server.step(offer);
    assert.ok(asked.kind === "continue");
    const question = readNegotiateToken(asked.token);
    assert.ok(question.kind === "response" && question.state === 3 && question.message === null && question.mechanism?.equals(ntlmMechanism));
    const challenged = await server.step(writeResponse({ message: client.begin() }));
    assert.ok(challenged.kind === "continue");
    const challenge = readNegotiateToken(challenged.token);
    assert.ok(challenge.kind === "response" && challenge.message);
    const { message, session } = client.answer(challenge.message, null);
    const last = await server.step(writeResponse({ message, signature: sign(session) }));
    assert.equal(last.kind, expected);
    if (last.kind !== "accepted" || last.token === null) continue;
    const done = readNegotiateToken(last.token);
    assert.ok(done.kind === "response" && done.state === 0 && done.signature && session.verifyMechanisms(list, done.signature));
    assert.deepEqual(last.accepted.session.unseal(session.seal(Buffer.from("sealed"))), Buffer.from("sealed"));
  }
  assert.equal((await acceptor().step(writeDer(0x60, Buffer.from("06062b0601050502", "hex"), writeDer(0xa0, writeDer(0x30, writeDer(0xa0, writeDer(0x30, kerberosMechanism))))))).kind, "refused");
});

test("what a host signs over the negotiation is checked", async () => {
  const [client, server] = [new NegotiateInitiator({ user: "Administrator", password }, true), acceptor()];
  const challenged = await server.step(client.begin());
  assert.ok(challenged.kind === "continue");
  const { token, session } = client.answer(challenged.token, null);
  await server.step(token);
  assert.throws(() => client.finish(writeResponse({ state: 0, signature: Buffer.alloc(16, 1) }), session), /does not match/);
  assert.throws(() => client.finish(writeResponse({ state: 2 }), session), /did not complete/);
  assert.throws(() => client.answer(writeOffer(Buffer.from("x")), null), /no NTLM challenge/);
});

test("DER of any length is read as it was written", () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 200_000]) {
    const content = Buffer.alloc(length, 7);
    const bytes = Buffer.concat([writeDer(0x04, content), writeDer(0x05)]);
    assert.deepEqual(readDerList(bytes).map(({ tag, content: read }) => [tag, read.length]), [[4, length], [5, 0]]);
    assert.deepEqual(readDer(bytes).content, content);
  }
});

test("no token, whatever it holds, does more than be refused", async () => {
  const client = new NegotiateInitiator({ user: "Administrator", password }, false);
  const wrapped = new NegotiateInitiator({ user: "Administrator", password }, true);
  const seeds = [client.begin(), wrapped.begin(), Buffer.from("4e544c4d5353500001000000", "hex"), Buffer.alloc(0)];
  const mutation = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 6 }), fc.nat(400));
  await fc.assert(fc.asyncProperty(mutation, fc.uint8Array({ maxLength: 200 }), async ([seed, changes, length], noise) => {
    const token = Buffer.concat([seed, noise]).subarray(0, length);
    for (const [index, value] of changes) if (index < token.length) token[index] = value;
    const server = acceptor();
    const step = await server.step(token);
    assert.ok(step.kind === "refused" || step.kind === "continue");
    assert.equal((await server.step(Buffer.concat([token, noise]))).kind === "accepted", false);
  }), { numRuns: 3000 });
});
