import { createHash } from "node:crypto";
import { type DerElement, readDer, readDerList } from "./der.ts";

/** Hash algorithms as certificates name them, alone or with a signature's (RFC 5280, RFC 8017, RFC 5758), by the DER of their ids in hex. */
const hashBySignature: Readonly<Record<string, string>> = {
  "2a864886f70d010104": "md5", "2a864886f70d010105": "sha1", "2a864886f70d01010b": "sha256", "2a864886f70d01010c": "sha384", "2a864886f70d01010d": "sha512", "2a864886f70d01010e": "sha224",
  "2a8648ce3d0401": "sha1", "2a8648ce3d040301": "sha224", "2a8648ce3d040302": "sha256", "2a8648ce3d040303": "sha384", "2a8648ce3d040304": "sha512",
  "2b0e03021a": "sha1", "608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512", "608648016503040204": "sha224",
};
const rsaPss = "2a864886f70d01010a";

/**
 * What NTLM carries to tie a proof to one TLS connection: MD5 over a GSS channel binding (RFC 2744, 3.11) of the type tls-server-end-point
 * (RFC 5929, 4). Null for a certificate whose signature has no hash of its own, such as Ed25519: the type is not defined for it.
 */
export function channelBinding(certificateDer: Buffer): Buffer | null {
  const hash = signatureHash(certificateDer);
  if (hash === null) return null;
  // The two old hashes are replaced, so that they protect nothing any more.
  return endPointBinding(createHash(hash === "md5" || hash === "sha1" ? "sha256" : hash).update(certificateDer).digest());
}

export function endPointBinding(certificateDigest: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from("tls-server-end-point:", "latin1"), certificateDigest]);
  // No addresses on either side: type and length of each are zero.
  const bindings = Buffer.alloc(20);
  bindings.writeUInt32LE(data.length, 16);
  return createHash("md5").update(bindings).update(data).digest();
}

function signatureHash(certificateDer: Buffer): string | null {
  const [, algorithm] = readDerList(readDer(certificateDer).content);
  if (!algorithm) return null;
  const [id, parameters] = readDerList(algorithm.content);
  return idOf(id) === rsaPss ? pssHash(parameters) : hashBySignature[idOf(id)] ?? null;
}

/** RSASSA-PSS names its hash in [0] of its parameters; SHA-1 where it does not (RFC 4055, 3.1). */
function pssHash(parameters: DerElement | undefined): string | null {
  const named = parameters ? readDerList(parameters.content).find(({ tag }) => tag === 0xa0) : undefined;
  if (!named) return "sha1";
  const [id] = readDerList(readDer(named.content).content);
  return hashBySignature[idOf(id)] ?? null;
}

function idOf(element: DerElement | undefined): string {
  return element?.content.toString("hex") ?? "";
}
