import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Benchmark, compareLess, median } from "./benchmark.ts";

const launcher = fileURLToPath(new URL("../signet", import.meta.url));
const RUNS = 3;
const FIRST_CALL_LIMIT_MS = 3_000;
const MEMORY_LIMIT_BYTES = 250 * 1000 ** 2;
/** Memory is read after the burst of start-up is over. */
const SETTLE_MS = 5_000;

interface Start {
  readonly firstCallMs: number;
  readonly memoryBytes: number;
}

/** `signet up` on a set-up machine: time to the first authenticated answer, and what stays in memory when nothing happens. */
export async function measure(): Promise<readonly Benchmark[]> {
  const starts: Start[] = [];
  for (let index = 0; index < RUNS; index += 1) starts.push(await startOnce(index === RUNS - 1));
  return [
    compareLess({ name: "up-first-call", what: "signet up on a new folder until its first authenticated answer", ours: median(starts.map((start) => start.firstCallMs)), peer: { name: "limit of 3 s", value: FIRST_CALL_LIMIT_MS }, unit: "ms", goal: 1 }),
    compareLess({ name: "idle-memory", what: "idle memory of control plane, store and one emulated host (proportional set)", ours: starts.at(-1)!.memoryBytes, peer: { name: "limit of 250 MB", value: MEMORY_LIMIT_BYTES }, unit: "bytes", goal: 1 }),
  ];
}

async function startOnce(readMemory: boolean): Promise<Start> {
  const folder = await mkdtemp(join(tmpdir(), "signet-bench-"));
  const readyFile = join(folder, "ready.json");
  const startedAt = performance.now();
  const child = spawn(launcher, ["up", "--data", join(folder, "data"), "--listen", "127.0.0.1:0", "--ready-file", readyFile], { stdio: "ignore" });
  try {
    const endpoints = JSON.parse(await waitForFile(readyFile)) as { identity: string };
    await authenticate(endpoints.identity, await readPassword(join(folder, "data", "openrc")));
    const firstCallMs = performance.now() - startedAt;
    if (!readMemory) return { firstCallMs, memoryBytes: 0 };
    await new Promise((settle) => setTimeout(settle, SETTLE_MS));
    return { firstCallMs, memoryBytes: await memoryOfFamily(child.pid!, join(folder, "data")) };
  } finally {
    child.kill("SIGTERM");
    await new Promise((settle) => child.on("exit", settle));
    await rm(folder, { recursive: true, force: true });
  }
}

async function waitForFile(path: string): Promise<string> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text !== "") return text;
    await new Promise((settle) => setTimeout(settle, 10));
  }
  throw new Error(`signet up was not ready within 60 s (${path})`);
}

async function readPassword(openrc: string): Promise<string> {
  return /OS_PASSWORD='([^']+)'/.exec(await readFile(openrc, "utf8"))?.[1] ?? "";
}

async function authenticate(identity: string, password: string): Promise<void> {
  const domain = { name: "Default" };
  const body = { auth: { identity: { methods: ["password"], password: { user: { name: "admin", domain, password } } }, scope: { project: { name: "admin", domain } } } };
  const response = await fetch(`${identity}/auth/tokens`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const listed = await fetch(`${identity}/projects`, { headers: { "X-Auth-Token": response.headers.get("X-Subject-Token") ?? "" } });
  if (!listed.ok) throw new Error(`the first authenticated call was answered ${listed.status}`);
}

/** Proportional set size of the process and of all that belongs to it: its children, and the store that runs in the data folder. */
async function memoryOfFamily(rootProcess: number, dataPath: string): Promise<number> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  const members = new Set([rootProcess]);
  for (const id of ids) {
    const stat = await readFile(`/proc/${id}/stat`, "utf8").catch(() => "");
    parents.set(id, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0));
    const commandLine = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (commandLine.includes(dataPath)) members.add(id);
  }
  for (let grew = true; grew; ) {
    grew = false;
    for (const [id, parent] of parents) if (members.has(parent) && !members.has(id)) grew = members.add(id).size > 0;
  }
  let bytes = 0;
  for (const id of members) {
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, "utf8").catch(() => "");
    bytes += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  }
  return bytes;
}
