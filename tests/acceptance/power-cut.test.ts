import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildGuestImage } from "@signet/cli/guest-image";
import { missingPrograms } from "../cloud/client-command.ts";
import { askHost, REALIZED_MACHINES } from "../cloud/host-witness.ts";
import { RunningCloud } from "../cloud/running-cloud.ts";

/** Moments of a creation, in milliseconds after it was accepted: before, within and after each of its steps. */
const MOMENTS_MS = [0, 150, 400, 900, 1_800];

describe("kill -9 in the middle of a server creation", { skip: missingPrograms("python3", "qemu-img", "mcopy", "sgdisk") }, () => {
  let cloud: RunningCloud;
  let image: string;
  let flavor: string;

  before(async () => {
    cloud = await RunningCloud.start({ releases: ["2022"] });
    const file = join(cloud.folder, "guest.vhdx");
    await buildGuestImage({ path: file, format: "vhdx" });
    image = (await cloud.uploadImage("guest", file, { hw_machine_type: "hyperv-gen2", os_secure_boot: "required" })).id;
    flavor = await cloud.createFlavor("small");
  });
  after(() => cloud?.remove());

  for (const [index, moment] of MOMENTS_MS.entries()) {
    test(`${moment} ms after it was accepted: the creation finishes or is undone, and nothing is orphaned on the host`, async () => {
      const created = await cloud.createServer(`cut-${index}`, image, flavor);
      assert.equal(created.status, 202, JSON.stringify(created.body));
      const id = created.body.server.id as string;
      await new Promise((settle) => setTimeout(settle, moment));
      await cloud.kill();
      await cloud.resume();

      const server = await cloud.waitForServer(id, 90_000);
      const machines = (await askHost(cloud.hosts[0]!, REALIZED_MACHINES)).filter((machine) => machine["ElementName"] === `cut-${index}`);
      // SHUTOFF: it was finished before the cut, and its machine went off with the host, which starts none by itself.
      if (server.status === "ACTIVE" || server.status === "SHUTOFF") {
        assert.equal(machines.length, 1);
        assert.equal(machines[0]!["SecureBootEnabled"], "true");
      } else assert.equal(machines.length, 0, `${server.status}: ${JSON.stringify(server.fault)}`);

      assert.equal((await cloud.request("DELETE", "compute", `/servers/${id}`)).status, 204);
      await cloud.waitFor(async () => ((await cloud.request("GET", "compute", `/servers/${id}`)).status === 404 ? true : null), "the server to be gone");
      assert.deepEqual(await askHost(cloud.hosts[0]!, REALIZED_MACHINES), []);
      const left = (await readdir(join(cloud.dataFolder, "hosts"), { recursive: true })).filter((name) => name.includes(id));
      assert.deepEqual(left, []);
    });
  }
});
