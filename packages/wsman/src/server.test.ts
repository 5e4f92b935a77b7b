import assert from "node:assert/strict";
import { Agent, request, type IncomingMessage, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { LostConnection } from "./faults.ts";
import { ACTION, NS } from "./namespaces.ts";
import { classUri } from "./resource.ts";
import { requestBytesMax, startWsmanServer, type WsmanServerOptions } from "./server.ts";
import { readBatch, readTestAnswer, testEnumerate, testNamespace, TestPrograms, TestProvider, testRequest } from "./test-provider.ts";
import { childText } from "./xml/read.ts";

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
const soap = "application/soap+xml;charset=UTF-8";
const enumerate = testRequest({ action: ACTION.enumerate, body: testEnumerate("SELECT * FROM Test_Thing") });
const identify = `<s:Envelope xmlns:s="${NS.s}" xmlns:wsmid="${NS.wsmid}"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>`;

async function lab(context: TestContext, options: Partial<WsmanServerOptions> = {}) {
  const provider = new TestProvider(3);
  const server = await startWsmanServer({ provider, programs: new TestPrograms(), authenticateBasic: (user, password) => user === "Administrator" && password === "geheim:ü", listen: { host: "127.0.0.1", port: 0 }, computerName: "HV1", ...options });
  context.after(() => server.close());
  const post = (body: string | Buffer, more: RequestOptions = {}) => exchange(server.port, body, more);
  return { server, provider, post };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly response: IncomingMessage;
  /** Of the connection that the answer came on. */
  readonly localPort: number | undefined;
}

function exchange(port: number, body: string | Buffer, { headers, ...more }: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/wsman", agent: false, headers: { "Content-Type": soap, Authorization: basic("Administrator", "geheim:ü"), ...(headers as Record<string, string>) }, ...more }, (response) => {
      const chunks: Buffer[] = [];
      const { localPort } = response.socket;
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8"), response, localPort })).on("error", reject);
    });
    sent.on("error", reject).end(body);
  });
}

test("without credentials the answer is 401 with the list of schemes, as openwsman expects it first", async (context) => {
  const { post } = await lab(context);
  const wrong = ["", "Basic", "Basic !!!", "Basic eA==", basic("Administrator", "wrong"), basic("", ""), "Negotiate TlRMTVNTUAAB", "Bearer x"];
  for (const authorization of wrong) {
    const { status, text, response } = await post(enumerate, { headers: { Authorization: authorization } });
    assert.deepEqual([status, text, response.headers["www-authenticate"]], [401, "", 'Basic realm="WSMAN"'], authorization);
  }
  assert.equal((await post(enumerate)).status, 200);
  // As Python's requests write it.
  const latin = `Basic ${Buffer.from("Administrator:geheim:ü", "latin1").toString("base64")}`;
  assert.equal((await post(enumerate, { headers: { Authorization: latin } })).status, 200);
});

test("a connection stays open from the refusal over faults to the answer", async (context) => {
  const { post, server } = await lab(context);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  const ports = new Set<number | undefined>();
  for (const [headers, body, status] of [[{ Authorization: "" }, enumerate, 401], [{}, "nonsense", 500], [{}, enumerate, 200], [{ "Content-Type": "text/plain" }, enumerate, 415], [{}, enumerate, 200]] as const) {
    const answer = await post(body, { headers: { ...headers }, agent });
    assert.equal(answer.status, status);
    ports.add(answer.localPort);
  }
  assert.deepEqual([ports.size, server.url], [1, `http://127.0.0.1:${server.port}/wsman`]);
});

test("answers have the type, the length and the fault status that foreign clients accept", async (context) => {
  const { post } = await lab(context);
  const { response, text } = await post(enumerate);
  assert.deepEqual([response.headers["content-type"], Number(response.headers["content-length"]), response.headers.server], [soap, Buffer.byteLength(text), "Microsoft-HTTPAPI/2.0"]);
  const fault = await post(testRequest({ action: ACTION.get, resourceUri: classUri(testNamespace, "Test_Thing"), selectors: { InstanceID: "no" } }));
  assert.deepEqual([fault.status, fault.response.headers["content-type"]], [500, soap]);
});

test("other paths, methods and types are refused by their status", async (context) => {
  const { post } = await lab(context);
  for (const path of ["/", "/wsmanx", "/wsman/subscriptions", "/WSMAN/../x", "/%77sman"]) assert.equal((await post(enumerate, { path })).status, 404, path);
  for (const path of ["/wsman", "/WSMAN/", "/wsman?PSVersion=5.1"]) assert.equal((await post(enumerate, { path })).status, 200, path);
  for (const method of ["GET", "PUT", "DELETE"]) {
    const { status, response } = await post("", { method });
    assert.deepEqual([status, response.headers.allow], [405, "POST"]);
  }
  for (const type of ["text/xml", "application/json", ""]) assert.equal((await post(enumerate, { headers: { "Content-Type": type } })).status, 415, type);
});

