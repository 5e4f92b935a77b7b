import assert from "node:assert/strict";
import { Agent, request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ACTION } from "../namespaces.ts";
import { classUri } from "../resource.ts";
import { startWsmanServer, type WsmanServerOptions } from "../server.ts";
import { testCertificate } from "../test-certificate.ts";
import { faultOf, shellRequest, testNamespace, TestPrograms, TestProvider, testRequest, readTestAnswer } from "../test-provider.ts";
import { NegotiateInitiator } from "./negotiate-initiator.ts";
import type { NtlmSession } from "./ntlm-session.ts";
import { openMessage, sealedContentType, sealMessage } from "./sealed-message.ts";
import { attribute, child } from "../xml/read.ts";

/** What a host does with connections, seen by a client that does as it likes. */
const soap = "application/soap+xml;charset=UTF-8";
const passwords: Readonly<Record<string, string>> = { ann: "a-password", ben: "b-password" };
const basic = (user: string) => `Basic ${Buffer.from(`${user}:${passwords[user]}`).toString("base64")}`;
const get = testRequest({ action: ACTION.get, resourceUri: classUri(testNamespace, "Test_Thing"), selectors: { InstanceID: "Microsoft:1" } });

async function lab(context: TestContext, options: Partial<WsmanServerOptions> = {}) {
  const provider = new TestProvider(3);
  const server = await startWsmanServer({
    provider, programs: new TestPrograms(), listen: { host: "127.0.0.1", port: 0 }, computerName: "HV1",
    negotiate: { secretOf: (user) => passwords[user] ?? null }, authenticateBasic: (user, password) => passwords[user] === password, ...options,
  });
  context.after(() => server.close());
  const connection = () => new Line(context, server.port);
  return { server, provider, connection };
}

interface Answer {
  readonly status: number;
  readonly challenges: readonly string[];
  readonly type: string;
  readonly body: Buffer;
  readonly response: IncomingMessage;
}

/** One connection of its own. */
class Line {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  session: NtlmSession | null = null;

  constructor(context: TestContext, port: number) {
    this.#port = port;
    context.after(() => this.#agent.destroy());
  }

  post(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port: this.#port, method: "POST", path: "/wsman", agent: this.#agent, headers: { "Content-Type": soap, ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject).on("end", () => resolve({
          status: response.statusCode ?? 0, challenges: response.headersDistinct["www-authenticate"] ?? [], type: response.headers["content-type"] ?? "", body: Buffer.concat(chunks), response,
        }));
      });
      sent.on("error", reject).end(body);
    });
  }

  /** The answer to the last leg. `name` is what the client calls the scheme. */
  async logOn(user: string, { name = "Negotiate", password = passwords[user] ?? "", body = "" }: { readonly name?: string; readonly password?: string; readonly body?: string } = {}): Promise<Answer> {
    const initiator = new NegotiateInitiator({ user, password }, false);
    const challenged = await this.post("", { Authorization: `${name} ${initiator.begin().toString("base64")}` });
    const [, token = ""] = new RegExp(`^${name} (.*)$`).exec(challenged.challenges[0] ?? "") ?? [];
    assert.deepEqual([challenged.status, challenged.challenges.length, challenged.body.length], [401, 1, 0]);
    const answer = initiator.answer(Buffer.from(token, "base64"), null);
    this.session = answer.session;
    return this.post(body, { Authorization: `${name} ${answer.token.toString("base64")}` });
  }

  /** Seals a request and opens its answer; null where the answer is not sealed. */
  async postSealed(text: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly answer: Answer; readonly text: string | null }> {
    assert.ok(this.session);
    const answer = await this.post(sealMessage(this.session, { contentType: soap, body: Buffer.from(text) }), { "Content-Type": sealedContentType, ...headers });
    return { answer, text: answer.type === sealedContentType ? openMessage(this.session, answer.type, answer.body).body.toString() : null };
  }
}

test("the last leg of a log-on is answered by an empty 200, and the connection is the user's from then on", async (context) => {
  const { connection } = await lab(context);
  const line = connection();
  const { status, body, challenges } = await line.logOn("ann");
  assert.deepEqual([status, body.length, challenges], [200, 0, []]);
  for (let count = 0; count < 3; count++) {
    const { answer, text } = await line.postSealed(get);
    assert.equal(answer.status, 200);
    assert.equal(readTestAnswer(text ?? "").body?.local, "Test_Thing");
  }
  const { answer, text } = await line.postSealed("nonsense");
  assert.equal(answer.status, 500);
  assert.ok(faultOf(text ?? ""));
});

