import { NtlmError } from "./ntlm-error.ts";
import { type NtlmSession, signatureBytes } from "./ntlm-session.ts";

/**
 * Sealed SOAP over plain HTTP (MS-WSMV 2.2.9.1): one part that says what is sealed, one that holds signature and cipher text. Part heads
 * begin with a TAB and nothing stands between the cipher text and the closing boundary: so Windows writes it, and so others read it.
 */
const protocol = "application/HTTP-SPNEGO-session-encrypted";
export const sealedContentType = `multipart/encrypted;protocol="${protocol}";boundary="Encrypted Boundary"`;
const boundary = "--Encrypted Boundary";
const lengthBytes = 4;

export interface PlainMessage {
  readonly contentType: string;
  readonly body: Buffer;
}

export function isSealedContentType(contentType: string): boolean {
  return /^\s*multipart\/encrypted\b/i.test(contentType);
}

export function sealMessage(session: NtlmSession, { contentType, body }: PlainMessage): Buffer {
  const { signature, sealed } = session.seal(body);
  const head = `${boundary}\r\n\tContent-Type: ${protocol}\r\n\tOriginalContent: type=${contentType};Length=${body.length}\r\n${boundary}\r\n\tContent-Type: application/octet-stream\r\n`;
  const length = Buffer.alloc(lengthBytes);
  length.writeInt32LE(signature.length);
  return Buffer.concat([Buffer.from(head, "latin1"), length, signature, sealed, Buffer.from(`${boundary}--\r\n`, "latin1")]);
}

// Two heads of a few lines; the cipher text begins within this.
const headBytesMax = 4096;

/** @throws NtlmError for what is no sealed message, or was not sealed by the other end of this session as its next one */
export function openMessage(session: NtlmSession, contentType: string, bytes: Buffer): PlainMessage {
  const named = /\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  if (!/\bprotocol="?application\/HTTP-SPNEGO-session-encrypted"?/i.test(contentType) || !named) throw new NtlmError("The sealed message is of another protocol.");
  const line = escapeForPattern(named[1] ?? named[2] ?? "");
  const head = new RegExp(`^(?:\\r\\n)?--\\s*${line}\\r\\n((?:[^\\r\\n]+\\r\\n)+?)(?:\\r\\n)?--\\s*${line}\\r\\n((?:[ \\t]*[\\w-]+:[^\\r\\n]*\\r\\n)+?)`, "i").exec(bytes.toString("latin1", 0, headBytesMax));
  const original = /^[ \t]*OriginalContent:\s*type=([^\r\n]*?);\s*Length=(\d{1,9})\s*$/im.exec(head?.[1] ?? "");
  if (!head || !original || !/application\/octet-stream/i.test(head[2] ?? "")) throw new NtlmError("The heads of the sealed message cannot be read.");
  const start = head[0].length;
  const sealedAt = start + lengthBytes + signatureBytes;
  const end = sealedAt + Number(original[2]);
  if (bytes.length < end || bytes.readInt32LE(start) !== signatureBytes || !new RegExp(`^(?:\\r\\n)?--\\s*${line}--\\s*$`, "i").test(bytes.toString("latin1", end))) throw new NtlmError("The sealed message does not have the length that it claims.");
  const body = session.unseal({ signature: bytes.subarray(start + lengthBytes, sealedAt), sealed: bytes.subarray(sealedAt, end) });
  return { contentType: original[1] ?? "", body };
}

function escapeForPattern(text: string): string {
  return text.replaceAll(/[^\w ]/g, "\\$&");
}
