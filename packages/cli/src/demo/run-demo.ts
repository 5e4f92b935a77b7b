import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cloud, startCloud } from "../cloud.ts";
import { buildGuestImage, tamper } from "../guest-image/build-guest-image.ts";
import { repositoryRoot } from "../repository.ts";
import { DemoFailure, Story, expect } from "./story.ts";
import { readServer, waitForConsole, waitForFirmware } from "./watch-server.ts";

const TEMPLATE = "MicrosoftUEFICertificateAuthority";

/** `signet demo`: the main job on real input. Ends with 0 only if all of it happened. */
export async function runDemo(options: { readonly data?: string }): Promise<void> {
  const folder = options.data ?? (await mkdtemp(join(tmpdir(), "signet-demo-")));
  await mkdir(folder, { recursive: true });
  process.stdout.write("Signet's main job, on real firmware. Each command is one that you could type.\n");
  let cloud: Cloud | null = null;
  try {
    const startStory = new Story(process.env, write);
    startStory.begin("Start a cloud: control plane, PostgreSQL and one emulated Hyper-V host whose machines boot under QEMU and OVMF");
    cloud = await startCloud({ dataPath: join(folder, "cloud"), listen: { host: "127.0.0.1", port: 0 }, releases: ["2022"], machines: "firmware", onStep: (text) => startStory.tell(text) });
    startStory.end();
    const scene: Scene = { cloud, folder, story: startStory.continueAs(clientEnvironment(cloud, folder)) };
    await goodImage(scene);
    await tamperedImage(scene);
    scene.story.begin("Stop everything");
    await cloud.close();
    cloud = null;
    scene.story.end();
    write(PROVEN);
    if (options.data === undefined) await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    write(`\nThe demo failed: ${error.message}\nLogs and data are kept in ${folder}.\n`);
    process.exitCode = 1;
  } finally {
    await cloud?.close();
  }
}

const PROVEN = `
What was proven:
  1. A loader that was predicted to boot did boot: firmware enforced Secure Boot, and the guest said so from inside.
  2. A loader with one bit changed was predicted as refused, and the control plane refused the server before any host was touched.
  3. Forced past us, the same image was refused by the firmware itself with Access Denied, and the server says so.
`;

interface Scene {
  readonly cloud: Cloud;
  readonly folder: string;
  readonly story: Story;
}

async function goodImage({ cloud, folder, story }: Scene): Promise<void> {
  const image = join(folder, "debian.vhdx");
  story.begin("Build a Generation 2 image from this distribution's own signed shim, GRUB and kernel");
  await buildGuestImage({ path: image, format: "vhdx" });
  story.tell(`${image}: \\EFI\\BOOT\\BOOTX64.EFI is shim, then grubx64.efi, then the kernel; nothing in it is signed by us`);
  story.end();

  story.begin("Ask what firmware will say, before anything boots");
  const inspected = await story.type([join(repositoryRoot, "signet"), "inspect", image, "--trust", TEMPLATE]);
  expect(inspected.exitCode === 0, `signet inspect should predict that ${image} boots (exit code ${inspected.exitCode})`);
  story.end();

  story.begin("Upload it and ask for Secure Boot, with the unmodified glance client");
  await upload(story, "debian-secure", image);
  story.end();

  story.begin("Boot it, with the unmodified nova client");
  const booted = await story.type(["nova", "boot", "--flavor", "m1.small", "--image", "debian-secure", "--nic", "none", "--poll", "demo"], (lines) => keep(lines, /\| (id|name|status) |Server building|Finished|ERROR/));
  expect(booted.exitCode === 0, "nova boot should end with 0");
  const server = await serverId(story, "demo");
  story.end();

  story.begin("Read back from the host, over WS-Management, what the machine really is");
  const { desired, actual, matches } = await readServer(cloud, server);
  story.tell(`GET ${cloud.endpoints.signet}/servers/${server}`);
  story.tell(`desired  SecureBootEnabled ${desired.secureBootEnabled}  template ${desired.templateName}  generation ${desired.generation}`);
  story.tell(`actual   SecureBootEnabled ${actual?.secureBootEnabled}  template ${actual?.templateName}  generation ${actual?.generation}  ${actual?.powerState}`);
  expect(matches === true && actual?.secureBootEnabled === true, "the machine as read back should have Secure Boot enabled, as desired");
  story.end();

  story.begin("Wait for the guest's own word");
  const text = await waitForConsole(story, "demo", "guest: ready");
  const lines = text.split("\n").map((line) => line.trim());
  story.tell("$ nova console-log demo");
  story.tell(lines.filter((line) => line.startsWith("BdsDxe:") || line.startsWith("guest:")).join("\n"));
  expect(lines.some((line) => /^guest: kernel log: .*Secure boot enabled/i.test(line)), "the guest should say from inside that Secure Boot is enabled");
  story.end();
}

