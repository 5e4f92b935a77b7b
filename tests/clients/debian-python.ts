import { execFileSync, spawn } from "node:child_process";

/** Debian's Python, which has python3-winrm; another one earlier in the path has none of its packages. */
export const debianPython = "/usr/bin/python3";

/** For a test's `skip`: which Debian package is missing, as told by the modules that cannot be imported. */
export function missingModules(modules: readonly string[], packages: string): string | false {
  try {
    execFileSync(debianPython, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" });
    return false;
  } catch {
    return `not installed: ${packages}`;
  }
}

/** What every script begins with: `url` and `password` of the host, `out(value, …)`, and an envelope writer that is not ours. */
const prelude = `
import json, os, uuid
import winrm
from winrm.protocol import Protocol
url, password = os.environ["HOST_URL"], os.environ["HOST_PASSWORD"]
def out(*values): print(json.dumps([v.decode("utf8") if isinstance(v, bytes) else v for v in values]))
def envelope(action, resource, body, selectors=""):
    return f'''<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><s:Header><a:Action s:mustUnderstand="true">{action}</a:Action><a:To>{url}</a:To><w:ResourceURI s:mustUnderstand="true">{resource}</w:ResourceURI><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>{selectors}</s:Header><s:Body>{body}</s:Body></s:Envelope>'''
`;

export interface ScriptOptions {
  readonly url: string;
  readonly password: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a script and gives what each `out` of it printed. @throws Error with what it complained of */
export function runScript(script: string, { url, password, environment = {}, cwd }: ScriptOptions): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    // A bundle named in the environment would count even where the client is told to ignore certificates.
    const { REQUESTS_CA_BUNDLE: _bundle, CURL_CA_BUNDLE: _other, ...inherited } = process.env;
    const child = spawn(debianPython, ["-c", prelude + script], { ...(cwd === undefined ? {} : { cwd }), env: { ...inherited, PYTHONWARNINGS: "ignore", PYTHONIOENCODING: "utf8", HOST_URL: url, HOST_PASSWORD: password, ...environment } });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => { stdout += text; });
    child.stderr.setEncoding("utf8").on("data", (text: string) => { stderr += text; });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as unknown)) : reject(new Error(stderr))));
  });
}
