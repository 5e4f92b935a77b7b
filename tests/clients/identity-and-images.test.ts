import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ControlPlane, startControlPlane } from "@signet/control-plane";
import { type CommandResult, missingPrograms, runCommand } from "../cloud/client-command.ts";

describe("unmodified identity and image clients", { skip: missingPrograms("openstack", "glance") }, () => {
  let folder: string;
  let plane: ControlPlane;
  let environment: NodeJS.ProcessEnv;
  const data = randomBytes(3 * 1024 ** 2);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-clients-"));
    plane = await startControlPlane({
      dataDir: join(folder, "data"), listen: { host: "127.0.0.1", port: 0 },
      connectHost: () => {
        throw new Error("this test has no hosts");
      },
    });
    environment = {
      ...process.env, HOME: folder, PYTHONWARNINGS: "ignore", OS_AUTH_URL: `${plane.url}/identity/v3`, OS_IDENTITY_API_VERSION: "3", OS_USERNAME: "admin", OS_PASSWORD: plane.adminPassword!, OS_PROJECT_NAME: "admin",
      OS_USER_DOMAIN_NAME: "Default", OS_PROJECT_DOMAIN_NAME: "Default", OS_REGION_NAME: "RegionOne",
    };
    await mkdir(join(folder, "path/to"), { recursive: true });
    // The clients do not look inside; what the judge says of a real disk is tested with real disks.
    for (const name of ["windows", "linux"]) await writeFile(join(folder, `path/to/${name}.vhdx`), data);
  });
  after(async () => {
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (command: string): Promise<CommandResult> => runCommand(`cd '${folder}' && ${command}`, environment);
  async function succeed(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await run(command);
    assert.equal(exitCode, 0, `${command}\n${stdout}${stderr}`);
    return stdout;
  }

  test("openstack token issue and catalog list work with what the administrator was told", async () => {
    assert.match(await succeed("openstack token issue -f value -c id"), /^[A-Za-z0-9_-]{43}\n$/);
    assert.match(await succeed("openstack catalog list -f value -c Type"), /identity\nimage\ncompute/);
    const wrong = await runCommand("openstack token issue", { ...environment, OS_PASSWORD: "wrong" });
    assert.match(wrong.stderr, /The request you have made requires authentication\. \(HTTP 401\)/);
  });

  test("openstack makes a project, a user and a role assignment, and the user can log in and see no users", async () => {
    await succeed("openstack project create lab -f value -c id");
    await succeed("openstack user create --password secret --project lab ada -f value -c id");
    await succeed("openstack role add --project lab --user ada member");
    assert.match(await succeed("openstack role assignment list --user ada --names -f value -c Role -c Project"), /member lab@Default/);
    const ada = { ...environment, OS_USERNAME: "ada", OS_PASSWORD: "secret", OS_PROJECT_NAME: "lab" };
    assert.equal((await runCommand("openstack token issue", ada)).exitCode, 0);
    assert.match((await runCommand("openstack user list", ada)).stderr, /You are not authorized to perform the requested action: identity:list_users/);
  });

  test("glance image-create takes the blueprint's commands, Windows and Linux, and shows what it stored", async () => {
    const windows = await succeed('glance image-create --property hypervisor_type=hyperv --property os_secure_boot=required --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=6.3" --name win-secure --disk-format vhd --container-format bare --file path/to/windows.vhdx');
    for (const line of [/os_secure_boot +\| required/, /hypervisor_version_requires +\| >=6\.3/, /status +\| active/, /size +\| 3145728/]) assert.match(windows, line);
    const linux = await succeed('glance image-create --property hypervisor_type=hyperv --property os_secure_boot=required --property os_secure_boot_signature=MicrosoftUEFICertificateAuthority --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=10.0" --name lin-secure --disk-format vhd --container-format bare --file path/to/linux.vhdx');
    assert.match(linux, /os_secure_boot_signature +\| MicrosoftUEFICertificateAuthority/);
  });

  test("glance image-update finds an image by its name, and passes our sentence on when a value is wrong", async () => {
    const updated = await succeed('glance image-update --property os_secure_boot=optional --property hw_machine_type=hyperv-gen2 --property hypervisor_version_requires=">=6.3" win-secure');
    assert.match(updated, /os_secure_boot +\| optional/);
    const refused = await run("glance image-update --property os_secure_boot=maybe win-secure");
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /os_secure_boot is "maybe"; allowed values are disabled, optional, required/);
  });

  test("glance image-list, image-show by name and image-download agree with what was uploaded", async () => {
    assert.match(await succeed("glance image-list"), /lin-secure[^]*win-secure/);
    assert.match(await succeed("glance image-show win-secure"), /disk_format +\| vhd/);
    await succeed("glance image-download --file downloaded.vhdx win-secure");
    assert.ok((await readFile(join(folder, "downloaded.vhdx"))).equals(data));
  });

  test("openstack image create, set, save and list, by name", async () => {
    await succeed("openstack image create --disk-format vhdx --container-format bare --property os_secure_boot=required --file path/to/linux.vhdx from-openstack -f value -c status");
    await succeed("openstack image set --property os_secure_boot=optional --tag golden from-openstack");
    assert.match(await succeed("openstack image show from-openstack -f value -c properties"), /'os_secure_boot': 'optional'/);
    await succeed("openstack image save --file saved.vhdx from-openstack");
    assert.ok((await readFile(join(folder, "saved.vhdx"))).equals(data));
    assert.equal((await succeed("openstack image list --tag golden -f value -c Name")).trim(), "from-openstack");
  });

  test("a second upload and a protected image are refused in words that the clients show", async () => {
    const id = (await succeed("openstack image show win-secure -f value -c id")).trim();
    assert.match((await run(`glance image-upload --file path/to/windows.vhdx ${id}`)).stderr, /Image status transition from active to saving is not allowed/);
    await succeed("openstack image set --protected win-secure");
    assert.match((await run("openstack image delete win-secure")).stderr, /is protected and cannot be deleted/);
    await succeed("openstack image set --unprotected win-secure");
  });

  test("glance image-delete by name leaves neither image nor file", async () => {
    await succeed("glance image-delete win-secure lin-secure from-openstack");
    assert.equal((await succeed("openstack image list -f value")).trim(), "");
  });
});
