import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as tlsConnect, createServer as createTlsServer } from "node:tls";
import { WsmanClient, WsmanTransportError, type WsmanClientOptions } from "../client.ts";
import { valueOf } from "../cim-xml.ts";
import { startWsmanServer, type WsmanServerOptions } from "../server.ts";
import { testCertificate } from "../test-certificate.ts";
import { testNamespace, TestPrograms, TestProvider } from "../test-provider.ts";
import { writeAnswer } from "../envelope.ts";
import { NegotiateAcceptor } from "./negotiate-acceptor.ts";
import { openMessage, sealedContentType, sealMessage } from "./sealed-message.ts";
import { TestWire } from "./test-wire.ts";

const password = "gehe:im <&> ü";
const thing = { kind: "reference", namespace: testNamespace, className: "Test_Thing", keys: { InstanceID: "Microsoft:1" } } as const;
const certificate = await testCertificate();
const waysIn = {
  negotiate: { secretOf: (user: string) => (user === "administrator" ? password : null) },
  authenticateBasic: (user: string, given: string) => user === "Administrator" && given === password,
} satisfies Partial<WsmanServerOptions>;

async function lab(context: TestContext, options: Partial<WsmanServerOptions> = waysIn, clientOptions: Partial<WsmanClientOptions> = {}) {
  const provider = new TestProvider(120);
  const programs = new TestPrograms();
  const server = await startWsmanServer({ provider, programs, listen: { host: "127.0.0.1", port: 0 }, computerName: "HV1", ...options });
  context.after(() => server.close());
  const wire = await TestWire.open(context, server.port);
  const url = server.url.replace(String(server.port), String(wire.port));
  return { provider, programs, server, wire, url, client: connectTo(context, url, { ...(options.tls ? { tlsFingerprint: certificate.fingerprint } : {}), ...clientOptions }) };
}

function connectTo(context: TestContext, url: string, options: Partial<WsmanClientOptions> = {}): WsmanClient {
  const client = new WsmanClient({ url, user: "Administrator", password, operationTimeoutMs: 5000, ...options });
  context.after(() => client.close());
  return client;
}

const refused = (kind: WsmanTransportError["kind"], message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WsmanTransportError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, message);
  assert.ok(![error.message, String(error.cause)].some((text) => text.includes("gehe") || text.includes(Buffer.from(password).toString("base64"))));
  return true;
};

const modes: readonly (readonly [string, Partial<WsmanServerOptions>, Partial<WsmanClientOptions>])[] = [
  ["Negotiate with sealed messages over HTTP", { negotiate: waysIn.negotiate }, { authentication: "negotiate" }],
  ["what a host offers over HTTP", waysIn, {}],
  ["Basic over HTTP", waysIn, { authentication: "basic" }],
  ["Negotiate over TLS", { negotiate: waysIn.negotiate, tls: certificate }, { authentication: "negotiate" }],
  ["Negotiate over TLS, bound to it", { negotiate: { ...waysIn.negotiate, cbtHardeningLevel: "strict" }, tls: certificate }, { authentication: "negotiate" }],
  ["what a host offers over TLS", { authenticateBasic: waysIn.authenticateBasic, tls: certificate }, {}],
  ["Basic over TLS", { ...waysIn, tls: certificate }, { authentication: "basic" }],
];

for (const [name, options, clientOptions] of modes) {
  test(`${name}: questions, long messages both ways and commands`, async (context) => {
    const { client, provider, programs } = await lab(context, options, clientOptions);
    assert.equal((await client.identify()).vendor, "Microsoft Corporation");
    assert.equal((await client.query(testNamespace, "SELECT * FROM Test_Thing")).length, 120);
    const text = "ä<&>\r\n".repeat(20_000);
    provider.answer = (_method, input) => ({ Echo: String(input["Text"]).slice(0, 30_000), ReturnValue: 0 });
    assert.equal((await client.invoke(thing, "Echo", { Text: text })).Echo, text.slice(0, 30_000));
    assert.equal(provider.invoked[0]?.input["Text"], text);
    programs.begin = (program) => {
      program.print(Buffer.alloc(300_000, "x"));
      program.end(3);
    };
    const { exitCode, stdout } = await client.runCommand("anything");
    assert.deepEqual([exitCode, stdout.length], [3, 300_000]);
  });

  test(`${name}: one connection serves all requests, eight serve many at once, and cut ones are opened anew`, async (context) => {
    const { client, wire, provider } = await lab(context, options, clientOptions);
    for (let count = 0; count < 20; count++) assert.equal(valueOf(await client.get(thing), "Number"), "1");
    assert.equal(wire.connections, 1);
    provider.answer = async () => {
      await sleep(3);
      return { ReturnValue: 0 };
    };
    await Promise.all(Array.from({ length: 100 }, () => client.invoke(thing, "Wait", {})));
    assert.equal(wire.connections, 8);
    for (let count = 0; count < 3; count++) {
      wire.cut();
      await sleep(20);
      const numbers = await Promise.all(Array.from({ length: 8 }, async () => valueOf(await client.get(thing), "Number")));
      assert.deepEqual(numbers, Array.from({ length: 8 }, () => "1"));
    }
  });

  test(`${name}: a wrong user or password is said, at once and every time`, async (context) => {
    const { url } = await lab(context, options);
    const { authentication } = clientOptions;
    const pinned = options.tls ? { tlsFingerprint: certificate.fingerprint } : {};
    for (const wrong of [{ password: "gehe wrong" }, { password: "" }, { user: "nobody" }, { user: "" }]) {
      const client = connectTo(context, url, { ...wrong, ...pinned, authentication });
      for (let count = 0; count < 2; count++) await assert.rejects(client.identify(), refused("unauthorized", /refuses the user or password \(HTTP 401\)/));
    }
  });
}

