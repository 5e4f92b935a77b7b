import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A key and a certificate of its own for 127.0.0.1, made by OpenSSL. */
export async function testCertificate(algorithm: "ec" | "ed25519" = "ec"): Promise<{ readonly key: Buffer; readonly cert: Buffer; readonly fingerprint: string }> {
  const folder = await mkdtemp(join(tmpdir(), "signet-certificate-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    await promisify(execFile)("openssl", ["req", "-x509", "-newkey", algorithm, ...(algorithm === "ec" ? ["-pkeyopt", "ec_paramgen_curve:prime256v1"] : []), "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=hv1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    const bytes = await readFile(cert);
    return { key: await readFile(key), cert: bytes, fingerprint: new X509Certificate(bytes).fingerprint256 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
