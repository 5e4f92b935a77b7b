import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test, type TestContext } from "node:test";
import { endPointBinding } from "./channel-binding.ts";
import { NegotiateAcceptor } from "./negotiate-acceptor.ts";
import { NegotiateInitiator } from "./negotiate-initiator.ts";
import type { NtlmAcceptorOptions } from "./ntlm-acceptor.ts";
import { signatureBytes, type NtlmSession } from "./ntlm-session.ts";

/** The distribution's NTLM and SPNEGO for GSSAPI, which nobody here wrote, on the other end of our tokens. */
const debianPython = "/usr/bin/python3";
const password = "geheim ü";

/** Takes one order, then one token, plain or sealed message a line, and answers each with a line. */
const script = `
import base64, json, sys
import gssapi, gssapi.raw as raw
order = json.loads(sys.stdin.readline())
mechanism = gssapi.OID.from_int_seq("1.3.6.1.5.5.2" if order["spnego"] else "1.3.6.1.4.1.311.2.2.10")
bindings = raw.ChannelBindings(application_data=base64.b64decode(order["binding"])) if order["binding"] else None
wanted = raw.RequirementFlag
if order["initiates"]:
    credentials = raw.acquire_cred_with_password(gssapi.Name(order["user"], gssapi.NameType.user), order["password"].encode(), mechs=[mechanism], usage="initiate").creds
    context = gssapi.SecurityContext(name=gssapi.Name("HTTP@hv1", gssapi.NameType.hostbased_service), creds=gssapi.Credentials(credentials), mech=mechanism, usage="initiate", channel_bindings=bindings,
        flags=[wanted.mutual_authentication, wanted.confidentiality, wanted.integrity, wanted.replay_detection, wanted.out_of_sequence_detection])
else:
    context = gssapi.SecurityContext(creds=gssapi.Credentials(raw.acquire_cred(None, mechs=[mechanism], usage="accept").creds), usage="accept", channel_bindings=bindings)
def step(token):
    answer = context.step(token)
    return {"data": base64.b64encode(answer).decode() if answer else None, "complete": context.complete}
def answer(what, data):
    if what == "token": return step(data)
    return {"data": base64.b64encode(context.wrap(data, True).message if what == "seal" else context.unwrap(data).message).decode()}
if order["initiates"]: print(json.dumps(step(None)), flush=True)
for line in sys.stdin:
    what, data = json.loads(line)
    try: print(json.dumps(answer(what, base64.b64decode(data))), flush=True)
    except Exception as error: print(json.dumps({"error": type(error).__name__}), flush=True)
`;

interface Order {
  readonly initiates: boolean;
  readonly spnego: boolean;
  readonly user?: string;
  readonly password?: string;
  /** What a certificate's digest is bound as. */
  readonly binding?: Buffer | null;
}

interface Line {
  readonly data: string | null;
  readonly complete?: boolean;
  readonly error?: string;
}

class Peer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(context: TestContext, { user = "HV1\\Administrator", password: given = password, binding = null, ...order }: Order): Promise<Peer> {
    const folder = await mkdtemp(join(tmpdir(), "signet-gss-"));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const users = join(folder, "users");
    await writeFile(users, `HV1:Administrator:${password}\n`);
    const child = spawn(debianPython, ["-c", script], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, LC_ALL: "C.UTF-8", NTLM_USER_FILE: users, NETBIOS_COMPUTER_NAME: "HV1", NETBIOS_DOMAIN_NAME: "HV1" } });
    context.after(() => child.stdin.end());
    child.stdin.write(`${JSON.stringify({ ...order, user, password: given, binding: binding?.toString("base64") ?? null })}\n`);
    return new Peer(child);
  }

  async read(): Promise<Line> {
    const { value } = await this.#lines.next() as { value: string };
    return JSON.parse(value) as Line;
  }

  ask(what: "token" | "seal" | "open", data: Buffer): Promise<Line> {
    this.#child.stdin?.write(`${JSON.stringify([what, data.toString("base64")])}\n`);
    return this.read();
  }
}

const bytes = ({ data, error }: Line): Buffer => {
  assert.equal(error, undefined);
  return Buffer.from(data ?? "", "base64");
};