async function tamperedImage({ cloud, folder, story }: Scene): Promise<void> {
  const image = join(folder, "tampered.vhdx");
  story.begin("Change one bit of the boot loader in a copy, and ask again");
  await buildGuestImage({ path: image, format: "vhdx", changeLoader: tamper });
  const inspected = await story.type([join(repositoryRoot, "signet"), "inspect", image, "--trust", TEMPLATE]);
  expect(inspected.exitCode === 1, `signet inspect should predict that ${image} is refused (exit code ${inspected.exitCode})`);
  story.end();

  story.begin("Upload the copy and try to boot it: refused at creation, no host is touched");
  await upload(story, "debian-tampered", image);
  const refused = await story.type(["nova", "boot", "--flavor", "m1.small", "--image", "debian-tampered", "--nic", "none", "tampered"]);
  expect(refused.exitCode !== 0 && /HTTP 400/.test(refused.output), "nova boot of the tampered image should be refused with HTTP 400");
  story.end();

  story.begin("Force it past us, as an administrator may: now the firmware itself decides");
  const forced = await story.type(["nova", "boot", "--flavor", "m1.small", "--image", "debian-tampered", "--nic", "none", "--hint", "signet:force=true", "forced"], (lines) => keep(lines, /\| (id|name|status) |ERROR/));
  expect(forced.exitCode === 0, "the forced nova boot should be accepted");
  const server = await serverId(story, "forced");
  const firmware = await waitForFirmware(cloud, server);
  expect(firmware.outcome === "refused" && /Access Denied/.test(firmware.line ?? ""), `firmware should refuse the forced image with Access Denied, it said: ${firmware.line ?? "nothing"}`);
  await story.type(["openstack", "server", "show", "forced", "-c", "name", "-c", "status", "-c", "fault"]);
  story.tell(`firmware said: ${firmware.line}`);
  story.end();
}

async function upload(story: Story, name: string, image: string): Promise<void> {
  const properties = ["hw_machine_type=hyperv-gen2", "os_secure_boot=required", "hypervisor_type=hyperv"].flatMap((property) => ["--property", property]);
  const result = await story.type(["glance", "image-create", "--name", name, "--disk-format", "vhdx", "--container-format", "bare", ...properties, "--file", image], (lines) => keep(lines, /\| (id|name|status|size|os_secure_boot|os_secure_boot_signature|signet_\w+) /));
  expect(result.exitCode === 0, `glance image-create of ${name} should end with 0`);
}

async function serverId(story: Story, name: string): Promise<string> {
  const shown = await story.run(["openstack", "server", "show", name, "-f", "value", "-c", "id"]);
  return shown.output.trim();
}

const keep = (lines: readonly string[], pattern: RegExp): readonly string[] => lines.filter((line) => pattern.test(line));
const write = (text: string): void => void process.stdout.write(text);

/** The variables of the openrc file, and a home of their own, because the glance client keeps schemas per user. */
function clientEnvironment(cloud: Cloud, folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: folder,
    PYTHONWARNINGS: "ignore",
    OS_AUTH_URL: cloud.endpoints.identity,
    OS_IDENTITY_API_VERSION: "3",
    OS_USERNAME: "admin",
    OS_PASSWORD: cloud.adminPassword ?? "",
    OS_PROJECT_NAME: "admin",
    OS_USER_DOMAIN_NAME: "Default",
    OS_PROJECT_DOMAIN_NAME: "Default",
    OS_REGION_NAME: "RegionOne",
  };
}
