import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildGuestImage } from "@signet/cli/guest-image";
import { missingPrograms } from "../cloud/client-command.ts";
import { askHost, REALIZED_MACHINES } from "../cloud/host-witness.ts";
import { RunningCloud } from "../cloud/running-cloud.ts";

const VALUES = ["absent", "disabled", "optional", "required"] as const;
type Value = (typeof VALUES)[number];

/** product.md, rule 3: the flavor overrides the image; `optional` leaves it to the flavor. */
const EXPECTED_ON: Readonly<Record<Value, Readonly<Record<Value, boolean>>>> = {
  absent: { absent: false, disabled: false, optional: false, required: true },
  disabled: { absent: false, disabled: false, optional: false, required: true },
  optional: { absent: false, disabled: false, optional: false, required: true },
  required: { absent: true, disabled: true, optional: true, required: true },
};

describe("the blueprint's table, on the host", { skip: missingPrograms("python3", "qemu-img", "mcopy", "sgdisk") }, () => {
  let cloud: RunningCloud;
  const images = new Map<Value, string>();
  const flavors = new Map<Value, string>();

  before(async () => {
    cloud = await RunningCloud.start({ releases: ["2022"] });
    const file = join(cloud.folder, "guest.vhdx");
    await buildGuestImage({ path: file, format: "vhdx" });
    for (const value of VALUES) {
      const asked: Record<string, string> = value === "absent" ? {} : { os_secure_boot: value };
      images.set(value, (await cloud.uploadImage(`image-${value}`, file, { hw_machine_type: "hyperv-gen2", ...asked })).id);
      flavors.set(value, await cloud.createFlavor(`flavor-${value}`, value === "absent" ? {} : { "os:secure_boot": value }));
    }
  });
  after(() => cloud?.remove());

  for (const image of VALUES) {
    for (const flavor of VALUES) {
      const on = EXPECTED_ON[image][flavor];
      test(`image ${image} with flavor ${flavor} makes a machine with SecureBootEnabled ${on}`, async () => {
        const created = await cloud.createServer(`${image}-${flavor}`, images.get(image)!, flavors.get(flavor)!);
        assert.equal(created.status, 202, JSON.stringify(created.body));
        const server = await cloud.waitForServer(created.body.server.id);
        assert.equal(server.status, "ACTIVE", JSON.stringify(server.fault));

        const machines = await askHost(cloud.hosts[0]!, `${REALIZED_MACHINES} AND ElementName = '${image}-${flavor}'`);
        assert.equal(machines.length, 1);
        assert.equal(machines[0]!["SecureBootEnabled"], String(on));
        assert.equal(machines[0]!["VirtualSystemSubType"], "Microsoft:Hyper-V:SubType:2");
        if (on) assert.equal(machines[0]!["SecureBootTemplateId"]?.toLowerCase(), "272e7447-90a4-4563-a4b9-8e4ab00526ce");

        const shown = await cloud.signetServer(server.id);
        assert.equal(shown.policy.decision, on ? "on" : "off");
        assert.equal(shown.matches, true);
        await cloud.request("DELETE", "compute", `/servers/${server.id}`);
      });
    }
  }

  test("after all are deleted the host holds no machine", async () => {
    const left = await cloud.waitFor(async () => ((await askHost(cloud.hosts[0]!, REALIZED_MACHINES)).length === 0 ? true : null), "the host to be empty");
    assert.equal(left, true);
  });
});
