import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startControlPlane, type ControlPlane } from "@signet/control-plane";
import { MemoryHost } from "@signet/control-plane/memory-host";
import type { HostFacts } from "@signet/control-plane/ports";
import { type CommandResult, missingPrograms, runCommand } from "../cloud/client-command.ts";

const GIB = 1024 ** 3;
const facts: HostFacts = {
  computerName: "HV1", osVersion: "10.0.20348", release: "2022", caption: "Microsoft Windows Server 2022 Datacenter", cpuCount: 8, cpuModel: "x86-64", memoryBytes: 16 * GIB, memoryFreeBytes: 12 * GIB,
  diskBytes: 200 * GIB, diskFreeBytes: 150 * GIB, uptimeSeconds: 90_000,
  secureBoot: {
    generation2: true, families: ["windows", "linux"],
    templates: [["1734c6e8-3154-4dda-ba5f-a874cc483422", "MicrosoftWindows"], ["272e7447-90a4-4563-a4b9-8e4ab00526ce", "MicrosoftUEFICertificateAuthority"]].map(([id, name]) => ({ id: id as never, name: name! })),
  },
  switches: [{ id: "1", name: "External" }], virtualHardDiskPath: "C:\\Disks",
};

describe("unmodified compute clients against a host in memory", { skip: missingPrograms("nova", "openstack", "glance", "qemu-img") }, () => {
  const host = new MemoryHost(facts);
  let folder: string;
  let plane: ControlPlane;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-clients-"));
    plane = await startControlPlane({ dataDir: join(folder, "data"), listen: { host: "127.0.0.1", port: 0 }, connectHost: () => host });
    await plane.hosts.register({ name: "hv1", url: "http://hv1.example/wsman", user: "Administrator", password: "secret", tlsFingerprint: null });
    environment = {
      ...process.env, HOME: folder, PYTHONWARNINGS: "ignore", OS_AUTH_URL: `${plane.url}/identity/v3`, OS_IDENTITY_API_VERSION: "3", OS_USERNAME: "admin", OS_PASSWORD: plane.adminPassword!, OS_PROJECT_NAME: "admin",
      OS_USER_DOMAIN_NAME: "Default", OS_PROJECT_DOMAIN_NAME: "Default", OS_REGION_NAME: "RegionOne",
    };
    execFileSync("qemu-img", ["create", "-q", "-f", "vhdx", join(folder, "empty.vhdx"), "64M"]);
    await succeed(`glance image-create --name lin-secure --disk-format vhd --container-format bare --property hypervisor_type=hyperv --property os_secure_boot=optional --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=10.0" --file '${join(folder, "empty.vhdx")}'`);
    await succeed("openstack flavor create --ram 256 --disk 1 --vcpus 1 m1.your.flavor");
  });
  after(async () => {
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (command: string): Promise<CommandResult> => runCommand(command, environment);
  async function succeed(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await run(command);
    assert.equal(exitCode, 0, `${command}\n${stdout}${stderr}`);
    return stdout;
  }

  test("flavor-key sets the blueprint's extra spec, and both clients show it", async () => {
    await succeed('nova flavor-key m1.your.flavor set "os:secure_boot=required"');
    assert.match(await succeed("openstack flavor show m1.your.flavor -c properties"), /os:secure_boot='required'/);
    assert.match(await succeed("nova flavor-list --extra-specs"), /'os:secure_boot': 'required'/);
  });

  test("the same value is taken below 2.86 and refused from there on, as by Nova", async () => {
    await succeed("openstack flavor set --property os:secure_boot=maybe m1.tiny");
    const refused = await run("openstack --os-compute-api-version 2.86 flavor set --property os:secure_boot=maybe m1.tiny");
    assert.match(refused.stderr, /'maybe' is not one of: disabled, required\./);
  });

  test("nova boot --poll ends when the server is ACTIVE, with Secure Boot by the flavor's word", async () => {
    assert.match(await succeed("nova boot --flavor m1.your.flavor --image lin-secure --nic none --poll from-nova"), /100% complete\s*Finished/);
    assert.deepEqual([...host.machines.values()].map(({ actual }) => [actual.name, actual.secureBootEnabled, actual.generation]), [["from-nova", true, 2]]);
    assert.match(await succeed("nova console-log from-nova"), /guest: ready/);
  });

  test("openstack server create --wait, list, show, stop, start, delete", async () => {
    assert.match(await succeed("openstack --os-compute-api-version 2.37 server create --wait --flavor m1.your.flavor --image lin-secure --nic none from-openstack -c status -f value"), /ACTIVE/);
    assert.match(await succeed("openstack server list -f value -c Name -c Status -c Image -c Flavor"), /from-openstack ACTIVE +lin-secure m1\.your\.flavor/);
    assert.match(await succeed("openstack server show from-openstack -f value -c OS-EXT-SRV-ATTR:host"), /hv1/);
    await succeed("openstack server stop from-openstack");
    await until(async () => /SHUTOFF/.test(await succeed("openstack server show from-openstack -f value -c status")));
    await succeed("openstack server start from-openstack");
    await until(async () => /ACTIVE/.test(await succeed("openstack server show from-openstack -f value -c status")));
    assert.match(await succeed("openstack server event list from-openstack -f value -c Action"), /start\nstop\ncreate/);
    await succeed("openstack server delete --wait from-openstack from-nova");
    assert.equal(host.machines.size, 0);
    assert.equal((await succeed("nova list --minimal")).includes("from-"), false);
  });

  test("a refusal reaches the user of either client as a sentence with its remedy", async () => {
    await succeed("openstack image set --property hw_machine_type=hyperv-gen1 lin-secure");
    const refused = await run("nova boot --flavor m1.your.flavor --image lin-secure --nic none gen1");
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /Flavor "m1.your.flavor" asks for Secure Boot on image "lin-secure".*Set hw_machine_type=hyperv-gen2 on the image, or choose a flavor without os:secure_boot\. \[SIG-POLICY-GEN2\] \(HTTP 400\)/s);
    await succeed("openstack image set --property hw_machine_type=hyperv-gen2 lin-secure");
  });

  test("a server that no host takes is an ERROR that says why", async () => {
    await succeed("openstack image set --property hypervisor_version_requires='>=11.0' lin-secure");
    await run("nova boot --flavor m1.your.flavor --image lin-secure --nic none --poll nowhere");
    assert.match(await succeed("openstack server show nowhere -f value -c fault"), /No valid host was found: 1 host\. hv1 is Windows Server 2022 \(10\.0\): the image requires >=11\.0\./);
    await succeed("openstack server delete --wait nowhere");
  });

  test("hypervisors are listed and shown by name, at 2.1 and at 2.88", async () => {
    assert.match(await succeed("openstack hypervisor list"), /hv1/);
    assert.match(await succeed("openstack hypervisor show hv1"), /hypervisor_version +\| 10000/);
    assert.match(await succeed("openstack --os-compute-api-version 2.88 hypervisor show hv1"), /uptime +\| 1 days?, +1:00/);
    assert.match(await succeed("nova hypervisor-list"), /hv1 +\| up +\| enabled/);
  });

  test("services, zones, limits, usage and keys print", async () => {
    assert.match(await succeed("openstack compute service list"), /nova-compute +\| hv1 +\| nova +\| enabled +\| up/);
    assert.match(await succeed("openstack availability zone list --compute"), /nova +\| available/);
    assert.match(await succeed("nova limits"), /Instances/);
    assert.match(await succeed("openstack usage show"), /Servers/);
    assert.match(await succeed("openstack keypair create kk"), /BEGIN RSA PRIVATE KEY/);
    await succeed("openstack keypair delete kk");
  });
});

async function until(look: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await look())) assert.ok(Date.now() < deadline, "waited in vain");
}
