import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { ImageReport } from "@signet/secure-boot";
import { blankReport } from "./judge/blank-report.ts";
import { releaseBrokenUploads } from "./upload-image.ts";
import { TestImages } from "./test-images.ts";

const MIB = 1024 ** 2;

describe("uploads", () => {
  let images: TestImages;
  before(async () => (images = await TestImages.start()));
  after(() => images.close());
  const usual = (): void => {
    images.freeBytes = null;
  };
  afterEach(usual);

  const show = async (id: string): Promise<Record<string, unknown>> => (await images.ask("GET", `/v2/images/${id}`)).body;

  /** Sends the head and part of a body, then does what the test wants with the connection. */
  async function beginUpload(id: string, parts: readonly Buffer[], announcedBytes: number): Promise<ReturnType<typeof connect>> {
    const url = new URL(images.base);
    const socket = connect(Number(url.port), url.hostname);
    await new Promise((settle) => socket.once("connect", settle));
    socket.on("error", () => {});
    socket.write(`PUT /image/v2/images/${id}/file HTTP/1.1\r\nHost: ${url.host}\r\nX-Auth-Token: ${images.token}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${announcedBytes}\r\n\r\n`);
    for (const part of parts) if (!socket.write(part)) await new Promise((settle) => socket.once("drain", settle));
    return socket;
  }

  async function until(look: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 500; tries++) {
      if (await look()) return;
      await new Promise((settle) => setTimeout(settle, 10));
    }
    throw new Error("it did not come about");
  }

  test("are hashed right on every path: empty, one piece, a whole slot, more than the ring of the hashing threads", async () => {
    for (const size of [0, 1, MIB, MIB + 1, 4 * MIB, 5 * MIB, 8 * MIB, 21 * MIB + 17]) {
      const data = Buffer.alloc(size);
      for (let at = 0; at < size; at += 997) data[at] = at % 251;
      const image = await show(await images.upload(`size-${size}`, data));
      assert.deepEqual([image["status"], image["size"]], ["active", size]);
      assert.equal(image["checksum"], createHash("md5").update(data).digest("hex"), `md5 of ${size}`);
      assert.equal(image["os_hash_value"], createHash("sha512").update(data).digest("hex"), `sha512 of ${size}`);
      const row = await images.identity.database.store.selectFrom("images").select(["sha256", "file_name"]).where("id", "=", String(image["id"])).executeTakeFirstOrThrow();
      assert.equal(row.sha256, createHash("sha256").update(data).digest("hex"), `sha256 of ${size}`);
      assert.ok((await readFile(images.files.path(row.file_name!))).equals(data), `bytes of ${size}`);
    }
  });

  test("store runs of zeros as holes, at the end of the file too", async () => {
    const data = Buffer.alloc(24 * MIB);
    data.fill(1, 8 * MIB, 9 * MIB);
    const { id } = await show(await images.upload("sparse", data));
    const row = await images.identity.database.store.selectFrom("images").select("file_name").where("id", "=", String(id)).executeTakeFirstOrThrow();
    const { size, blocks } = await stat(images.files.path(row.file_name!));
    assert.equal(size, data.length);
    assert.ok(blocks * 512 <= 2 * MIB, `${blocks * 512} bytes on disk`);
  });

  test("that break off leave the image queued, no file, and the way free for the next", async () => {
    const id = await images.create("broken");
    const before = await images.listFiles();
    const socket = await beginUpload(id, [Buffer.alloc(8 * MIB, 7)], 5 * 1024 ** 3);
    await until(async () => (await show(id))["status"] === "saving");
    socket.destroy();
    await until(async () => (await show(id))["status"] === "queued");
    assert.deepEqual([(await show(id))["size"], await images.listFiles()], [null, before]);
    assert.equal((await images.ask("PUT", `/v2/images/${id}/file`, { data: "again" })).status, 204);
  });

  test("at the same time on one image: the second is told that it is being saved", async () => {
    const id = await images.create("contested");
    const socket = await beginUpload(id, [Buffer.alloc(MIB, 7)], 4 * MIB);
    await until(async () => (await show(id))["status"] === "saving");
    const second = await images.ask("PUT", `/v2/images/${id}/file`, { data: "mine" });
    assert.deepEqual([second.status, second.body.message.trim()], [409, "Image status transition from saving to saving is not allowed"]);
    const answered = new Promise<string>((settle) => socket.once("data", (text: Buffer) => settle(text.toString())));
    socket.write(Buffer.alloc(3 * MIB, 7));
    assert.match(await answered, /^HTTP\/1\.1 204 /);
    assert.equal((await show(id))["size"], 4 * MIB);
    socket.destroy();
  });

  test("of an image that is deleted meanwhile end with 410 and leave no file", async () => {
    const id = await images.create("vanishing");
    const before = await images.listFiles();
    const socket = await beginUpload(id, [Buffer.alloc(MIB, 7)], 2 * MIB);
    await until(async () => (await show(id))["status"] === "saving");
    assert.equal((await images.ask("DELETE", `/v2/images/${id}`)).status, 204);
    const answered = new Promise<string>((settle) => socket.once("data", (text: Buffer) => settle(text.toString())));
    socket.write(Buffer.alloc(MIB, 7));
    assert.match(await answered, /^HTTP\/1\.1 410 /);
    assert.deepEqual(await images.listFiles(), before);
    socket.destroy();
  });

  test("onto a full disk are refused with a remedy that the client gets to read, and leave nothing", async () => {
    const id = await images.create("too-much");
    const before = await images.listFiles();
    images.freeBytes = 100 * MIB;
    const answer = await images.ask("PUT", `/v2/images/${id}/file`, { data: Buffer.alloc(3 * MIB, 7) });
    assert.deepEqual([answer.status, answer.headers.get("signet-refusal")], [413, "SIG-IMAGE-DISK-FULL"]);
    assert.match(answer.body.message, /full \(100 MiB are left.*Delete images/s);
    assert.deepEqual([(await show(id))["status"], await images.listFiles()], ["queued", before]);
    usual();
    assert.equal((await images.ask("PUT", `/v2/images/${id}/file`, { data: "fits" })).status, 204);
  });

  test("that a killed process left behind are queued again at the next start, and their files go; those of other nodes stay", async () => {
    const { store } = images.identity.database;
    const [ours, theirs] = [await images.create("ours"), await images.create("theirs")];
    for (const [id, node] of [[ours, "node-9"], [theirs, "node-8"]] as const) {
      await store.updateTable("images").set({ status: "saving", upload_id: randomUUID(), upload_node: node }).where("id", "=", id).execute();
    }
    await writeFile(join(images.folder, "incoming", "half"), "half");
    await writeFile(join(images.folder, "kept", "orphan"), "nobody's");
    const kept = await images.upload("kept", "whole");
    assert.equal(await releaseBrokenUploads(store, "node-9"), 1);
    await images.files.open(async (names) => new Set((await store.selectFrom("images").select("file_name").where("file_name", "in", names).execute()).map((row) => row.file_name!)));
    assert.deepEqual([(await show(ours))["status"], (await show(theirs))["status"]], ["queued", "saving"]);
    assert.ok(!(await images.listFiles()).some((name) => name === "half" || name === "orphan"));
    assert.equal((await images.ask("GET", `/v2/images/${kept}/file`)).text, "whole");
  });
});

