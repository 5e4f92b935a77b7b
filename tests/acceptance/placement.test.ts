import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildGuestImage } from "@signet/cli/guest-image";
import { missingPrograms } from "../cloud/client-command.ts";
import { RunningCloud } from "../cloud/running-cloud.ts";

const GENERATION_2 = { hw_machine_type: "hyperv-gen2" };
const skip = missingPrograms("qemu-img", "mcopy", "sgdisk");

async function startWithImage(releases: readonly string[]): Promise<{ cloud: RunningCloud; file: string; flavor: string }> {
  const cloud = await RunningCloud.start({ releases });
  const file = join(cloud.folder, "guest.vhdx");
  await buildGuestImage({ path: file, format: "vhdx" });
  return { cloud, file, flavor: await cloud.createFlavor("small") };
}

describe("a cloud with a 2012 R2 host only", { skip }, () => {
  let scene: Awaited<ReturnType<typeof startWithImage>>;
  before(async () => (scene = await startWithImage(["2012r2"])));
  after(() => scene?.cloud.remove());

  test("refuses a Linux guest with Secure Boot and names the host and the reason", async () => {
    const { cloud, file, flavor } = scene;
    const image = await cloud.uploadImage("linux", file, { ...GENERATION_2, os_secure_boot: "required" });
    const created = await cloud.createServer("linux", image.id, flavor);
    const sentence = created.status === 202 ? (await cloud.waitForServer(created.body.server.id)).fault.message : created.body.badRequest.message;
    assert.match(sentence, /hv1/);
    assert.match(sentence, /2012 R2/);
    assert.match(sentence, /10\.0/);
  });

  test("starts the same image without Secure Boot, explicitly off", async () => {
    const { cloud, file, flavor } = scene;
    const image = await cloud.uploadImage("plain", file, GENERATION_2);
    const created = await cloud.createServer("plain", image.id, flavor);
    const server = await cloud.waitForServer(created.body.server.id);
    assert.equal(server.status, "ACTIVE", JSON.stringify(server.fault));
    const shown = await cloud.signetServer(server.id);
    assert.equal(shown.actual?.secureBootEnabled, false);
  });
});

describe("a cloud with a 2012 R2 and a 2022 host", { skip }, () => {
  let scene: Awaited<ReturnType<typeof startWithImage>>;
  before(async () => (scene = await startWithImage(["2012r2", "2022"])));
  after(() => scene?.cloud.remove());

  async function hostOf(name: string, properties: Record<string, string>): Promise<string> {
    const { cloud, file, flavor } = scene;
    const image = await cloud.uploadImage(name, file, { ...GENERATION_2, hypervisor_type: "hyperv", ...properties });
    const created = await cloud.createServer(name, image.id, flavor);
    assert.equal(created.status, 202, JSON.stringify(created.body));
    const server = await cloud.waitForServer(created.body.server.id);
    assert.equal(server.status, "ACTIVE", JSON.stringify(server.fault));
    return server["OS-EXT-SRV-ATTR:host"] as string;
  }

  test("hypervisor_version_requires >=10.0 steers to the 2022 host", async () => {
    assert.equal(await hostOf("needs-10", { hypervisor_version_requires: ">=10.0" }), "hv2");
  });

  test("hypervisor_version_requires <10.0 steers to the 2012 R2 host", async () => {
    assert.equal(await hostOf("needs-older", { hypervisor_version_requires: ">=6.3, <10.0" }), "hv1");
  });

  test("hypervisor_version_requires >=6.3 allows both, and Secure Boot for Linux still steers to the 2022 host", async () => {
    assert.equal(await hostOf("needs-linux", { hypervisor_version_requires: ">=6.3", os_secure_boot: "required" }), "hv2");
  });

  test("a requirement that no host meets ends in a fault that names each host", async () => {
    const { cloud, file, flavor } = scene;
    const image = await cloud.uploadImage("needs-11", file, { ...GENERATION_2, hypervisor_type: "hyperv", hypervisor_version_requires: ">=11.0" });
    const created = await cloud.createServer("needs-11", image.id, flavor);
    const server = await cloud.waitForServer(created.body.server.id);
    assert.equal(server.status, "ERROR");
    assert.match(server.fault.message, /hv1/);
    assert.match(server.fault.message, /hv2/);
    assert.match(server.fault.message, /11\.0/);
  });

  test("Secure Boot without a Generation 2 image is refused with 400 and the remedy", async () => {
    const { cloud, file, flavor } = scene;
    const image = await cloud.uploadImage("im-secure", file, { os_secure_boot: "required" });
    const created = await cloud.createServer("gen1", image.id, flavor);
    assert.equal(created.status, 400);
    assert.match(created.body.badRequest.message, /"im-secure" asks for Secure Boot/);
    assert.match(created.body.badRequest.message, /hw_machine_type=hyperv-gen2/);
  });
});
