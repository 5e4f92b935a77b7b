import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";

/** Under whom PostgreSQL runs. It refuses to run as root. */
export interface PostgresAccount {
  readonly userId: number;
  readonly groupId: number;
  /** Words before each command: change of account, rights, and the signal when we die. */
  readonly prefix: readonly string[];
}

/** Debian's `nobody`, on every machine. */
const NOBODY_ID = 65_534;
/** Bits of `/proc/self/status` CapEff (capabilities(7)). */
const CAPABILITIES = [
  { name: "dac_read_search", bit: 2n },
  { name: "dac_override", bit: 1n },
] as const;

const run = promisify(execFile);

/**
 * Chooses the account: ours, unless we are root; then whoever owns the data already, else the machine's `postgres`, else `nobody`.
 * When a folder on the way (say `/root`) is closed to that account, PostgreSQL gets the one right to pass through closed folders that
 * we have ourselves. Everywhere it is told to stop when this process dies, so that no server is left behind.
 */
export async function chooseAccount(ownedFolder: string, reachable: readonly string[]): Promise<PostgresAccount> {
  const setpriv = await findSetpriv();
  const dieWithUs = setpriv === null ? [] : [setpriv, "--pdeathsig", "INT"];
  if (process.getuid!() !== 0) {
    return { userId: process.getuid!(), groupId: process.getgid!(), prefix: setpriv === null ? [] : [...dieWithUs, "--"] };
  }
  if (setpriv === null) throw new Error('PostgreSQL does not run as root, and the program "setpriv" (Debian package util-linux), which would start it under another account, is missing. Install it, or start Signet as another user.');
  const { userId, groupId } = (await ownerOf(ownedFolder)) ?? (await passwdEntry("postgres")) ?? { userId: NOBODY_ID, groupId: NOBODY_ID };
  const passage = (await Promise.all(reachable.map((path) => isReachable(path, userId, groupId)))).every(Boolean) ? [] : await grantPassage(reachable);
  return { userId, groupId, prefix: [...dieWithUs, `--reuid=${userId}`, `--regid=${groupId}`, "--clear-groups", ...passage, "--"] };
}

async function findSetpriv(): Promise<string | null> {
  return run("sh", ["-c", "command -v setpriv"]).then(({ stdout }) => stdout.trim() || null, () => null);
}

async function ownerOf(folder: string): Promise<{ userId: number; groupId: number } | null> {
  const found = await stat(folder).catch(() => null);
  return found === null || found.uid === 0 ? null : { userId: found.uid, groupId: found.gid };
}

async function passwdEntry(name: string): Promise<{ userId: number; groupId: number } | null> {
  const passwd = await readFile("/etc/passwd", "utf8").catch(() => "");
  const fields = passwd.split("\n").find((line) => line.startsWith(`${name}:`))?.split(":");
  return fields === undefined ? null : { userId: Number(fields[2]), groupId: Number(fields[3]) };
}

/** Whether every folder above the path may be passed by the account. */
async function isReachable(path: string, userId: number, groupId: number): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const passBit = uid === userId ? 0o100 : gid === groupId ? 0o010 : 0o001;
    if ((mode & passBit) === 0) return false;
    if (folder === "/") return true;
  }
}

async function grantPassage(paths: readonly string[]): Promise<readonly string[]> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const capability = CAPABILITIES.find(({ bit }) => ((effective >> bit) & 1n) === 1n);
  if (capability === undefined) throw new Error(`PostgreSQL's account cannot pass the folders above ${paths.join(" and ")}. Choose a data folder that others may pass (chmod o+x on the folders above it).`);
  return [`--inh-caps=+${capability.name}`, `--ambient-caps=+${capability.name}`];
}
