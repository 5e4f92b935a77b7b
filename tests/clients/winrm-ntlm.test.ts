import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { startEmulatedHost, type EmulatedHost } from "@signet/emulator";
import { missingPrograms } from "../cloud/client-command.ts";
import { missingModules, runScript } from "./debian-python.ts";

// A letter beyond ASCII, a colon, and what shells and URLs would take amiss.
const password = "geheim:ü %41&'";
// curl writes a password's bytes as if each were a letter.
const asciiPassword = "geheim:%41&'";
const wmi = "http://schemas.microsoft.com/wbem/wsman/1/wmi";
const identify = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>';

/** MD4, which OpenSSL 3 keeps in a provider that is off by default and ntlm-auth asks OpenSSL for. */
const legacyOpenssl = "openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = on\nlegacy = on\n[on]\nactivate = 1\n";

/** `protocol(user, …)` over NTLM, and `attempt(…)`, which prints what a message was answered by, or the error's name. */
const prelude = `
identify = os.environ["IDENTIFY"]
def protocol(user="Administrator", given=password, **options): return Protocol(endpoint=url, username=user, password=given, server_cert_validation="ignore", **{"transport": "ntlm", **options})
def attempt(one, message=identify):
    try: out(one.send_message(message))
    except Exception as error: out(type(error).__name__, str(error))
`;

