import { access, readdir } from "node:fs/promises";

/** Where the distribution's packages put what a guest is made of. Nothing here is ours; nothing of it is in the repository. */
export interface GuestPrograms {
  readonly shimPath: string;
  readonly grubPath: string;
  readonly kernelPath: string;
  readonly busyboxPath: string;
}

const SHIM_PATH = "/usr/lib/shim/shimx64.efi.signed";
const GRUB_PATH = "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";
const BUSYBOX_PATH = "/bin/busybox";
const KERNEL_DIRECTORY = "/boot";

/** Finds them; throws an error that names the missing file and its package. */
export async function findGuestPrograms(): Promise<GuestPrograms> {
  await requireFile(SHIM_PATH, "shim-signed");
  await requireFile(GRUB_PATH, "grub-efi-amd64-signed");
  await requireFile(BUSYBOX_PATH, "busybox-static");
  return { shimPath: SHIM_PATH, grubPath: GRUB_PATH, busyboxPath: BUSYBOX_PATH, kernelPath: await newestKernel() };
}

async function newestKernel(): Promise<string> {
  const names = await readdir(KERNEL_DIRECTORY).catch(() => []);
  const kernels = names.filter((name) => name.startsWith("vmlinuz-")).toSorted(new Intl.Collator("en", { numeric: true }).compare);
  const newest = kernels.at(-1);
  if (newest === undefined) throw new Error(`no signed kernel in ${KERNEL_DIRECTORY}. Run: apt-get install -y --no-install-recommends linux-image-cloud-amd64`);
  return `${KERNEL_DIRECTORY}/${newest}`;
}

async function requireFile(path: string, debianPackage: string): Promise<void> {
  await access(path).catch(() => {
    throw new Error(`${path} is missing. Run: apt-get install -y --no-install-recommends ${debianPackage}`);
  });
}