describe("what the judge finds", () => {
  let images: TestImages;
  before(async () => (images = await TestImages.start()));
  after(() => images.close());

  const microsoftUefiCa2011 = "48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507";
  function report(changes: Partial<ImageReport>, authoritySha256 = microsoftUefiCa2011): ImageReport {
    const loader = {
      stage: "loader" as const, path: "\\EFI\\BOOT\\BOOTX64.EFI", product: null, authenticode: { sha256: "cd".repeat(32) }, sbat: null,
      signatures: [{ digest: "sha256", signer: { subject: "CN=Microsoft Windows UEFI Driver Publisher", sha256: "ef".repeat(32), notAfter: "2026-10-01T00:00:00Z" }, authority: { subject: "CN=Microsoft Corporation UEFI CA 2011", sha256: authoritySha256 } }],
    };
    const verdict = { stage: null, firmwareMessage: null, because: [], remedies: [], serviceable: true, survivesNextRevocation: false };
    return {
      file: "x", format: { detected: "vhdx", declared: "vhd", virtualSizeBytes: 10 * 1024 ** 3, bytesRead: 1 }, layout: { partitioning: "gpt", espIndex: 1, filesystem: "fat32" },
      boot: { path: loader.path, architecture: "x64", generation: 2 }, chain: [loader], family: "linux", warnings: [],
      verdicts: [{ ...verdict, trust: "MicrosoftWindows", outcome: "refused", stage: "loader", firmwareMessage: "Access Denied" }, { ...verdict, trust: "MicrosoftUEFICertificateAuthority", outcome: "boots" }],
      ...changes,
    };
  }

  async function judged(name: string, found: ImageReport, properties: Record<string, string> = {}): Promise<Record<string, unknown>> {
    images.judge = async () => found;
    const id = await images.upload(name, "data", { disk_format: "vhd", ...properties });
    return (await images.ask("GET", `/v2/images/${id}`)).body;
  }

  test("stands beside what was declared, with the virtual size and a row for each verdict", async () => {
    const image = await judged("facts", report({}));
    assert.deepEqual([image["disk_format"], image["signet_detected_format"], image["virtual_size"]], ["vhd", "vhdx", 10 * 1024 ** 3]);
    const rows = await images.identity.database.store.selectFrom("image_verdicts").selectAll().where("image_id", "=", String(image["id"])).orderBy("trust").execute();
    assert.deepEqual(rows.map(({ trust, outcome, survives_next_revocation }) => [trust, outcome, survives_next_revocation]), [["MicrosoftUEFICertificateAuthority", "boots", false], ["MicrosoftWindows", "refused", false]]);
  });

  test("fills in the signature of a Linux image that states none, marked as derived, and of no other", async () => {
    const linux = await judged("derived", report({}));
    assert.deepEqual([linux["os_secure_boot_signature"], linux["signet_signature_source"]], ["MicrosoftUEFICertificateAuthority", "derived"]);
    assert.equal((await judged("derived-from-signer", report({}, "ab".repeat(32))))["os_secure_boot_signature"], `sha256:${"ab".repeat(32)}`);
    assert.equal((await judged("windows", report({ family: "windows" })))["os_secure_boot_signature"], undefined);
    const patched = await images.patch(String(linux["id"]), [{ op: "replace", path: "/os_secure_boot_signature", value: "MicrosoftUEFICertificateAuthority" }]);
    assert.deepEqual([patched.status, patched.body.signet_signature_source], [200, undefined]);
  });

  test("contradicts a stated signature with both values, and lets a true one stand", async () => {
    const contradicted: [string, RegExp][] = [
      ["MicrosoftWindows", /names the template MicrosoftWindows, but.*signed by.*"Microsoft Corporation UEFI CA 2011"/],
      ["1734c6e8-3154-4dda-ba5f-a874cc483422", /names the template MicrosoftWindows/],
      [`sha256:${"11".repeat(32)}`, new RegExp(`states sha256:${"11".repeat(32)}.*digest is ${"cd".repeat(32)}`)],
      ["my own signature", /neither a template's name or GUID, nor sha256/],
    ];
    for (const [index, [stated, words]] of contradicted.entries()) {
      const image = await judged(`contradicted-${index}`, report({}), { os_secure_boot_signature: stated });
      assert.match(String(image["signet_signature_contradiction"]), words, stated);
    }
    const true_ = ["MicrosoftUEFICertificateAuthority", `sha256:${microsoftUefiCa2011}`, `SHA256:${"EF".repeat(32)}`, `sha256:${"cd".repeat(32)}`];
    for (const [index, stated] of true_.entries()) {
      assert.equal((await judged(`true-${index}`, report({}), { os_secure_boot_signature: stated }))["signet_signature_contradiction"], undefined, stated);
    }
  });

  test("is asked again when the stated signature changes", async () => {
    const image = await judged("restated", report({}), { os_secure_boot_signature: "MicrosoftWindows" });
    assert.ok(image["signet_signature_contradiction"]);
    const fixed = await images.patch(String(image["id"]), [{ op: "replace", path: "/os_secure_boot_signature", value: "MicrosoftUEFICertificateAuthority" }]);
    assert.equal(fixed.body.signet_signature_contradiction, undefined);
  });

  test("is unknown when the judge fails, and the upload is kept", async () => {
    const image = await judged("unjudged", blankReport({ outcome: "unknown", file: "x", detected: "unknown", declared: "vhd", sizeBytes: 4, trusts: ["MicrosoftWindows"], reason: { code: "SIG-JUDGE-FAILED", text: "broke" } }));
    assert.deepEqual([image["status"], image["signet_detected_format"], image["size"]], ["active", undefined, 4]);
  });
});