test("nothing that is said over plain HTTP can be read on the way, in either direction", async (context) => {
  const { client, wire, provider } = await lab(context);
  provider.answer = () => ({ Answer: "the answer", ReturnValue: 0 });
  await client.invoke(thing, "Ask", { Question: "the question" });
  const heard = wire.heard.toString("latin1");
  assert.ok(heard.includes("Encrypted Boundary") && heard.includes("Negotiate TlRMTVNTUA"));
  for (const secret of ["Envelope", "the question", "the answer", "gehe", Buffer.from(password).toString("base64").slice(0, 8)]) assert.ok(!heard.includes(secret), secret);
});

/** Changes the last byte before the closing boundary of a sealed message: the end of the cipher text. */
function spoil(data: Buffer): Buffer {
  const copy = Buffer.from(data);
  const end = copy.lastIndexOf("--Encrypted Boundary--");
  if (end > 0) copy[end - 1] = (copy[end - 1] ?? 0) ^ 0x20;
  return copy;
}

test("a sealed request that is changed on the way is not acted on, one that follows is", async (context) => {
  const { client, wire, provider } = await lab(context);
  wire.onRequest = spoil;
  await assert.rejects(client.invoke(thing, "Ask", {}), refused("http", /The host could not open the sealed request: it was changed on the way/));
  assert.deepEqual([provider.invoked.length, wire.connections], [0, 1]);
  wire.onRequest = (data) => data;
  assert.equal((await client.invoke(thing, "Ask", {})).ReturnValue, 0);
  assert.equal(wire.connections, 2);
});

