import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { WsmanClient, WsmanTransportError, type WsmanClientOptions } from "../client.ts";
import { startWsmanServer, type WsmanServerOptions } from "../server.ts";
import { testCertificate } from "../test-certificate.ts";
import { testNamespace, TestPrograms, TestProvider } from "../test-provider.ts";
import { principalNameOf } from "./certificate-scheme.ts";
import { principalName, TestAuthority } from "./test-authority.ts";

test("the principal name is read from a certificate, and nothing that only looks like one", async (context) => {
  const authority = await TestAuthority.make(context);
  const nameOf = async (...names: string[]) => principalNameOf(new X509Certificate((await authority.issue(names)).cert));
  assert.equal(await nameOf(principalName("signet@localhost")), "signet@localhost");
  assert.equal(await nameOf("DNS = a.example", principalName("ä b@c"), "IP = 127.0.0.1"), "ä b@c");
  for (const names of [[], ["DNS = othername:UPN:signet@localhost"], ["email = signet@localhost"], [principalName("x, othername:UPN:signet@localhost")]]) assert.equal(await nameOf(...names), null, names.join());
});

test("a certificate logs on as the user that it is mapped to; others, and those that are out of date or of another authority, do not", async (context) => {
  const [tls, authority, strangers] = [await testCertificate(), await TestAuthority.make(context), await TestAuthority.make(context)];
  const options: WsmanServerOptions = {
    provider: new TestProvider(120), programs: new TestPrograms(), listen: { host: "127.0.0.1", port: 0 }, computerName: "HV1", tls,
    certificates: { authority: await authority.certificate, userOf: (certificate) => (principalNameOf(certificate) === "signet@localhost" ? "signet" : null) },
    authenticateBasic: (user, password) => user === "a" && password === "b",
  };
  const server = await startWsmanServer(options);
  context.after(() => server.close());
  const connectTo = (more: Partial<WsmanClientOptions>) => {
    const client = new WsmanClient({ url: server.url, user: "", password: "", tlsFingerprint: tls.fingerprint, ...more });
    context.after(() => client.close());
    return client;
  };
  const mapped = await authority.issue([principalName("signet@localhost")]);
  for (const authentication of ["certificate", undefined] as const) {
    const client = connectTo({ clientCertificate: mapped, authentication });
    assert.equal((await client.query(testNamespace, "SELECT * FROM Test_Thing")).length, 120);
    assert.equal((await Promise.all(Array.from({ length: 20 }, () => client.identify()))).length, 20);
  }
  const refused = [
    await authority.issue([principalName("other@localhost")]), await authority.issue([]), await strangers.issue([principalName("signet@localhost")]), await authority.issue([principalName("signet@localhost")], -1),
    await authority.issue([principalName("signet@localhost")], 2, "serverAuth"),
  ];
  for (const [index, clientCertificate] of refused.entries()) {
    await assert.rejects(connectTo({ clientCertificate }).identify(), (error: unknown) => error instanceof WsmanTransportError && error.kind === "unauthorized" && /must be mapped to a local user/.test(error.message), String(index));
    // It is no hindrance where the log-on is another.
    assert.equal((await connectTo({ clientCertificate, authentication: "basic", user: "a", password: "b" }).identify()).vendor, "Microsoft Corporation");
  }
  assert.equal((await connectTo({ user: "a", password: "b" }).identify()).vendor, "Microsoft Corporation");
});

test("a certificate without its key, or over plain HTTP, is refused with what to do", () => {
  const options = { url: "http://127.0.0.1/wsman", user: "", password: "" };
  assert.throws(() => new WsmanClient({ ...options, authentication: "certificate", clientCertificate: { cert: "x", key: "y" } }), /needs an https address/);
  assert.throws(() => new WsmanClient({ ...options, url: "https://127.0.0.1/wsman", authentication: "certificate" }), /clientCertificate with cert and key/);
});
