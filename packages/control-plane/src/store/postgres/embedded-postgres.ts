import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { chooseAccount, type PostgresAccount } from "./account.ts";
import { locateBinaries, type PostgresBinaries } from "./binaries.ts";
import { isAlive, readPostmasterFile } from "./postmaster-file.ts";

/** How to reach a database, in the words of the `pg` library. */
export interface PostgresConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface EmbeddedPostgres {
  readonly connection: PostgresConnection;
  readonly processId: number;
  /** Whether a server of an earlier process was found running and taken over. */
  readonly adopted: boolean;
  /** Ends all sessions and writes a checkpoint (PostgreSQL's fast shutdown, SIGINT). */
  stop(): Promise<void>;
}

const USER = "signet";
const PORT = 5432;
/** `sun_path` holds 108 bytes with its end; the socket's own name and a lock file's suffix come after the folder. */
const SOCKET_FOLDER_MAX = 80;
const START_TIMEOUT_MS = 60_000;
/** A fast shutdown writes what is in 16 MiB of buffers: this long only on a disk that is dying. */
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 5;
const run = promisify(execFile);

/** Lean in memory, and never at the price of a commit: fsync, full_page_writes and synchronous_commit keep their defaults, on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  shared_buffers: "16MB",
  max_connections: "40",
  work_mem: "4MB",
  maintenance_work_mem: "16MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  min_wal_size: "32MB",
  max_wal_size: "256MB",
  io_method: "sync",
  max_worker_processes: "1",
  max_parallel_workers: "0",
  max_logical_replication_workers: "0",
  autovacuum_worker_slots: "2",
  autovacuum_max_workers: "1",
  huge_pages: "off",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * Starts the embedded PostgreSQL on a folder, making the cluster at the first start, or takes over the server that already runs there.
 * Errors say what to do: a missing package, a folder made by another major version, a server that does not come up (with its own words).
 */
export async function startEmbeddedPostgres(folder: string): Promise<EmbeddedPostgres> {
  const root = resolve(folder);
  await mkdir(root, { recursive: true, mode: 0o755 });
  const cluster = join(root, "cluster");
  const binaries = await locateBinaries(join(root, "libraries"));
  const account = await chooseAccount(cluster, [cluster, binaries.postgres]);
  const password = await keepPassword(join(root, "password"));
  if ((await stat(join(cluster, "PG_VERSION")).catch(() => null)) === null) await createCluster(root, cluster, binaries, account, password);
  const running = await findRunning(cluster);
  if (running !== null) return describe(running.processId, running.socketFolder, password, true, () => stopProcess(running.processId));
  const socketFolder = await makeSocketFolder(root, account);
  const server = await startServer(root, cluster, socketFolder, binaries, account);
  return describe(server.pid!, socketFolder, password, false, async () => {
    await stopProcess(server.pid!, server);
    if (!socketFolder.startsWith(root)) await rm(socketFolder, { recursive: true, force: true });
  });
}

function describe(processId: number, socketFolder: string, password: string, adopted: boolean, stop: () => Promise<void>): EmbeddedPostgres {
  return { connection: { host: socketFolder, port: PORT, user: USER, password, database: "postgres" }, processId, adopted, stop };
}

async function keepPassword(path: string): Promise<string> {
  const known = await readFile(path, "utf8").catch(() => null);
  if (known !== null && known !== "") return known;
  const password = randomBytes(24).toString("base64url");
  const file = await open(path, "w", 0o600);
  await file.writeFile(password);
  await file.sync();
  await file.close();
  return password;
}

/** Under another name first: a folder called `cluster` is always a whole one, even after a power cut in the middle of this. */
async function createCluster(root: string, cluster: string, binaries: PostgresBinaries, account: PostgresAccount, password: string): Promise<void> {
  const unfinished = join(root, "cluster.unfinished");
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await chown(unfinished, account.userId, account.groupId);
  const passwordFile = join(unfinished, "..", "initial-password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  await chown(passwordFile, account.userId, account.groupId);
  try {
    const options = ["-D", unfinished, "-U", USER, "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--no-locale", "--encoding=UTF8", "--wal-segsize=4"];
    await run(...command(account, binaries.initdb, options), { env: environment(binaries), cwd: "/" });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`PostgreSQL's data could not be made in ${root}: ${stderr?.trim() || (error as Error).message}`, { cause: error });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, cluster);
}

/** The server of an earlier process, if it still serves this folder. One that is stopping is waited for. */
async function findRunning(cluster: string): Promise<{ processId: number; socketFolder: string } | null> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const found = await readPostmasterFile(cluster);
    if (found === null || !(await isAlive(found.processId))) return null;
    if (found.status === "ready") return { processId: found.processId, socketFolder: found.socketFolder };
    await sleep(POLL_MS);
  }
  throw new Error(`A PostgreSQL on ${cluster} has been starting or stopping for ${STOP_TIMEOUT_MS / 1000} s. Look at its log beside that folder, end it, and start again.`);
}

async function makeSocketFolder(root: string, account: PostgresAccount): Promise<string> {
  const beside = join(root, "socket");
  const folder = Buffer.byteLength(beside) <= SOCKET_FOLDER_MAX ? beside : await mkdtemp(join(tmpdir(), "signet-"));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chown(folder, account.userId, account.groupId);
  return folder;
}

async function startServer(root: string, cluster: string, socketFolder: string, binaries: PostgresBinaries, account: PostgresAccount): Promise<ChildProcess> {
  const log = await open(join(root, "postgres.log"), "a", 0o600);
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: socketFolder }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const [program, words] = command(account, binaries.postgres, ["-D", cluster, ...settings]);
  const { size: logStart } = await log.stat();
  // Its own session: Ctrl-C on the terminal reaches us alone, and we stop it last.
  const child = spawn(program, words, { env: environment(binaries), cwd: "/", stdio: ["ignore", log.fd, log.fd], detached: true });
  child.on("error", () => {});
  child.unref();
  try {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
      const found = await readPostmasterFile(cluster);
      if (found?.processId === child.pid && found.status === "ready") return child;
      await sleep(POLL_MS);
    }
    child.kill("SIGKILL");
    throw new Error(`PostgreSQL did not start on ${cluster}: ${await explain(root, logStart)}`);
  } finally {
    await log.close();
  }
}

async function explain(root: string, from: number): Promise<string> {
  const log = await readFile(join(root, "postgres.log"));
  const said = log.subarray(from).toString().split("\n").filter((line) => /FATAL|ERROR|HINT|DETAIL|error/.test(line)).slice(-3).join(" ");
  return said || `see ${join(root, "postgres.log")}`;
}

async function stopProcess(processId: number, child?: ChildProcess): Promise<void> {
  const ended = async (): Promise<boolean> => (child === undefined ? !(await isAlive(processId)) : child.exitCode !== null || child.signalCode !== null);
  if (await ended()) return;
  process.kill(processId, "SIGINT");
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (!(await ended())) {
    if (Date.now() > deadline) throw new Error(`PostgreSQL (process ${processId}) did not stop within ${STOP_TIMEOUT_MS / 1000} s.`);
    await sleep(POLL_MS);
  }
}

function command(account: PostgresAccount, program: string, words: readonly string[]): [string, string[]] {
  const [first, ...rest] = [...account.prefix, program, ...words];
  return [first!, rest];
}

/** Nothing of ours but what it needs: PG… variables of the user's shell would change what it does. */
function environment(binaries: PostgresBinaries): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LD_LIBRARY_PATH: binaries.libraryPath, LC_ALL: "C", TZ: "UTC" };
}
