import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LoginConnection } from "./authorization.ts";
import { chooseAuthorization, type AuthorizationOptions } from "./choose-authorization.ts";

const basic = `Basic ${Buffer.from("admin:secret").toString("base64")}`;

function options(url: string, changes: Partial<AuthorizationOptions> = {}): AuthorizationOptions {
  return { url: new URL(url), user: "admin", password: "secret", authentication: undefined, hasCertificate: false, allowUnencrypted: false, ...changes };
}

/** A host that offers Basic only, and what it was shown. */
function basicOnly(): { readonly connection: LoginConnection; readonly shown: string[] } {
  const shown: string[] = [];
  const ask = async (authorization: string) => {
    shown.push(authorization);
    return { status: 401, challenges: ['Basic realm="WSMAN"'], certificate: null };
  };
  return { connection: { address: "host", ask }, shown };
}

describe("the way to log on", () => {
  test("over plain HTTP to another computer is Negotiate alone: one that asks for Basic never sees the password", async () => {
    const { connection, shown } = basicOnly();
    await assert.rejects(chooseAuthorization(options("http://10.0.0.5:5985/wsman")).login(connection), /offers no way of logging on that is asked for here.*basic.*Allow Negotiate there/);
    assert.ok(shown.length > 0 && shown.every((authorization) => authorization.startsWith("Negotiate ")));
  });

  test("over TLS or on loopback falls back to Basic where the host offers no more", async () => {
    for (const url of ["https://10.0.0.5:5986/wsman", "http://127.0.0.1:5985/wsman", "http://localhost:5985/wsman", "http://[::1]:5985/wsman"]) {
      const session = await chooseAuthorization(options(url)).login(basicOnly().connection);
      const { headers } = session.write({ contentType: "text/plain", body: Buffer.alloc(0) });
      assert.equal(headers["Authorization"], basic, url);
    }
  });

  test("is refused in words where it would show the password, or cannot be meant", () => {
    assert.throws(() => chooseAuthorization(options("http://10.0.0.5:5985/wsman", { authentication: "basic" })), /Basic would send the password to 10\.0\.0\.5:5985 in clear\. Use https/);
    assert.throws(() => chooseAuthorization(options("http://127.0.0.1:5985/wsman", { authentication: "kerberos" })), /over https only/);
    assert.throws(() => chooseAuthorization(options("https://10.0.0.5:5986/wsman", { authentication: "certificate" })), /needs an https address, and clientCertificate/);
    assert.doesNotThrow(() => chooseAuthorization(options("http://10.0.0.5:5985/wsman", { authentication: "basic", allowUnencrypted: true })));
  });
});
