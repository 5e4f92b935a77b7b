import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildGuestImage, tamper } from "@signet/cli/guest-image";
import { missingPrograms } from "../cloud/client-command.ts";
import { RunningCloud } from "../cloud/running-cloud.ts";

const SECURE = { hw_machine_type: "hyperv-gen2", os_secure_boot: "required", hypervisor_type: "hyperv" };
const BOOT_TIMEOUT_MS = 120_000;

describe("what was predicted, held against real firmware", { skip: missingPrograms("qemu-system-x86_64", "qemu-img", "mcopy", "sgdisk") }, () => {
  let cloud: RunningCloud;
  let flavor: string;

  before(async () => {
    cloud = await RunningCloud.start({ releases: ["2022"], machines: "firmware" });
    flavor = await cloud.createFlavor("small", {}, 512);
  });
  after(() => cloud?.remove());

  async function upload(name: string, changeLoader?: (loader: Buffer) => Buffer): Promise<string> {
    const file = join(cloud.folder, `${name}.vhdx`);
    await buildGuestImage({ path: file, format: "vhdx", ...(changeLoader === undefined ? {} : { changeLoader }) });
    return (await cloud.uploadImage(name, file, SECURE)).id;
  }

  async function consoleOf(id: string): Promise<string> {
    const { body } = await cloud.request("POST", "compute", `/servers/${id}/action`, { "os-getConsoleOutput": {} });
    return typeof body.output === "string" ? body.output : "";
  }

  test("the distribution's signed shim: predicted to boot, accepted, and the guest confirms Secure Boot from inside", async () => {
    const image = await upload("good");
    const { report } = (await cloud.request("GET", "signet", `/images/${image}/verdicts`)).body;
    assert.equal(report.verdicts.find((verdict: { trust: string }) => verdict.trust === "MicrosoftUEFICertificateAuthority").outcome, "boots");
    const created = await cloud.createServer("good", image, flavor);
    assert.equal(created.status, 202, JSON.stringify(created.body));
    const server = await cloud.waitForServer(created.body.server.id);
    assert.equal(server.status, "ACTIVE", JSON.stringify(server.fault));
    const text = await cloud.waitFor(async () => ((await consoleOf(server.id)).includes("guest: ready") ? consoleOf(server.id) : null), "the guest's word", BOOT_TIMEOUT_MS);
    assert.match(text, /guest: kernel log: .*Secure boot enabled/i);
    const firmware = await cloud.waitFor(async () => (await cloud.signetServer(server.id)).firmware, "firmware's word", BOOT_TIMEOUT_MS);
    assert.equal(firmware.outcome, "accepted");
    await cloud.request("DELETE", "compute", `/servers/${server.id}`);
  });

  test("one flipped bit in the loader: predicted refused, refused at creation, and when forced firmware says Access Denied", async () => {
    const image = await upload("tampered", tamper);
    const refused = await cloud.createServer("tampered", image, flavor);
    assert.equal(refused.status, 400);
    assert.match(refused.body.badRequest.message, /refus/i);

    const created = await cloud.createServer("forced", image, flavor, { "signet:force": "true" });
    assert.equal(created.status, 202, JSON.stringify(created.body));
    const id = created.body.server.id as string;
    const firmware = await cloud.waitFor(async () => {
      const found = (await cloud.signetServer(id)).firmware;
      return found?.outcome === "refused" ? found : null;
    }, "firmware's refusal", BOOT_TIMEOUT_MS);
    assert.match(firmware.line ?? "", /Access Denied/);
    const server = await cloud.waitFor(async () => {
      const { body } = await cloud.request("GET", "compute", `/servers/${id}`);
      return body.server.status === "ERROR" ? body.server : null;
    }, "the server to show it");
    assert.match(server.fault.message, /Access Denied/);
  });

  test("without Secure Boot the tampered loader is not refused by firmware", async () => {
    const file = join(cloud.folder, "tampered.vhdx");
    const image = (await cloud.uploadImage("unprotected", file, { hw_machine_type: "hyperv-gen2" })).id;
    const created = await cloud.createServer("unprotected", image, flavor);
    const server = await cloud.waitForServer(created.body.server.id);
    assert.equal(server.status, "ACTIVE", JSON.stringify(server.fault));
    const text = await cloud.waitFor(async () => (/BdsDxe: starting/.test(await consoleOf(server.id)) ? consoleOf(server.id) : null), "firmware to start the loader", BOOT_TIMEOUT_MS);
    assert.doesNotMatch(text, /Access Denied/);
    assert.equal((await cloud.signetServer(server.id)).actual?.secureBootEnabled, false);
  });
});