/** Messages both ways, as GSS_Wrap writes them: the signature, then what is sealed. */
async function converse(peer: Peer, session: NtlmSession): Promise<void> {
  for (const length of [1, 500, 70_000, 3]) {
    const text = randomBytes(length);
    const { signature, sealed } = session.seal(text);
    assert.deepEqual(bytes(await peer.ask("open", Buffer.concat([signature, sealed]))), text);
    const wrapped = bytes(await peer.ask("seal", text));
    assert.deepEqual(session.unseal({ signature: wrapped.subarray(0, signatureBytes), sealed: wrapped.subarray(signatureBytes) }), text);
  }
}

async function accept(peer: Peer, options: Partial<NtlmAcceptorOptions> = {}): Promise<NtlmSession | null> {
  const acceptor = new NegotiateAcceptor({ secretOf: (user) => (user === "administrator" ? password : null), computerName: "HV1", version: { major: 10, minor: 0, build: 20348 }, cbtHardeningLevel: "strict", channelBinding: null, ...options });
  for (let line = await peer.read(); ;) {
    const step = await acceptor.step(bytes(line));
    if (step.kind === "refused") return null;
    if (step.token) line = await peer.ask("token", step.token);
    if (step.kind === "continue") continue;
    assert.ok(step.token === null || line.complete);
    return step.accepted.session;
  }
}

function missingPeer(): string | false {
  try {
    execFileSync(debianPython, ["-c", "import gssapi; assert gssapi.OID.from_int_seq('1.3.6.1.4.1.311.2.2.10') in gssapi.raw.indicate_mechs()"], { stdio: "ignore" });
    return false;
  } catch {
    return "not installed: gss-ntlmssp, python3-gssapi";
  }
}

describe("NTLM with gss-ntlmssp on the other end", { skip: missingPeer() }, () => {
  const certificateBinding = Buffer.from(`tls-server-end-point:${"x".repeat(32)}`);
  const channelBinding = endPointBinding(Buffer.from("x".repeat(32)));

  for (const spnego of [false, true]) {
    const form = spnego ? "in SPNEGO" : "as it is";

    test(`it logs on to our host, ${form}, and both understand each other's seals`, async (context) => {
      const peer = await Peer.start(context, { initiates: true, spnego });
      const session = await accept(peer);
      assert.ok(session?.canSeal);
      await converse(peer, session);
    });

    test(`our host refuses its wrong password, ${form}`, async (context) => {
      assert.equal(await accept(await Peer.start(context, { initiates: true, spnego, password: "wrong" })), null);
    });

    test(`our host finds the binding that it sends right or wrong, ${form}`, async (context) => {
      assert.ok(await accept(await Peer.start(context, { initiates: true, spnego, binding: certificateBinding }), { channelBinding }));
      assert.equal(await accept(await Peer.start(context, { initiates: true, spnego, binding: certificateBinding }), { channelBinding: randomBytes(16) }), null);
      assert.equal(await accept(await Peer.start(context, { initiates: true, spnego }), { channelBinding }), null);
    });

    test(`we log on to it, ${form}, and both understand each other's seals`, async (context) => {
      const peer = await Peer.start(context, { initiates: false, spnego, binding: certificateBinding });
      const client = new NegotiateInitiator({ user: "HV1\\Administrator", password }, spnego);
      const { token, session } = client.answer(bytes(await peer.ask("token", client.begin())), channelBinding);
      const last = await peer.ask("token", token);
      assert.equal(last.complete, true);
      client.finish(last.data === null ? null : bytes(last), session);
      await converse(peer, session);
    });

    test(`it refuses our wrong password and our wrong binding, ${form}`, async (context) => {
      for (const [given, binding] of [["wrong", channelBinding], [password, randomBytes(16)]] as const) {
        const peer = await Peer.start(context, { initiates: false, spnego, binding: certificateBinding });
        const client = new NegotiateInitiator({ user: "HV1\\Administrator", password: given }, spnego);
        const { token } = client.answer(bytes(await peer.ask("token", client.begin())), binding);
        assert.match((await peer.ask("token", token)).error ?? "accepted", /^(GSSError|InvalidTokenError|InvalidCredentialsError|BadChannelBindingsError)$/);
      }
    });
  }
});
