import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CimValue } from "./cim.ts";
import { WsmanClient, WsmanTransportError, type WsmanClientOptions } from "./client.ts";
import { answerBytesMax, basicAuthorization, Transport } from "./client/transport.ts";
import { writeAnswer } from "./envelope.ts";
import { accessDenied, LostConnection, wmiFailure, WsmanFault } from "./faults.ts";
import { ACTION } from "./namespaces.ts";
import { startWsmanServer, type WsmanServerOptions } from "./server.ts";
import { testCertificate } from "./test-certificate.ts";
import { testNamespace, TestPrograms, TestProvider } from "./test-provider.ts";
import { valueOf } from "./cim-xml.ts";

const password = "gehe:im <&> ü";
const thing = { kind: "reference", namespace: testNamespace, className: "Test_Thing", keys: { InstanceID: "Microsoft:1" } } as const;

async function lab(context: TestContext, options: Partial<WsmanServerOptions> = {}, clientOptions: Partial<WsmanClientOptions> = {}) {
  const provider = new TestProvider(120);
  const programs = new TestPrograms();
  const server = await startWsmanServer({ provider, programs, authenticateBasic: (user, given) => user === "Administrator" && given === password, listen: { host: "127.0.0.1", port: 0 }, computerName: "HV1", ...options });
  context.after(() => server.close());
  return { provider, programs, server, client: connectTo(context, server.url, clientOptions) };
}

function connectTo(context: TestContext, url: string, options: Partial<WsmanClientOptions> = {}): WsmanClient {
  const client = new WsmanClient({ url, user: "Administrator", password, operationTimeoutMs: 5000, ...options });
  context.after(() => client.close());
  return client;
}

