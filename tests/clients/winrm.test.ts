import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startEmulatedHost, type EmulatedHost } from "@signet/emulator";
import { fetchFileScript, scriptCommandLine } from "@signet/hyperv/schema/host-scripts";
import { missingModules, runScript } from "./debian-python.ts";

const password = "geheim:ü";
const wmi = "http://schemas.microsoft.com/wbem/wsman/1/wmi";

/** `session`, `protocol` and `ran(answer)`, over Basic. */
const prelude = `
import sys
from winrm.exceptions import InvalidCredentialsError, WinRMError, WinRMTransportError
user = "Administrator"
options = dict(transport="basic", username=user, password=password, message_encryption="never", server_cert_validation="ignore")
protocol = Protocol(endpoint=url, **options)
session = winrm.Session(url, auth=(user, password), transport="basic", server_cert_validation="ignore")
def ran(answer): out(answer.status_code, answer.std_out, answer.std_err)
`;

describe("python3-winrm against an emulated host", { skip: missingModules(["winrm"], "python3-winrm") }, () => {
  let folder: string;
  let host: EmulatedHost;
  let secureHost: EmulatedHost;
  let files: Server;
  let filesUrl: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-winrm-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=hv2"], { stdio: "ignore" });
    const common = { listen: { host: "127.0.0.1", port: 0 }, user: "Administrator", password, machines: "instant", clock: "auto" } as const;
    host = await startEmulatedHost({ ...common, name: "hv1", release: "2022", dataDir: join(folder, "hv1") });
    secureHost = await startEmulatedHost({ ...common, name: "hv2", release: "2012r2", dataDir: join(folder, "hv2"), tls: { key: await readFile(key), cert: await readFile(cert) } });
    files = createServer((request, response) => {
      if (request.url !== "/slow") return void response.end("content");
      // Longer than a Receive of the client's waits.
      setTimeout(() => response.end("late content"), 3500);
    });
    await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
    filesUrl = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
  });
  after(async () => {
    await host?.close();
    await secureHost?.close();
    files?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const python = (script: string, url: string = host.url, environment: Readonly<Record<string, string>> = {}): Promise<unknown[]> => runScript(prelude + script, { url, password, environment });

  const local = (name: string, of = "hv1") => join(folder, of, "drive", name);

  test("Identify names the product and its build", async () => {
    const [[answer]] = await python(`out(protocol.send_message('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>'))`) as [[string]];
    assert.match(answer, /<wsmid:ProductVendor>Microsoft Corporation<\/wsmid:ProductVendor><wsmid:ProductVersion>OS: 10\.0\.20348 SP: 0\.0 Stack: 3\.0<\/wsmid:ProductVersion>/);
  });

  test("commands run through the shell and answer as on Windows", async () => {
    const answers = await python(`
ran(session.run_cmd("hostname"))
ran(session.run_cmd("echo", ["a b", "&", "ver", ">nul"]))
ran(session.run_cmd("nosuch"))
ran(session.run_cmd("cmd", ["/c", "exit", "7"]))
ran(session.run_cmd('md C:\\\\winrm & echo 12345>"C:\\\\winrm\\\\a ü.txt" & dir /b C:\\\\winrm'))
ran(session.run_cmd("ipconfig", ["/all"]))
`) as [number, string, string][];
    assert.deepEqual(answers.slice(0, 5), [
      [0, "HV1\r\n", ""], [0, "a b \r\n", ""], [1, "", "'nosuch' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"], [7, "", ""], [0, "a ü.txt\r\n", ""],
    ]);
    assert.match(answers[5]?.[1] ?? "", /Windows IP Configuration/);
    assert.equal(await readFile(local("winrm/a ü.txt"), "utf8"), "12345 \r\n");
  });

  test("a shell has the folder and the variables that it was opened with, and runs several commands", async () => {
    assert.deepEqual(await python(`
shell = protocol.open_shell(working_directory="C:\\\\Windows", env_vars={"COLOUR": "blue"})
for line, arguments in (("cd", []), ("echo", ["%COLOUR%"]), ("type", ["nothing"])):
    command = protocol.run_command(shell, line, arguments)
    out, err, code = protocol.get_command_output(shell, command)
    print(json.dumps([out.decode(), err.decode(), code]))
    protocol.cleanup_command(shell, command)
protocol.close_shell(shell)
`), [["C:\\Windows\r\n", "", 0], ["blue\r\n", "", 0], ["", "The system cannot find the file specified.\r\n", 1]]);
  });

  test("a download outlasts the client's time-outs and is checked and published as the driver does it", async () => {
    const answers = await python(`
patient = Protocol(endpoint=url, operation_timeout_sec=1, read_timeout_sec=10, **options)
def run(line):
    shell = patient.open_shell()
    command = patient.run_command(shell, line, [])
    o, e, code = patient.get_command_output(shell, command)
    out(code, o, e)
    patient.cleanup_command(shell, command)
    patient.close_shell(shell)
run('curl.exe --fail --silent --show-error --retry 3 --output "C:\\\\disk.part" "${filesUrl}/slow"')
run('certutil -hashfile "C:\\\\disk.part" SHA256')
run('cmd /c move /y "C:\\\\disk.part" "C:\\\\disk.vhdx"')
`) as [number, string, string][];
    assert.deepEqual(answers[0], [0, "", ""]);
    assert.match(answers[1]?.[1] ?? "", /^SHA256 hash of C:\\disk\.part:\r\n[0-9a-f]{64}\r\nCertUtil: -hashfile command completed successfully\.\r\n$/);
    assert.deepEqual(answers[2], [0, "        1 file(s) moved.\r\n", ""]);
    assert.equal(await readFile(local("disk.vhdx"), "utf8"), "late content");
  });

  test("run_ps performs the driver's script and says of others that there is no PowerShell", async () => {
    await writeFile(join(folder, "script.txt"), Buffer.from(scriptCommandLine(fetchFileScript, { url: `${filesUrl}/x`, path: "C:\\ps.vhdx" }).replace(/.* /, ""), "base64").toString("utf16le"));
    const answers = await python(`
ran(session.run_ps(open(os.environ["SCRIPT"], encoding="utf8").read()))
import base64
# run_ps of 0.3.0 fails over any error text under Python 3; this is the command that it sends.
ran(session.run_cmd("powershell -encodedcommand " + base64.b64encode("Get-VM".encode("utf_16_le")).decode("ascii")))
`, host.url, { SCRIPT: join(folder, "script.txt") }) as [number, string, string][];
    assert.deepEqual(answers[0], [0, "", ""]);
    assert.equal(await readFile(local("ps.vhdx"), "utf8"), "content");
    assert.equal(answers[1]?.[0], 1);
    assert.match(answers[1]?.[2] ?? "", /not recognized[^]*has no PowerShell/);
  });

  test("any envelope is answered: a class by WQL, an instance by its key, a refusal as a fault", async () => {
    const [[enumerated], [got], fault] = await python(`
out(protocol.send_message(envelope("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate", "${wmi}/root/cimv2/*", '<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>10</w:MaxElements><w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">SELECT Version FROM Win32_OperatingSystem</w:Filter></n:Enumerate>')))
get = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
selectors = '<w:SelectorSet><w:Selector Name="CreationClassName">Msvm_ComputerSystem</w:Selector><w:Selector Name="Name">{}</w:Selector></w:SelectorSet>'
out(protocol.send_message(envelope(get, "${wmi}/root/virtualization/v2/Msvm_ComputerSystem", "", selectors.format("hv1"))))
try:
    protocol.send_message(envelope(get, "${wmi}/root/virtualization/v2/Msvm_ComputerSystem", "", selectors.format("nobody")))
except WinRMError as error:
    out(type(error).__name__, str(error))
`) as [[string], [string], [string, string]];
    assert.match(enumerated, /<p:Version>10\.0\.20348<\/p:Version>/);
    assert.match(got, /<p:ElementName>HV1<\/p:ElementName>/i);
    assert.equal(fault[0], "WinRMError");
    assert.match(fault[1], /No instance answers|extended fault data/);
  });

  test("a wrong password is refused as such", async () => {
    assert.deepEqual(await python(`
for wrong in ("", "x" * 5000, password + " "):
    try:
        winrm.Session(url, auth=(user, wrong or "-"), transport="basic", server_cert_validation="ignore").run_cmd("hostname")
    except InvalidCredentialsError as error:
        out(type(error).__name__)
`), [["InvalidCredentialsError"], ["InvalidCredentialsError"], ["InvalidCredentialsError"]]);
  });

  test("the same over TLS, on a release that has no curl", async () => {
    const answers = await python(`
ran(session.run_cmd("ver"))
ran(session.run_cmd("curl --version"))
`, secureHost.url) as [number, string, string][];
    assert.equal(new URL(secureHost.url).protocol, "https:");
    assert.deepEqual(answers[0], [0, "\r\nMicrosoft Windows [Version 6.3.9600]\r\n", ""]);
    assert.match(answers[1]?.[2] ?? "", /^'curl' is not recognized/);
  });
});