test("who is wrong is offered all schemes again, at once, and may try again on the same connection", async (context) => {
  const { connection } = await lab(context);
  const line = connection();
  for (let count = 0; count < 3; count++) {
    const refused = await line.logOn("ann", { password: "wrong" });
    assert.deepEqual([refused.status, refused.challenges, refused.body.length], [401, ["Negotiate", 'Basic realm="WSMAN"'], 0]);
    assert.equal((await line.postSealed(get)).answer.status, 401);
  }
  assert.equal((await line.logOn("ann")).status, 200);
  for (const nonsense of ["Negotiate", "Negotiate ", "Negotiate !", "Negotiate AAAA", "NTLM", `Negotiate ${"A".repeat(8000)}`, "Kerberos YIIB", "negotiate TlRMTVNTUAADAAAA"]) {
    const { status, challenges } = await connection().post("", { Authorization: nonsense });
    assert.deepEqual([status, challenges.length], [401, 2], nonsense);
  }
});

test("a scheme that is called NTLM is answered by that name, though it is not offered", async (context) => {
  const { connection } = await lab(context, { allowUnencrypted: true });
  const line = connection();
  const { status, type } = await line.logOn("ann", { name: "NTLM", body: get });
  assert.deepEqual([status, type], [200, soap]);
});

test("a message in clear after NTLM over plain HTTP is refused as real hosts refuse it, unless AllowUnencrypted is set or TLS is there", async (context) => {
  const { connection } = await lab(context);
  for (const attempt of [(line: Line) => line.logOn("ann", { body: get }), async (line: Line) => {
    await line.logOn("ann");
    return line.post(get);
  }]) {
    const { status, body } = await attempt(connection());
    assert.deepEqual([status, body.length], [500, 0]);
  }
  const open = (await lab(context, { allowUnencrypted: true })).connection();
  await open.logOn("ann");
  assert.equal((await open.post(get)).status, 200);
  // A client may go back and forth between both.
  assert.equal(readTestAnswer((await open.postSealed(get)).text ?? "").body?.local, "Test_Thing");
  assert.equal((await open.post(get)).type, soap);
});

test("nobody inherits a connection: other credentials make it theirs or nobody's", async (context) => {
  const { connection } = await lab(context);
  const line = connection();
  await line.logOn("ann");
  const created = await line.postSealed(shellRequest("create", null));
  const selectors = child(child(readTestAnswer(created.text ?? "").body, "http://schemas.xmlsoap.org/ws/2004/08/addressing", "ReferenceParameters"), "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", "SelectorSet");
  const shell = selectors?.children.find((one) => attribute(one, "Name") === "ShellId")?.text ?? "";
  const receive = shellRequest("Command", shell, '<rsp:CommandLine><rsp:Command>x</rsp:Command></rsp:CommandLine>');
  assert.equal((await line.postSealed(receive)).answer.status, 200);
  // The same user by another scheme, in another case and by another name owns the same shell.
  assert.equal((await connection().post(receive, { Authorization: `Basic ${Buffer.from("ann:a-password").toString("base64")}` })).status, 200);
  const other = connection();
  await other.logOn("HV1\\ANN", { password: passwords["ann"] ?? "" });
  assert.equal((await other.postSealed(receive)).answer.status, 200);
  // Ben does not, whether he logs on to a connection of his own, to Ann's, or passes by with Basic.
  const bens = connection();
  await bens.logOn("ben");
  assert.equal((await bens.postSealed(receive)).answer.status, 500);
  assert.equal((await line.post(receive, { Authorization: basic("ben") })).status, 500);
  // What Ben did ended Ann's log-on there.
  assert.equal((await line.postSealed(get)).answer.status, 401);
  await other.logOn("ben");
  assert.equal((await other.postSealed(receive)).answer.status, 500);
  assert.equal((await other.post("", { Authorization: basic("ann").replace("Basic", "Bearer") })).status, 401);
  assert.equal((await other.post("")).status, 401);
});

