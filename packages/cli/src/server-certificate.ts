import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { ExitError, exitCodes } from "./exit.ts";

const run = promisify(execFile);

/** Makes a self-signed certificate for an emulated host, as `winrm quickconfig -transport:https` needs one on a real one. Kept in the folder, so that a pin survives a restart. */
export async function makeServerCertificate(folder: string, host: string): Promise<{ readonly key: string; readonly cert: string }> {
  const keyPath = join(folder, "tls.key");
  const certPath = join(folder, "tls.crt");
  const known = await readPair(keyPath, certPath);
  if (known !== null) return known;
  const alternative = isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`;
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "825", "-subj", "/CN=Signet emulated host", "-addext", `subjectAltName=${alternative}`, "-keyout", keyPath, "-out", certPath];
  await run("openssl", args).catch((error: unknown) => {
    throw new ExitError(exitCodes.missingPackage, "openssl is needed to make the certificate for --tls. Run: apt-get install -y openssl", { cause: error });
  });
  return (await readPair(keyPath, certPath))!;
}

async function readPair(keyPath: string, certPath: string): Promise<{ key: string; cert: string } | null> {
  const [key, cert] = await Promise.all([readFile(keyPath, "utf8"), readFile(certPath, "utf8")]).catch(() => [null, null]);
  return key === null || cert === null ? null : { key, cert };
}
