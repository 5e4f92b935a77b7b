import assert from "node:assert/strict";
import { mkdir, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buildGuestImage } from "@signet/cli/guest-image";
import { type CommandResult, missingPrograms, runCommand } from "../cloud/client-command.ts";
import { RunningCloud } from "../cloud/running-cloud.ts";

/** The commands of the blueprint "Hyper-V UEFI SecureBoot", typographic dashes made `--`, with a real VHDX behind their path. */
const COMMANDS = {
  windowsCreate: `glance image-create --property hypervisor_type=hyperv --property os_secure_boot=required --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=6.3" --name win-secure --disk-format vhd --container-format bare --file path/to/windows.vhdx`,
  windowsUpdate: `glance image-update --property os_secure_boot=optional --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=6.3" win-secure`,
  linuxCreate: `glance image-create --property hypervisor_type=hyperv --property os_secure_boot=required --property os_secure_boot_signature=MicrosoftUEFICertificateAuthority --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=10.0" --name lin-secure --disk-format vhd --container-format bare --file path/to/linux.vhdx`,
  linuxUpdate: `glance image-update --property os_secure_boot=optional --property os_secure_boot_signature=MicrosoftUEFICertificateAuthority --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=10.0" lin-secure`,
  flavorKey: `nova flavor-key m1.your.flavor set "os:secure_boot=required"`,
} as const;

describe("the blueprint's commands, from unmodified clients", { skip: missingPrograms("glance", "nova", "openstack", "qemu-img", "mcopy") }, () => {
  let cloud: RunningCloud;
  let environment: NodeJS.ProcessEnv;
  const run = (command: string): Promise<CommandResult> => runCommand(`cd '${cloud.folder}' && ${command}`, environment);

  before(async () => {
    cloud = await RunningCloud.start({ releases: ["2022"] });
    environment = await cloud.clientEnvironment();
    await mkdir(join(cloud.folder, "path/to"), { recursive: true });
    await buildGuestImage({ path: join(cloud.folder, "path/to/linux.vhdx"), format: "vhdx" });
    await copyFile(join(cloud.folder, "path/to/linux.vhdx"), join(cloud.folder, "path/to/windows.vhdx"));
    await cloud.createFlavor("m1.your.flavor");
  });
  after(() => cloud?.remove());

  test("image-create accepts a VHDX declared vhd, and both facts are recorded", async () => {
    for (const [command, name] of [[COMMANDS.windowsCreate, "win-secure"], [COMMANDS.linuxCreate, "lin-secure"]] as const) {
      const result = await run(command);
      assert.equal(result.exitCode, 0, result.stderr);
      assert.match(result.stdout, /os_secure_boot +\| required/);
      const listed = (await cloud.request("GET", "signet", "/images")).body.images as { name: string; declaredFormat: string; detectedFormat: string }[];
      const image = listed.find((candidate) => candidate.name === name);
      assert.equal(image?.declaredFormat, "vhd");
      assert.equal(image?.detectedFormat, "vhdx");
    }
  });

  test("image-update finds an image by its unique name", async () => {
    for (const command of [COMMANDS.windowsUpdate, COMMANDS.linuxUpdate]) {
      const result = await run(command);
      assert.equal(result.exitCode, 0, result.stderr);
      assert.match(result.stdout, /os_secure_boot +\| optional/);
    }
  });

  test("image-update refuses a value outside the list and names the allowed ones", async () => {
    const result = await run("glance image-update --property os_secure_boot=maybe lin-secure");
    assert.notEqual(result.exitCode, 0);
    assert.match(result.stderr + result.stdout, /disabled.*optional.*required/s);
  });

  test("flavor-key, then nova boot of the optional image: the flavor turns Secure Boot on", async () => {
    const set = await run(COMMANDS.flavorKey);
    assert.equal(set.exitCode, 0, set.stderr);
    const booted = await run("nova boot --flavor m1.your.flavor --image lin-secure --nic none --poll from-nova");
    assert.equal(booted.exitCode, 0, booted.stderr + booted.stdout);
    const shown = await run("openstack server show from-nova -f value -c id -c status");
    assert.match(shown.stdout, /ACTIVE/);
    const server = await cloud.signetServer(shown.stdout.split("\n").find((line) => /^[0-9a-f-]{36}$/.test(line))!);
    assert.equal(server.actual?.secureBootEnabled, true);
    assert.ok(server.policy.asked.some((asked) => asked.source === "flavor extra spec" && asked.value === "required"));
  });

  test("openstack server create --wait, list, show and delete, hypervisor list and show", async () => {
    const created = await run("openstack --os-compute-api-version 2.37 server create --wait --flavor m1.your.flavor --image lin-secure --nic none from-openstack");
    assert.equal(created.exitCode, 0, created.stderr);
    const listed = await run("openstack server list -f value -c Name -c Status");
    assert.match(listed.stdout, /from-openstack ACTIVE/);
    const deleted = await run("openstack server delete --wait from-openstack");
    assert.equal(deleted.exitCode, 0, deleted.stderr);
    const hypervisors = await run("openstack hypervisor list");
    assert.match(hypervisors.stdout, /hv1/);
    const hypervisor = await run("openstack hypervisor show hv1");
    assert.equal(hypervisor.exitCode, 0, hypervisor.stderr);
    assert.match(hypervisor.stdout, /hypervisor_version +\| 10000/);
  });
});
