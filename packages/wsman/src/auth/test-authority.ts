import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const openssl = (...parameters: readonly string[]) => promisify(execFile)("openssl", [...parameters]);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Signs certificates of people, as WinRM maps them to users, by OpenSSL. */
export class TestAuthority {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(context: TestContext): Promise<TestAuthority> {
    const folder = await mkdtemp(join(tmpdir(), "signet-authority-"));
    context.after(() => rm(folder, { recursive: true, force: true }));
    await openssl("req", "-x509", ...newKey, "-keyout", join(folder, "ca.key"), "-out", join(folder, "ca.pem"), "-days", "2", "-subj", "/CN=people", "-addext", "keyUsage=critical,keyCertSign");
    return new TestAuthority(folder);
  }

  get certificate(): Promise<Buffer> {
    return readFile(join(this.#folder, "ca.pem"));
  }

  /** `names` as OpenSSL's configuration writes them; a user principal name is `otherName = 1.3.6.1.4.1.311.20.2.3;FORMAT:UTF8,UTF8:…`. */
  async issue(names: readonly string[], days = 2, usage = "clientAuth"): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
    const path = (name: string) => join(this.#folder, name);
    const lines = names.map((name, index) => name.replace(" ", `.${index} `));
    await writeFile(path("extensions"), `extendedKeyUsage = ${usage}\n${names.length === 0 ? "" : `subjectAltName = @names\n[names]\n${lines.join("\n")}\n`}`);
    await openssl("req", ...newKey, "-keyout", path("key"), "-out", path("request"), "-subj", "/CN=somebody");
    await openssl("x509", "-req", "-in", path("request"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", String(days), "-extfile", path("extensions"), "-out", path("cert"));
    return { cert: await readFile(path("cert")), key: await readFile(path("key")) };
  }
}

export function principalName(name: string): string {
  return `otherName = 1.3.6.1.4.1.311.20.2.3;FORMAT:UTF8,UTF8:${name}`;
}