test("a sealed answer that is changed on the way, or said in clear, is not believed", async (context) => {
  const { client, wire } = await lab(context);
  assert.equal((await client.identify()).vendor, "Microsoft Corporation");
  wire.onAnswer = spoil;
  await assert.rejects(client.identify(), refused("http", /The seal of a message does not match/));
  const forged = writeAnswer("x", "", "<w:Forged xmlns:w='urn:x'/>");
  wire.onAnswer = (data) => (data.includes("multipart/encrypted") ? Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: ${Buffer.byteLength(forged)}\r\n\r\n${forged}`) : data);
  await assert.rejects(client.get(thing), refused("http", /The answer is not sealed, so it may be anybody's/));
  wire.onAnswer = (data) => (data.includes("multipart/encrypted") ? Buffer.from("HTTP/1.1 500 No\r\nContent-Type: application/soap+xml\r\nContent-Length: 1\r\n\r\nx") : data);
  await assert.rejects(client.get(thing), refused("http", /HTTP 500 without a sealed fault/));
  wire.onAnswer = (data) => data;
  assert.equal((await client.identify()).vendor, "Microsoft Corporation");
});

test("a host that restarts, and has forgotten who we are, is logged on to again", async (context) => {
  const { client, wire, server } = await lab(context);
  await client.identify();
  await server.close();
  await sleep(20);
  const again = await startWsmanServer({ provider: new TestProvider(1), programs: new TestPrograms(), listen: { host: "127.0.0.1", port: server.port }, computerName: "HV1", ...waysIn });
  context.after(() => again.close());
  assert.equal((await client.identify()).vendor, "Microsoft Corporation");
  assert.equal(wire.connections, 2);
});

test("as long as a host has not let anybody in, one tries and the others take its word: many wrong passwords at once lock an account", async (context) => {
  let asked = 0;
  const secretOf = () => {
    asked++;
    return "other";
  };
  const { client } = await lab(context, { negotiate: { secretOf } });
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => client.identify()));
  assert.ok(outcomes.every((one) => one.status === "rejected" && one.reason instanceof WsmanTransportError && one.reason.kind === "unauthorized"));
  assert.equal(asked, 1);
});

test("who waits for a connection can give up, and holds nobody up", async (context) => {
  const { client, provider } = await lab(context, waysIn, { connectionsMax: 1 });
  const gate = Promise.withResolvers<void>();
  provider.answer = async () => {
    await gate.promise;
    return { ReturnValue: 0 };
  };
  const first = client.invoke(thing, "Wait", {});
  const controller = new AbortController();
  const waiting = client.identify(controller.signal);
  const last = client.identify();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  gate.resolve();
  assert.equal((await first).ReturnValue, 0);
  assert.equal((await last).vendor, "Microsoft Corporation");
});

/** TLS that ends in the middle: another certificate towards the client, and a connection of its own to the host. */
async function manInTheMiddle(context: TestContext, port: number): Promise<{ readonly url: string; readonly fingerprint: string }> {
  const own = await testCertificate();
  const server = createTlsServer({ key: own.key, cert: own.cert }, (client) => {
    const host = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    client.pipe(host).pipe(client);
    for (const [one, other] of [[client, host], [host, client]] as const) one.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/wsman`, fingerprint: own.fingerprint };
}

test("a log-on that somebody passes on to the host through TLS of their own is refused", async (context) => {
  const { server } = await lab(context, { negotiate: waysIn.negotiate, tls: certificate });
  const { url, fingerprint } = await manInTheMiddle(context, server.port);
  await assert.rejects(connectTo(context, url, { tlsFingerprint: fingerprint, authentication: "negotiate" }).identify(), refused("unauthorized", /refuses the user or password/));
  const { server: careless } = await lab(context, { negotiate: { ...waysIn.negotiate, cbtHardeningLevel: "none" }, tls: certificate });
  const other = await manInTheMiddle(context, careless.port);
  assert.equal((await connectTo(context, other.url, { tlsFingerprint: other.fingerprint }).identify()).vendor, "Microsoft Corporation");
});

/** A host that takes tokens in SPNEGO only, and nothing but Identify. */
async function spnegoHost(context: TestContext): Promise<string> {
  const server = createServer();
  const states = new WeakMap<object, NegotiateAcceptor>();
  const sessions = new WeakMap<object, Parameters<typeof openMessage>[0]>();
  server.on("request", async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const session = sessions.get(request.socket);
    const token = Buffer.from(/^Negotiate (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "", "base64");
    if (session) {
      const { contentType } = openMessage(session, request.headers["content-type"] ?? "", Buffer.concat(chunks));
      return void response.writeHead(200, { "Content-Type": sealedContentType }).end(sealMessage(session, { contentType, body: Buffer.from(writeAnswer("x", "", "<i xmlns:wsmid='urn:x'/>")) }));
    }
    if (token.toString("latin1").startsWith("NTLMSSP")) return void response.writeHead(401, { "WWW-Authenticate": ["Negotiate", "Kerberos"] }).end();
    const acceptor = states.get(request.socket) ?? new NegotiateAcceptor({ secretOf: () => password, computerName: "HV1", version: { major: 10, minor: 0, build: 0 }, cbtHardeningLevel: "relaxed", channelBinding: null });
    states.set(request.socket, acceptor);
    const step = await acceptor.step(token);
    if (step.kind === "accepted") sessions.set(request.socket, step.accepted.session);
    const answer = step.kind !== "refused" && step.token ? { "WWW-Authenticate": `Negotiate ${step.token.toString("base64")}` } : {};
    response.writeHead(step.kind === "accepted" ? 200 : 401, answer).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/wsman`;
}

test("a host that takes no NTLM but in SPNEGO gets it so", async (context) => {
  const client = connectTo(context, await spnegoHost(context), { authentication: "negotiate" });
  for (let count = 0; count < 5; count++) assert.deepEqual(await client.identify(), { vendor: "", version: "" });
});

test("hosts that cannot be logged on to say why: no Negotiate, no known scheme, no 401, an end in the middle", async (context) => {
  const cases: readonly (readonly [number, Record<string, string | string[]>, WsmanTransportError["kind"], RegExp])[] = [
    [401, { "WWW-Authenticate": 'Basic realm="a, Negotiate b"' }, "unauthorized", /offers no way .* but basic\. Allow Negotiate there/], [401, { "WWW-Authenticate": ["Kerberos", "CredSSP"] }, "unauthorized", /but kerberos, credssp/],
    [401, {}, "unauthorized", /but nothing/], [401, { "WWW-Authenticate": "Negotiate, Kerberos" }, "unauthorized", /takes no NTLM in Negotiate/], [401, { "WWW-Authenticate": "Negotiate TlRMTVNTUAACAAAA" }, "http", /no NTLM message of type 2/],
    [401, { "WWW-Authenticate": "Negotiate AAAA" }, "http", /neither NTLM nor SPNEGO/], [200, {}, "http", /HTTP 200 to the first message/], [503, {}, "http", /HTTP 503 to the first message/],
  ];
  for (const [status, headers, kind, message] of cases) {
    const server = createServer((request, response) => request.resume().on("end", () => response.writeHead(status, headers).end()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => server.close());
    await assert.rejects(connectTo(context, `http://127.0.0.1:${(server.address() as AddressInfo).port}/wsman`, { authentication: "negotiate" }).identify(), refused(kind, message));
  }
  const { client, wire } = await lab(context);
  wire.onAnswer = (data) => {
    if (data.includes("Negotiate TlRM")) setTimeout(() => wire.cut(), 5);
    return Buffer.from(data.toString("latin1").replace("keep-alive", "close"), "latin1");
  };
  await assert.rejects(client.identify(), refused("unreachable", /in the middle of the log-on|cannot be reached/));
});