test("a seal where none was agreed on, or a broken one, ends the connection's use", async (context) => {
  const { connection, provider } = await lab(context);
  const line = connection();
  await line.logOn("ann");
  const stranger = connection();
  stranger.session = line.session;
  assert.equal((await stranger.postSealed(get)).answer.status, 401);
  const plain = connection();
  plain.session = line.session;
  assert.equal((await plain.postSealed(get, { Authorization: basic("ann") })).answer.status, 400);
  const fresh = connection();
  await fresh.logOn("ann");
  const { status, response, body } = await fresh.post(sealMessage(fresh.session as NtlmSession, { contentType: soap, body: Buffer.from(get) }).subarray(1), { "Content-Type": sealedContentType });
  assert.deepEqual([status, response.headers.connection, body.length, provider.invoked.length], [400, "close", 0, 0]);
  const weak = connection();
  await weak.logOn("ann");
  const kerberos = await weak.post("x", { "Content-Type": sealedContentType.replace("SPNEGO", "Kerberos") });
  assert.equal(kerberos.status, 400);
});

test("requests that are sent ahead of answers are opened and answered in their order", async (context) => {
  const { server, provider, connection } = await lab(context);
  const uri = classUri(testNamespace, "Test_Thing");
  const invoke = (name: string) => testRequest({ action: `${uri}/${name}`, resourceUri: uri, body: `<i:${name}_INPUT xmlns:i="${uri}"/>` });
  provider.answer = async (method) => {
    if (method === "Slow") await sleep(50);
    return { Said: method, ReturnValue: 0 };
  };
  // Log on by hand on a bare socket, then write three requests at once.
  const socket = connect(server.port, "127.0.0.1");
  context.after(() => socket.destroy());
  const initiator = new NegotiateInitiator({ user: "ann", password: passwords["ann"] ?? "" }, false);
  const post = (headers: string, body: Buffer) => Buffer.concat([Buffer.from(`POST /wsman HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${body.length}\r\n\r\n`), body]);
  const challenge = await ask(socket, post(`Authorization: Negotiate ${initiator.begin().toString("base64")}\r\n`, Buffer.alloc(0)), /WWW-Authenticate: Negotiate (\S+)/);
  const { token, session } = initiator.answer(Buffer.from(challenge[1] ?? "", "base64"), null);
  await ask(socket, post(`Authorization: Negotiate ${token.toString("base64")}\r\n`, Buffer.alloc(0)), /200 OK/);
  const names = ["Slow", "Quick", "Slow", "Quick"];
  const sealed = names.map((name) => post(`Content-Type: ${sealedContentType}\r\n`, sealMessage(session, { contentType: soap, body: Buffer.from(invoke(name)) })));
  let bytes = Buffer.alloc(0);
  socket.on("data", (data: Buffer) => { bytes = Buffer.concat([bytes, data]); });
  socket.write(Buffer.concat(sealed));
  while (bytes.toString("latin1").split("Encrypted Boundary--\r\n").length <= names.length) await sleep(5);
  let rest = bytes;
  for (const name of names) {
    const start = rest.indexOf("\r\n\r\n") + 4;
    const length = Number(/Content-Length: (\d+)/.exec(rest.toString("latin1", 0, start))?.[1]);
    assert.match(openMessage(session, sealedContentType, rest.subarray(start, start + length)).body.toString(), new RegExp(`<p:Said>${name}<`));
    rest = rest.subarray(start + length);
  }
  assert.equal((await connection().logOn("ben")).status, 200);
});

function ask(socket: Socket, bytes: Buffer, answer: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject).once("data", (data: Buffer) => {
      const found = answer.exec(data.toString("latin1"));
      if (found) resolve(found);
      else reject(new Error(`unexpected answer: ${data.toString("latin1")}`));
    });
    socket.write(bytes);
  });
}

test("options that contradict one another are refused, with what to do", async () => {
  const options = { provider: new TestProvider(0), programs: new TestPrograms(), listen: { host: "127.0.0.1", port: 0 }, computerName: "HV1" };
  const tls = await testCertificate();
  const certificates = { authority: tls.cert, userOf: () => null };
  await assert.rejects(startWsmanServer(options), /Nobody could come in/);
  await assert.rejects(startWsmanServer({ ...options, certificates }), /certificates need tls/);
  const negotiate = { secretOf: () => null, cbtHardeningLevel: "strict" } as const;
  await assert.rejects(startWsmanServer({ ...options, negotiate, tls: await testCertificate("ed25519") }), /no hash that clients could bind to/);
  // Without Basic nothing crosses the network in clear, so another address is only refused for not being this computer's.
  await assert.rejects(startWsmanServer({ ...options, negotiate, listen: { host: "192.0.2.1", port: 0 } }), { code: "EADDRNOTAVAIL" });
});
