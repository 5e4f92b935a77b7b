import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { registerTransfers } from "../api/signet/transfers.ts";
import { answerErrors } from "../api/http/error-envelope.ts";
import { signetEnvelope } from "../api/signet/envelope.ts";
import { TestIdentity } from "../api/identity/test-identity.ts";
import type { ImageId } from "../ids.ts";
import { endTransfers, issueTransfer, redeemTransfer, sweepTransfers, TRANSFER_LIFETIME_MS } from "./transfers.ts";
import { TestImages } from "./test-images.ts";

describe("transfers to hosts", () => {
  let images: TestImages;
  let gate: TestIdentity;
  let id: ImageId;
  const later = (ms: number): Date => new Date(Date.now() + ms);
  before(async () => {
    images = await TestImages.start();
    id = (await images.upload("moved", "0123456789")) as ImageId;
    gate = await TestIdentity.start();
    await gate.app.register(async (scope) => {
      answerErrors(scope, signetEnvelope);
      registerTransfers(scope, { store: images.identity.database.store, files: images.files });
    }, { prefix: "/signet/v1" });
  });
  after(async () => {
    await gate.close();
    await images.close();
  });

  test("give a host the bytes that it must verify, without a token, again and by ranges until the address ends", async () => {
    const { store } = images.identity.database;
    const transfer = await issueTransfer(store, id, "host-1");
    assert.deepEqual([transfer.sizeBytes, transfer.sha256], [10, "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"]);
    const url = `/signet/v1/transfers/${transfer.token}`;
    for (let time = 0; time < 2; time++) assert.equal((await gate.app.inject({ url })).body, "0123456789");
    assert.equal((await gate.app.inject({ url, headers: { range: "bytes=4-" } })).body, "456789");
    await endTransfers(store, id, "host-1");
    const ended = await gate.app.inject({ url });
    assert.deepEqual([ended.statusCode, ended.json().error.code], [404, "SIG-TRANSFER-UNKNOWN"]);
  });

  test("end by themselves, are unguessable, and are not readable in the store", async () => {
    const { store } = images.identity.database;
    const { token } = await issueTransfer(store, id, "host-2");
    assert.match(token, /^[A-Za-z0-9_-]{43}$/);
    assert.ok(!JSON.stringify(await store.selectFrom("image_transfers").selectAll().execute()).includes(token));
    assert.notEqual(await redeemTransfer(store, token), null);
    assert.equal(await redeemTransfer(store, token, later(TRANSFER_LIFETIME_MS + 1)), null);
    assert.equal(await redeemTransfer(store, `${token}x`), null);
    await sweepTransfers(store, later(TRANSFER_LIFETIME_MS + 1));
    assert.deepEqual(await store.selectFrom("image_transfers").selectAll().execute(), []);
  });

  test("are not given out for an image without data", async () => {
    const queued = (await images.create("queued")) as ImageId;
    await assert.rejects(issueTransfer(images.identity.database.store, queued, "host-1"), { code: "SIG-IMAGE-NO-DATA" });
  });
});