describe("clients that others wrote log on to an emulated host", { skip: missingModules(["winrm", "requests_ntlm"], "python3-winrm") || missingPrograms("curl") }, () => {
  let folder: string;
  const hosts: EmulatedHost[] = [];
  let host: EmulatedHost;
  let secureHost: EmulatedHost;
  let openHost: EmulatedHost;
  let curlHost: EmulatedHost;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-ntlm-"));
    const path = (name: string) => join(folder, name);
    await writeFile(path("openssl.cnf"), legacyOpenssl);
    makeCertificates();
    const tls = { key: await readFile(path("host.key")), cert: await readFile(path("host.pem")) };
    const common = { listen: { host: "127.0.0.1", port: 0 }, release: "2022", user: "Administrator", password, machines: "instant", clock: "auto" } as const;
    const start = async (name: string, options: Partial<Parameters<typeof startEmulatedHost>[0]> = {}) => {
      const started = await startEmulatedHost({ ...common, name, dataDir: path(name), ...options });
      hosts.push(started);
      return started;
    };
    host = await start("hv1");
    secureHost = await start("hv2", { tls, cbtHardeningLevel: "strict", certificateMapping: { authority: await readFile(path("people.pem")), subject: "signet@localhost" } });
    openHost = await start("hv3", { allowUnencrypted: true });
    curlHost = await start("hv4", { tls, password: asciiPassword });
  });

  after(async () => {
    for (const one of hosts) await one.close();
    await rm(folder, { recursive: true, force: true });
  });

  function makeCertificates(): void {
    const openssl = (...parameters: string[]) => execFileSync("openssl", parameters, { cwd: folder, stdio: "ignore" });
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl("req", "-x509", ...newKey, "-keyout", "host.key", "-out", "host.pem", "-days", "2", "-subj", "/CN=hv2");
    openssl("req", "-x509", ...newKey, "-keyout", "people.key", "-out", "people.pem", "-days", "2", "-subj", "/CN=people");
    for (const name of ["signet", "other"]) {
      openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`, "-addext", "extendedKeyUsage=clientAuth", "-addext", `subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:${name}@localhost`);
      openssl("x509", "-req", "-in", `${name}.csr`, "-CA", "people.pem", "-CAkey", "people.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out", `${name}.pem`);
    }
  }

  const python = (script: string, { url }: EmulatedHost = host): Promise<unknown[]> => runScript(prelude + script, { url, password, cwd: folder, environment: { OPENSSL_CONF: join(folder, "openssl.cnf"), IDENTIFY: identify } });

  const product = /<wsmid:ProductVendor>Microsoft Corporation<\/wsmid:ProductVendor><wsmid:ProductVersion>OS: 10\.0\.20348 SP: 0\.0 Stack: 3\.0<\/wsmid:ProductVersion>/;

  test("python3-winrm seals by default over HTTP, under every name of the account", async () => {
    const answers = await python(`
for user in ("Administrator", "ADMINISTRATOR", "HV1\\\\administrator", ".\\\\Administrator", "administrator@hv1", "ELSEWHERE\\\\Administrator"):
    for encryption in ("auto", "always"):
        attempt(protocol(user, message_encryption=encryption))
`) as [string][];
    assert.equal(answers.length, 12);
    for (const [answer] of answers) assert.match(answer, product);
  });

  test("commands, questions, faults and long answers are sealed alike, a thousand of them on one connection", async () => {
    const answers = await python(`
session = winrm.Session(url, auth=("Administrator", password), transport="ntlm")
def ran(answer): out(answer.status_code, answer.std_out, answer.std_err)
ran(session.run_cmd("hostname"))
ran(session.run_cmd("nosuch"))
one = protocol(message_encryption="always")
attempt(one, envelope("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate", "${wmi}/root/virtualization/v2/*", '<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>1000</w:MaxElements><w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">SELECT * FROM Msvm_ResourceAllocationSettingData</w:Filter></n:Enumerate>'))
try: one.send_message(envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", "${wmi}/root/cimv2/Win32_Nothing", ""))
except Exception as error: out(type(error).__name__, str(error))
sent = sum(len(one.send_message(identify)) > 300 for _ in range(1000))
adapters = one.transport.session.adapters["http://"].poolmanager.pools
out(sent, [pool.num_connections for pool in adapters._container.values()])
`) as [[number, string, string], [number, string, string], [string], [string, string], [number, number[]]];
    assert.deepEqual(answers.slice(0, 2), [[0, "HV1\r\n", ""], [1, "", "'nosuch' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"]]);
    assert.ok(answers[2][0].length > 20_000 && answers[2][0].includes("EndOfSequence"));
    // It gives a fault's text to whoever asks, and reads it sealed.
    assert.match(answers[3].join(" "), /Win32_Nothing|fault/i);
    assert.deepEqual(answers[4], [1000, [1]]);
  });

  test("a wrong user or password is refused at once; a message in clear over HTTP is refused as by a real host", async () => {
    const answers = await python(`
attempt(protocol(given="wrong", message_encryption="always"))
attempt(protocol(user="nobody", message_encryption="always"))
attempt(protocol(given="", message_encryption="auto"))
attempt(protocol(message_encryption="never"))
`) as [string, string][];
    assert.deepEqual(answers.map(([name]) => name), ["InvalidCredentialsError", "InvalidCredentialsError", "InvalidCredentialsError", "WinRMTransportError"]);
    assert.match(answers[3]?.[1] ?? "", /Code 500/);
    assert.match(((await python('attempt(protocol(message_encryption="never"))', openHost)) as [[string]])[0][0], product);
  });

  test("over TLS it binds the log-on to the certificate, and a host that insists refuses one that does not", async () => {
    const answers = await python(`
for encryption in ("auto", "always", "never"):
    attempt(protocol(message_encryption=encryption))
attempt(protocol(send_cbt=False))
attempt(protocol(given="wrong"))
session = winrm.Session(url, auth=("Administrator", password), transport="ntlm", server_cert_validation="ignore")
for _ in range(3): out(session.run_cmd("hostname").std_out)
`, secureHost) as [string][];
    for (const [answer] of answers.slice(0, 3)) assert.match(answer, product);
    assert.deepEqual(answers.slice(3).map(([answer]) => answer), ["InvalidCredentialsError", "InvalidCredentialsError", "HV2\r\n", "HV2\r\n", "HV2\r\n"]);
  });

  test("a certificate that is mapped to the account logs on, another does not", async () => {
    const answers = await python(`
for name in ("signet", "other"):
    attempt(protocol(user="", given="", transport="certificate", cert_pem=name + ".pem", cert_key_pem=name + ".key"))
session = winrm.Session(url, auth=("", ""), transport="certificate", cert_pem="signet.pem", cert_key_pem="signet.key", server_cert_validation="ignore")
out(session.run_cmd("hostname").std_out)
`, secureHost) as [string][];
    assert.match(answers[0]?.[0] ?? "", product);
    assert.deepEqual(answers.slice(1).map(([answer]) => answer), ["InvalidCredentialsError", "HV2\r\n"]);
  });

  /** Status and body of what curl was answered. */
  async function curl({ url }: EmulatedHost, user: string, ...options: readonly string[]): Promise<{ readonly status: string; readonly body: string }> {
    const { stdout: text } = await promisify(execFile)("curl", ["--silent", "--show-error", "--insecure", "--max-time", "10", "--user", user, "--header", "Content-Type: application/soap+xml;charset=UTF-8", "--data-binary", identify, "--write-out", "\n%{http_code}", ...options, url]);
    const end = text.lastIndexOf("\n");
    return { status: text.slice(end + 1), body: text.slice(0, end) };
  }

  test("curl logs on by NTLM over TLS, several times on one connection", async () => {
    const { status, body } = await curl(curlHost, `Administrator:${asciiPassword}`, "--ntlm");
    assert.equal(status, "200");
    assert.match(body, product);
    const both = await curl(curlHost, `HV4\\administrator:${asciiPassword}`, "--ntlm", curlHost.url);
    assert.match(both.body, new RegExp(`${product.source}[^]*${product.source}`));
    assert.deepEqual(await curl(curlHost, "Administrator:wrong", "--ntlm"), { status: "401", body: "" });
    assert.deepEqual(await curl(curlHost, `nobody:${asciiPassword}`, "--ntlm"), { status: "401", body: "" });
    assert.match((await curl(curlHost, `Administrator:${asciiPassword}`, "--basic")).body, product);
  });

  test("curl, which seals nothing, is refused over plain HTTP after it has logged on", async () => {
    const plain = await startEmulatedHost({ name: "hv5", release: "2022", dataDir: join(folder, "hv5"), listen: { host: "127.0.0.1", port: 0 }, user: "Administrator", password: asciiPassword, machines: "instant", clock: "auto" });
    hosts.push(plain);
    assert.deepEqual(await curl(plain, `Administrator:${asciiPassword}`, "--ntlm"), { status: "500", body: "" });
    assert.match((await curl(plain, `Administrator:${asciiPassword}`, "--basic")).body, product);
  });
});