test("a body that is too large is refused with 413, and the refusal is heard", async (context) => {
  const { post } = await lab(context);
  assert.equal((await post(`<a>${"x".repeat(requestBytesMax - 7)}</a>`)).status, 500);
  const { status, response } = await post("x".repeat(requestBytesMax + 1));
  assert.deepEqual([status, response.headers.connection], [413, "close"]);
  // Sent in chunks, without saying how much it will be.
  const chunked = await post(Buffer.alloc(64 * requestBytesMax), { headers: { "Transfer-Encoding": "chunked" } });
  assert.equal(chunked.status, 413);
});

test("requests in UTF-16 are read, with and without a mark of their order", async (context) => {
  const { post } = await lab(context);
  const text = testRequest({ action: ACTION.enumerate, body: testEnumerate("SELECT * FROM Test_Thing WHERE InstanceID != 'Größe'") });
  const little = Buffer.from(text, "utf16le");
  const cases: [Buffer, string][] = [
    [little, "application/soap+xml;charset=UTF-16"], [Buffer.concat([Buffer.from([0xff, 0xfe]), little]), 'application/soap+xml; charset="utf-16"'], [Buffer.concat([Buffer.from([0xff, 0xfe]), little]), "application/soap+xml"],
    [little, "application/soap+xml;charset=utf-16le"], [Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(little).swap16()]), "application/soap+xml;charset=UTF-16"], [Buffer.from(little).swap16(), "application/soap+xml;charset=utf-16be"],
    [Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]), "Application/SOAP+XML"],
  ];
  for (const [body, type] of cases) {
    const { status, text: answer } = await post(body, { headers: { "Content-Type": type } });
    assert.equal(status, 200, type);
    assert.ok(readBatch(answer).context);
  }
  assert.equal((await post(little, { headers: { "Content-Type": soap } })).status, 500);
  assert.equal((await post(Buffer.from([0x3c, 0x61, 0xff, 0xff]))).status, 500);
});

test("Identify is answered to everybody who asks for it in the way that says so", async (context) => {
  const { post } = await lab(context);
  const version = ({ text }: Answer) => childText(readTestAnswer(text).body, NS.wsmid, "ProductVersion");
  assert.equal(version(await post(identify)), "OS: 10.0.20348 SP: 0.0 Stack: 3.0");
  const anonymous = { Authorization: "", WSMANIDENTIFY: "unauthenticated" };
  assert.equal(version(await post(identify, { headers: anonymous })), "OS: 0.0.0 SP: 0.0 Stack: 3.0");
  assert.equal((await post(identify, { headers: { Authorization: "" } })).status, 401);
  assert.equal((await post(enumerate, { headers: anonymous })).status, 500);
});

test("nonsense on the wire and half requests do the server no harm", async (context) => {
  const { post, server } = await lab(context);
  const raw = (text: string) => new Promise<string>((resolve) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1").on("error", () => {}).on("close", () => resolve(answer));
    socket.on("data", (data) => { answer += String(data); });
    socket.write(text);
    setTimeout(() => socket.destroy(), 100);
  });
  assert.match(await raw("\0\u0001\u0002\r\n\r\n"), /^HTTP\/1.1 400/);
  assert.equal(await raw("POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"), "");
  assert.match(await raw("POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), /400|401/);
  assert.equal((await post(enumerate)).status, 200);
});

test("a provider that goes down breaks the connection instead of answering", async (context) => {
  const { post, provider } = await lab(context);
  provider.answer = () => { throw new LostConnection("down"); };
  const uri = classUri(testNamespace, "Test_Thing");
  await assert.rejects(post(testRequest({ action: `${uri}/M`, resourceUri: uri, body: `<i:M_INPUT xmlns:i="${uri}"/>` })), { code: "ECONNRESET" });
  assert.equal((await post(enumerate)).status, 200);
});

test("passwords do not cross a network in clear unless somebody says so", async (context) => {
  const options = { provider: new TestProvider(0), programs: new TestPrograms(), authenticateBasic: () => true, computerName: "HV1" };
  await assert.rejects(startWsmanServer({ ...options, listen: { host: "0.0.0.0", port: 0 } }), /0\.0\.0\.0 is not a loopback address/);
  const { server } = await lab(context);
  await assert.rejects(startWsmanServer({ ...options, listen: { host: "127.0.0.1", port: server.port } }), { code: "EADDRINUSE" });
});

test("closing ends open connections at once", async (context) => {
  const { server } = await lab(context);
  const socket = connect(server.port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.on("close", resolve).on("error", () => {}));
  await new Promise((resolve) => socket.on("connect", resolve));
  await server.close();
  await closed;
});