async function listen(context: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/wsman`;
}

const serve = (context: TestContext, listener: RequestListener) => listen(context, createServer(listener));

const transport = (kind: WsmanTransportError["kind"], message: RegExp = /./) => (error: unknown) => {
  assert.ok(error instanceof WsmanTransportError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, message);
  assert.ok(!error.message.includes("gehe") && !String(error.cause).includes("gehe"));
  return true;
};

test("asks who is there, gets an instance, and queries through as many pulls as it takes", async (context) => {
  const { client } = await lab(context);
  assert.deepEqual(await client.identify(), { vendor: "Microsoft Corporation", version: "OS: 10.0.20348 SP: 0.0 Stack: 3.0" });
  assert.equal(valueOf(await client.get(thing), "Number"), "1");
  const all = await client.query(testNamespace, "SELECT * FROM Test_Thing");
  assert.deepEqual(all.map((one) => valueOf(one, "InstanceID")), Array.from({ length: 120 }, (_, index) => `Microsoft:${index}`));
  assert.deepEqual(await client.query(testNamespace, "SELECT * FROM Test_Thing WHERE Number = 999"), []);
  assert.equal((await client.query(testNamespace, "SELECT InstanceID FROM Test_Thing WHERE Number < 3")).length, 3);
});

test("what a client sends is what a provider gets, and the other way round", async (context) => {
  const { client, provider } = await lab(context);
  const time = { kind: "datetime", native: "20251217095522.702341+000" } as const;
  const interval = { kind: "datetime", native: "00000000000030.500000:000" } as const;
  provider.answer = () => ({ Job: thing, Nothing: null, Many: ["<&>", "\r\n"], When: time, ReturnValue: 4096 });
  const result = await client.invoke(thing, "Change", { Text: "a<&>]]>\"'\u0007ü", Empty: "", Number: 5, Big: 2n ** 64n - 1n, Flag: true, None: null, Absent: undefined, List: ["x", "y"], Target: thing, Targets: [thing, thing], When: time, Delay: interval, Settings: { kind: "instance", className: "Test_Settings", properties: { a: { type: "string", array: false, value: "b" } } } });
  assert.deepEqual(result, { Job: thing, Nothing: null, Many: ["<&>", "\r\n"], When: time, ReturnValue: 4096 });
  const wanted: Record<string, CimValue> = { Text: "a<&>]]>\"'\ufffdü", Empty: "", Number: "5", Big: "18446744073709551615", Flag: "true", List: ["x", "y"], Target: thing, Targets: [thing, thing], When: time, Delay: interval, Settings: '<INSTANCE CLASSNAME="Test_Settings"><PROPERTY NAME="a" TYPE="string"><VALUE>b</VALUE></PROPERTY></INSTANCE>' };
  assert.deepEqual(provider.invoked.map(({ target, method, input }) => [target, method, input]), [[thing, "Change", wanted]]);
});

test("a host's no is a fault with its code and its numbers", async (context) => {
  const { client, provider } = await lab(context);
  await assert.rejects(client.get({ ...thing, keys: { InstanceID: "no" } }), (error: unknown) => error instanceof WsmanFault && error.subcode === "a:DestinationUnreachable" && error.wmiCode === 0x80041002);
  await assert.rejects(client.query(testNamespace, "SELECT nonsense"), (error: unknown) => error instanceof WsmanFault && error.subcode === "n:CannotProcessFilter");
  for (const fault of [accessDenied("not you"), wmiFailure(0x800706ba, "vmms is gone")]) {
    provider.answer = () => { throw fault; };
    await assert.rejects(client.invoke(thing, "M", {}), (error: unknown) => error instanceof WsmanFault && error.reason === fault.reason && error.wmiCode === fault.wmiCode && error.code === fault.code);
  }
});

test("a wrong password, a wrong path and a stranger's answer are told apart", async (context) => {
  const { server } = await lab(context);
  await assert.rejects(connectTo(context, server.url, { password: "gehe wrong" }).identify(), transport("unauthorized", /HTTP 401/));
  await assert.rejects(connectTo(context, server.url.replace("wsman", "other")).identify(), transport("http", /answers HTTP 404/));
  const answers: [number, string, RegExp][] = [[200, "<html/>", /root <html>/], [200, "", /cannot be read/], [500, "", /HTTP 500 without a fault/], [302, "", /HTTP 302/], [200, "x".repeat(100), /cannot be read/], [500, "<!DOCTYPE x><x/>", /cannot be read/]];
  for (const [status, text, message] of answers) {
    const url = await serve(context, (_request, response) => response.writeHead(status, status === 302 ? { location: "http://127.0.0.1/elsewhere" } : {}).end(text));
    await assert.rejects(connectTo(context, url).get(thing), message, `${status} ${text}`);
  }
  const other = await serve(context, (_request, response) => response.end(writeAnswer("x", "", "<p:M_OUTPUT xmlns:p='urn:x'><p:ReturnValue>many</p:ReturnValue></p:M_OUTPUT>")));
  await assert.rejects(connectTo(context, other).invoke(thing, "M", {}), /no ReturnValue/);
  await assert.rejects(connectTo(context, await serve(context, (_request, response) => response.end(writeAnswer("x", "", "")))).get(thing), /holds no instance/);
});

test("nobody there, a reset and an end in the middle are unreachable", async (context) => {
  await assert.rejects(connectTo(context, "http://127.0.0.1:1/wsman").identify(), transport("unreachable", /127\.0\.0\.1:1\/wsman cannot be reached/));
  await assert.rejects(connectTo(context, "http://no-such-host.invalid/wsman").identify(), transport("unreachable"));
  const reset = await listen(context, createPlainServer((socket: Socket) => socket.on("error", () => {}).once("data", () => socket.resetAndDestroy())));
  await assert.rejects(connectTo(context, reset).identify(), transport("unreachable"));
  const half = await listen(context, createPlainServer((socket: Socket) => socket.on("error", () => {}).once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<s:Envel"))));
  await assert.rejects(connectTo(context, half).identify(), transport("unreachable"));
  const { client, provider } = await lab(context);
  provider.answer = () => { throw new LostConnection("down"); };
  await assert.rejects(client.invoke(thing, "M", {}), transport("unreachable"));
  assert.equal((await client.identify()).vendor, "Microsoft Corporation");
});

test("a host that does not answer in time is told from one that cannot be reached, also in the middle of an answer", async (context) => {
  const mute = await listen(context, createPlainServer((socket) => socket.on("error", () => {})));
  const stalled = await serve(context, (_request, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("<s:Envelope");
  });
  for (const url of [mute, stalled]) {
    const post = new Transport({ url, authorization: basicAuthorization("Administrator", password), tlsFingerprint: null, connectionsMax: 1 });
    context.after(() => post.close());
    // The second one shows that the first connection was given back.
    for (let count = 0; count < 2; count++) await assert.rejects(post.post("<a/>", { timeoutMs: 100 }), transport("timeout", /did not answer within 100 ms/));
  }
});

test("an aborted request ends at once with the signal's own reason, before, in the middle and between pulls", async (context) => {
  const mute = await listen(context, createPlainServer((socket) => socket.on("error", () => {})));
  const stalled = await serve(context, (_request, response) => response.writeHead(200, { "Content-Length": 1000 }).write("<s:Envelope"));
  const reason = new Error("the user went away");
  await assert.rejects(connectTo(context, mute).identify(AbortSignal.abort(reason)), reason);
  for (const url of [mute, stalled]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    const beganMs = Date.now();
    await assert.rejects(connectTo(context, url).query(testNamespace, "SELECT * FROM x", controller.signal), reason);
    assert.ok(Date.now() - beganMs < 1000);
  }
});

test("an answer without end is cut off at the limit", async (context) => {
  const blanks = Array.from({ length: 64 }, () => Buffer.alloc(1024 * 1024, 0x20));
  const url = await serve(context, (_request, response) => void Readable.from(blanks).pipe(response));
  await assert.rejects(connectTo(context, url).identify(), transport("http", new RegExp(`larger than ${answerBytesMax} bytes`)));
});

test("requests share few connections, however many there are at once", async (context) => {
  const ports = new Set<number | undefined>();
  const url = await serve(context, async (request, response) => {
    ports.add(request.socket.remotePort);
    request.resume();
    await sleep(5);
    response.end(writeAnswer(`${ACTION.get}Response`, "", "<p:A xmlns:p='urn:x'/>"));
  });
  const client = connectTo(context, url, { connectionsMax: 3 });
  await Promise.all(Array.from({ length: 30 }, () => client.get(thing)));
  assert.equal(ports.size, 3);
});

test("over TLS a pinned certificate is trusted and no other, and the password goes to nobody else", async (context) => {
  const [mine, other] = [await testCertificate(), await testCertificate()];
  const seen: string[] = [];
  const { server } = await lab(context, { tls: mine, authenticateBasic: (user) => { seen.push(user); return true; } });
  assert.match(server.url, /^https:/);
  await assert.rejects(connectTo(context, server.url).identify(), transport("tls", /Pin the certificate's SHA-256 fingerprint/));
  await assert.rejects(connectTo(context, server.url, { tlsFingerprint: other.fingerprint }).identify(), transport("tls", /is pinned\. Pin the new one only if/));
  assert.deepEqual(seen, []);
  for (const fingerprint of [mine.fingerprint, mine.fingerprint.replaceAll(":", "").toLowerCase()]) {
    const client = connectTo(context, server.url, { tlsFingerprint: fingerprint });
    for (let count = 0; count < 3; count++) assert.equal((await client.identify()).vendor, "Microsoft Corporation");
    assert.equal((await client.query(testNamespace, "SELECT * FROM Test_Thing")).length, 120);
  }
  assert.ok(seen.length > 0);
});

test("a server without TLS, or without a certificate that can be pinned, is a TLS failure", async (context) => {
  const { server } = await lab(context);
  const url = server.url.replace("http:", "https:");
  await assert.rejects(connectTo(context, url).identify(), transport("tls"));
  await assert.rejects(connectTo(context, url, { tlsFingerprint: "0".repeat(64) }).identify(), transport("tls"));
  assert.throws(() => connectTo(context, url, { tlsFingerprint: "abc" }), /64 hex digits/);
  assert.throws(() => connectTo(context, "ftp://127.0.0.1/wsman"), /use http or https/);
  assert.throws(() => connectTo(context, "http://me:secret@127.0.0.1/wsman"), (error: Error) => /holds credentials/.test(error.message) && !error.message.includes("secret"));
});

test("runs a command and gives its output as it comes, and whole", async (context) => {
  const { client, programs } = await lab(context);
  programs.begin = (program) => {
    program.print("one\r\n");
    program.print("ä".slice(0, 1));
    program.print("oops", "stderr");
    setTimeout(() => {
      program.print(Buffer.alloc(300_000, "x"));
      program.end(5);
    }, 30);
  };
  const heard: string[] = [];
  const { exitCode, stdout, stderr } = await client.runCommand('curl "a b" & c', { skipCmdShell: true, onOutput: (stream, data) => heard.push(`${stream} ${data.length}`) });
  assert.deepEqual([exitCode, stdout.length, stdout.subarray(0, 7).toString(), stderr.toString()], [5, 300_007, "one\r\nä", "oops"]);
  assert.ok(heard.length >= 3 && heard[0]?.startsWith("stdout"));
  assert.deepEqual(programs.started[0]?.command, { commandLine: 'curl "a b" & c', skipCmdShell: true });
  const silent = await client.runCommand("x", { keepOutput: false });
  assert.deepEqual([silent.exitCode, silent.stdout.length], [5, 0]);
});

test("a command that is aborted is ended on the host, and its shell is gone", async (context) => {
  const { client, programs } = await lab(context);
  const controller = new AbortController();
  const reason = new Error("enough");
  programs.begin = () => setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(client.runCommand("endless", { signal: controller.signal }), reason);
  assert.equal(programs.started[0]?.terminated, true);
  // Thirty shells are the limit: they would run out if one stayed.
  programs.begin = (program) => program.end(0);
  for (let count = 0; count < 35; count++) assert.equal((await client.runCommand("x")).exitCode, 0);
});
