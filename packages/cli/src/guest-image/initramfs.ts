import { readFile } from "node:fs/promises";

/** One file of a cpio archive. Directories have no data; device nodes are left to devtmpfs. */
interface ArchiveEntry {
  readonly path: string;
  readonly mode: number;
  readonly data: Uint8Array;
}

const DIRECTORY_MODE = 0o040755;
const EXECUTABLE_MODE = 0o100755;

/**
 * The guest's first and only program. It says what the guest itself knows of Secure Boot (the kernel's own log line and the
 * lock-down it entered because of it), then stays up. Every sentence starts with "guest:" so that a reader of the console can
 * tell it from the kernel's.
 */
const INIT_SCRIPT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
echo "guest: $(/bin/busybox uname -sr) is up"
echo "guest: kernel log: $(/bin/busybox dmesg | /bin/busybox grep -m1 'secureboot:' | /bin/busybox sed 's/^\\[[^]]*\\] *//')"
echo "guest: lockdown: $(/bin/busybox cat /sys/kernel/security/lockdown 2>/dev/null)"
echo "guest: ready"
while :; do /bin/busybox sleep 3600; done
`;

/** Builds the guest's initial RAM file system: a static busybox and the script above (cpio "newc", kernel Documentation/driver-api/early-userspace/buffer-format.rst). */
export async function buildInitramfs(busyboxPath: string): Promise<Uint8Array> {
  const busybox = await readFile(busyboxPath);
  return writeCpio([
    { path: "bin", mode: DIRECTORY_MODE, data: new Uint8Array() },
    { path: "dev", mode: DIRECTORY_MODE, data: new Uint8Array() },
    { path: "bin/busybox", mode: EXECUTABLE_MODE, data: busybox },
    { path: "init", mode: EXECUTABLE_MODE, data: Buffer.from(INIT_SCRIPT) },
  ]);
}

function writeCpio(entries: readonly ArchiveEntry[]): Uint8Array {
  const trailer: ArchiveEntry = { path: "TRAILER!!!", mode: 0, data: new Uint8Array() };
  return Buffer.concat([...entries, trailer].map((entry, index) => writeCpioEntry(entry, index + 1)));
}

function writeCpioEntry(entry: ArchiveEntry, inode: number): Buffer {
  const name = Buffer.from(`${entry.path}\0`);
  const fields = [inode, entry.mode, 0, 0, 1, 0, entry.data.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padToFour(Buffer.concat([Buffer.from(header), name])), padToFour(Buffer.from(entry.data))]);
}

function padToFour(bytes: Buffer): Buffer {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
