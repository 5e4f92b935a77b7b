import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { NTLM, sealingFlags } from "./ntlm-flags.ts";
import { NtlmSession } from "./ntlm-session.ts";
import { isSealedContentType, openMessage, sealedContentType, sealMessage } from "./sealed-message.ts";

const contentType = "application/soap+xml;charset=UTF-8";

function sessions(): { readonly client: NtlmSession; readonly server: NtlmSession } {
  const key = randomBytes(16);
  const flags = sealingFlags | NTLM.keyExchange;
  return { client: new NtlmSession(key, flags, "client"), server: new NtlmSession(key, flags, "server") };
}

test("a sealed message is, byte for byte, what Windows writes and python3-winrm reads", () => {
  const sealed = sealMessage(sessions().client, { contentType, body: Buffer.from("<x/>") });
  const head = "--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=4\r\n--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n";
  assert.equal(sealed.toString("latin1", 0, head.length), head);
  assert.deepEqual([sealed.readInt32LE(head.length), sealed.readInt32LE(head.length + 4), sealed.readInt32LE(head.length + 16)], [16, 1, 0]);
  assert.equal(sealed.toString("latin1", head.length + 4 + 16 + 4), "--Encrypted Boundary--\r\n");
  assert.equal(sealedContentType, 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"');
});

test("a thousand messages of all sizes go both ways, each under the state that the one before it left", () => {
  const { client, server } = sessions();
  for (let count = 0; count < 1000; count++) {
    const body = randomBytes(count % 10 === 0 ? 40_000 : count % 97);
    assert.deepEqual(openMessage(server, sealedContentType, sealMessage(client, { contentType, body })), { contentType, body });
    if (count % 3 === 0) assert.deepEqual(openMessage(client, sealedContentType, sealMessage(server, { contentType: "a/b;charset=UTF-16", body })).contentType, "a/b;charset=UTF-16");
  }
});

test("the heads of others are read too: without TABs, with blanks, with another boundary", () => {
  const variants: ((text: string) => string)[] = [(text) => text.replaceAll("\t", ""), (text) => text.replaceAll("\t", "  "), (text) => text.replaceAll("--Encrypted", "-- Encrypted"), (text) => text.replace("Length=", " Length="), (text) => text.replace("Content-Type: application/octet", "content-type:application/octet"), (text) => `\r\n${text}`];
  for (const change of variants) {
    const { client, server } = sessions();
    const text = sealMessage(client, { contentType, body: Buffer.from("<ä/>") }).toString("latin1");
    const headEnd = text.indexOf("octet-stream");
    const changed = change(text.slice(0, headEnd)) + text.slice(headEnd);
    assert.equal(openMessage(server, sealedContentType, Buffer.from(changed, "latin1")).body.toString(), "<ä/>");
  }
  const { client, server } = sessions();
  const other = sealMessage(client, { contentType, body: Buffer.from("x") }).toString("latin1").replaceAll("Encrypted Boundary", "a+b(c");
  assert.equal(openMessage(server, 'Multipart/Encrypted; boundary=a+b(c; protocol=application/HTTP-SPNEGO-session-encrypted', Buffer.from(other, "latin1")).body.toString(), "x");
});

test("a message with any byte changed, cut off, repeated, left out or of another session is not opened", () => {
  const body = Buffer.from("<s:Envelope/>");
  const { client } = sessions();
  const sealed = sealMessage(client, { contentType, body });
  const start = sealed.indexOf("octet-stream") + 14;
  for (let index = start; index < sealed.length - 2; index++) {
    const pair = sessions();
    const changed = sealMessage(pair.client, { contentType, body });
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.throws(() => openMessage(pair.server, sealedContentType, changed), { name: "NtlmError" }, String(index));
  }
  for (let length = 0; length < sealed.length - 2; length++) assert.throws(() => openMessage(sessions().server, sealedContentType, sealed.subarray(0, length)), { name: "NtlmError" });
  assert.throws(() => openMessage(sessions().server, sealedContentType, sealed), /seal of a message does not match/);
  const twice = sessions();
  const once = sealMessage(twice.client, { contentType, body });
  openMessage(twice.server, sealedContentType, once);
  assert.throws(() => openMessage(twice.server, sealedContentType, once), { name: "NtlmError" });
  const skipped = sessions();
  sealMessage(skipped.client, { contentType, body });
  assert.throws(() => openMessage(skipped.server, sealedContentType, sealMessage(skipped.client, { contentType, body })), { name: "NtlmError" });
  const mirrored = sessions();
  assert.throws(() => openMessage(mirrored.client, sealedContentType, sealMessage(mirrored.client, { contentType, body })), { name: "NtlmError" });
});

test("what claims a wrong length, another protocol or no boundary is not opened", () => {
  const { client, server } = sessions();
  const sealed = sealMessage(client, { contentType, body: Buffer.from("<x/>") });
  const changed = (from: string, to: string) => Buffer.from(sealed.toString("latin1").replace(from, to), "latin1");
  for (const bytes of [changed("Length=4", "Length=5"), changed("Length=4", "Length=3"), changed("Length=4", "Length=999999999"), changed("Length=4", "Length=-4"), changed("octet-stream", "x"), changed("OriginalContent", "Original"), Buffer.alloc(0), Buffer.alloc(100_000, "\t")]) {
    assert.throws(() => openMessage(server, sealedContentType, bytes), { name: "NtlmError" });
  }
  for (const type of ["multipart/encrypted", 'multipart/encrypted;boundary="Encrypted Boundary"', sealedContentType.replace("SPNEGO", "CredSSP"), sealedContentType.replace(/;boundary.*/, "")]) assert.throws(() => openMessage(server, type, sealed), { name: "NtlmError" });
  assert.deepEqual([sealedContentType, contentType, "multipart/x-multi-encrypted", ""].map(isSealedContentType), [true, false, false, false]);
});
