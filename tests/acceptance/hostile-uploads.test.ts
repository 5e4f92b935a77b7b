import assert from "node:assert/strict";
import { open, readdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { RunningCloud } from "../cloud/running-cloud.ts";

describe("uploads that are not what they seem", () => {
  let cloud: RunningCloud;
  before(async () => (cloud = await RunningCloud.start({ releases: ["2022"] })));
  after(() => cloud?.remove());

  async function verdictsOf(id: string): Promise<{ outcome: string; because: { code: string; text: string }[] }[]> {
    const report = await cloud.waitFor(async () => (await cloud.request("GET", "signet", `/images/${id}/verdicts`)).body.report ?? null, "the verdict");
    return report.verdicts;
  }

  test("a zero-length image is stored and judged as nothing to boot", async () => {
    const file = join(cloud.folder, "empty.vhdx");
    await writeFile(file, "");
    const { id, uploadStatus, image } = await cloud.uploadImage("empty", file);
    assert.equal(uploadStatus, 204);
    assert.equal(image.status, "active");
    assert.equal(image.size, 0);
    assert.match(image.signet_problem, /no bytes/);
    for (const verdict of await verdictsOf(id)) assert.notEqual(verdict.outcome, "boots");
    const created = await cloud.createServer("empty", id, await cloud.createFlavor("empty"));
    assert.equal(created.status, 400);
    assert.match(created.body.badRequest.message, /"empty" holds no disk to boot from: The file has no bytes.*upload the right file/);
  });

  test("a text file named .vhdx is judged as no disk, and a server of it is refused with a sentence", async () => {
    const file = join(cloud.folder, "letter.vhdx");
    await writeFile(file, "Dear firmware,\nplease boot this.\n");
    const { id, image } = await cloud.uploadImage("letter", file, { hw_machine_type: "hyperv-gen2", os_secure_boot: "required" });
    assert.equal(image.status, "active");
    for (const verdict of await verdictsOf(id)) {
      assert.notEqual(verdict.outcome, "boots");
      assert.ok(verdict.because.length > 0);
    }
    const created = await cloud.createServer("letter", id, await cloud.createFlavor("letter"));
    assert.equal(created.status, 400);
    assert.match(created.body.badRequest.message, /"letter" holds no disk to boot from/);
    assert.match(image.signet_problem, /no disk/);
  });

  test("a 100 GiB sparse raw image is refused or stored with a clear answer, and nothing is left behind", { timeout: 900_000, skip: process.env["SIGNET_TEST_ALL"] === "1" ? false : "moves 100 GiB through the loopback: signet test --all" }, async () => {
    const file = join(cloud.folder, "large.raw");
    const handle = await open(file, "w");
    await handle.truncate(100 * 1024 ** 3);
    await handle.close();
    const { uploadStatus, image } = await cloud.uploadImage("large", file, {}, "raw");
    assert.ok((uploadStatus === 204 && image.status === "active") || (uploadStatus === 413 && image.status === "queued"), `${uploadStatus} ${image.status}`);
    await cloud.request("DELETE", "image", `/images/${image.id}`);
  });

  test("an upload that announces 5 GiB and breaks off half-way leaves the image queued and no file", async () => {
    const created = await cloud.request("POST", "image", "/images", { name: "broken", disk_format: "vhdx", container_format: "bare" });
    const id = created.body.id as string;
    const before = await listFiles(cloud.dataFolder);
    await breakOff(cloud, id, 64 * 1024 ** 2);
    const image = await cloud.waitFor(async () => {
      const { body } = await cloud.request("GET", "image", `/images/${id}`);
      return body.status === "queued" ? body : null;
    }, "the image to be queued again");
    assert.equal(image.size, null);
    const left = (await listFiles(cloud.dataFolder)).filter((name) => !before.includes(name) && !/postgres|pgsql|\/pg|\.log|base\/|pg_/.test(name));
    assert.deepEqual(left, []);
  });

  async function breakOff(target: RunningCloud, id: string, sentBytes: number): Promise<void> {
    const url = new URL(target.endpoint("image"));
    const token = await target.issueToken();
    const socket = connect(Number(url.port), url.hostname);
    await new Promise((settle) => socket.on("connect", settle));
    socket.on("error", () => {});
    socket.write(`PUT ${url.pathname}/v2/images/${id}/file HTTP/1.1\r\nHost: ${url.host}\r\nX-Auth-Token: ${token}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${5 * 1024 ** 3}\r\n\r\n`);
    const chunk = Buffer.alloc(1024 ** 2, 7);
    for (let sent = 0; sent < sentBytes; sent += chunk.length) {
      if (!socket.write(chunk)) await new Promise((settle) => socket.once("drain", settle));
    }
    socket.destroy();
  }
});

async function listFiles(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
