import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Selectable } from "kysely";
import { hypervisorVersionOf } from "../../scheduling/version-predicate.ts";
import type { ComputeStore, HostTable } from "../../store/tables/compute.ts";
import { adminOf } from "./compute-caller.ts";
import { uuidPattern } from "./check-input.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { badRequest, notFound } from "./fault-envelope.ts";
import { existsOnly } from "./microversion.ts";

type Host = Selectable<HostTable> & { readonly servers: number };

/** First versions with UUIDs for ids, with cpu_info as an object, without the figures of use and with uptime as a field. */
const uuidsFrom = 53;
const cpuObjectFrom = 28;
const slimFrom = 88;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export function serveHypervisors(scope: FastifyInstance, { store }: ComputeParts): void {
  scope.get("/os-hypervisors", async (request) => {
    adminOf(request, "os_compute_api:os-hypervisors:list");
    return { hypervisors: (await selectHosts(store, request)).map((host) => viewBriefly(request, host)) };
  });
  scope.get("/os-hypervisors/detail", async (request) => {
    adminOf(request, "os_compute_api:os-hypervisors:list-detail");
    return { hypervisors: await Promise.all((await selectHosts(store, request)).map((host) => viewWithServers(store, request, host))) };
  });
  scope.get("/os-hypervisors/statistics", async (request) => {
    adminOf(request, "os_compute_api:os-hypervisors:statistics");
    existsOnly(request, { to: slimFrom - 1 });
    const hosts = await readHosts(store);
    const totals = hosts.map(figuresOf).reduce(addFigures, figuresOf(noHost));
    return { hypervisor_statistics: { count: hosts.length, ...totals } };
  });
  scope.get<{ Params: { id: string } }>("/os-hypervisors/:id", async (request) => {
    adminOf(request, "os_compute_api:os-hypervisors:show");
    return { hypervisor: await viewWithServers(store, request, await findHost(store, request, request.params.id)) };
  });
  scope.get<{ Params: { id: string } }>("/os-hypervisors/:id/uptime", async (request) => {
    adminOf(request, "os_compute_api:os-hypervisors:uptime");
    existsOnly(request, { to: slimFrom - 1 });
    const host = await findHost(store, request, request.params.id);
    return { hypervisor: { ...viewBriefly(request, host), uptime: uptimeText(host) } };
  });
}

async function selectHosts(store: ComputeStore, request: FastifyRequest): Promise<readonly Host[]> {
  const pattern = (request.query as { hypervisor_hostname_pattern?: string }).hypervisor_hostname_pattern;
  const hosts = await readHosts(store);
  const found = pattern === undefined ? hosts : hosts.filter(({ name }) => name.includes(pattern));
  if (pattern !== undefined && found.length === 0) throw notFound(`No hypervisor matching '${pattern}' could be found.`);
  return found;
}

async function readHosts(store: ComputeStore): Promise<readonly Host[]> {
  const [hosts, counts] = await Promise.all([
    store.selectFrom("hosts").selectAll().orderBy("number").execute(),
    store.selectFrom("servers").select(({ fn }) => ["host_id", fn.countAll().as("count")]).where("deleted_at", "is", null).groupBy("host_id").execute(),
  ]);
  return hosts.map((host) => ({ ...host, servers: Number(counts.find(({ host_id: id }) => id === host.id)?.count ?? 0) }));
}

async function findHost(store: ComputeStore, request: FastifyRequest, id: string): Promise<Host> {
  if (request.microversion >= uuidsFrom && !uuidPattern.test(id)) throw badRequest(`Invalid uuid ${id}`);
  const host = (await readHosts(store)).find((candidate) => (request.microversion >= uuidsFrom ? candidate.id === id.toLowerCase() : String(candidate.number) === id));
  if (host === undefined) throw notFound(`Hypervisor with ID '${id}' could not be found.`);
  return host;
}

const idOf = (request: FastifyRequest, host: Host): string | number => (request.microversion >= uuidsFrom ? host.id : host.number);

function viewBriefly(request: FastifyRequest, host: Host): object {
  return { id: idOf(request, host), hypervisor_hostname: host.name, state: host.up ? "up" : "down", status: host.enabled ? "enabled" : "disabled" };
}

async function viewWithServers(store: ComputeStore, request: FastifyRequest, host: Host): Promise<object> {
  const view = viewFully(request, host);
  const wantsServers = request.microversion >= uuidsFrom && /^(true|1)$/i.test((request.query as { with_servers?: string }).with_servers ?? "");
  if (!wantsServers) return view;
  const servers = await store.selectFrom("servers").select(["id", "name"]).where("host_id", "=", host.id).where("deleted_at", "is", null).execute();
  return { ...view, servers: servers.map(({ id, name }) => ({ uuid: id, name })) };
}

function viewFully(request: FastifyRequest, host: Host): object {
  const { microversion: version } = request;
  const facts = host.facts;
  const cpu = { arch: "x86_64", vendor: "", model: facts?.cpuModel ?? "", features: [], topology: { cores: facts?.cpuCount ?? 0, threads: 1, sockets: 1 } };
  return {
    ...viewBriefly(request, host), hypervisor_type: "hyperv", hypervisor_version: hypervisorVersionOf(facts?.osVersion ?? ""), host_ip: hostAddressOf(host.url),
    service: { id: idOf(request, host), host: host.name, disabled_reason: host.disabled_reason },
    ...(version < slimFrom ? { ...figuresOf(host), cpu_info: version < cpuObjectFrom ? JSON.stringify(cpu) : cpu } : { uptime: uptimeText(host) }),
  };
}

function figuresOf(host: Pick<Host, "facts" | "servers" | "memory_claimed_bytes" | "disk_claimed_bytes" | "vcpus_claimed">) {
  const total = { memory: host.facts?.memoryBytes ?? 0, disk: host.facts?.diskBytes ?? 0 };
  const used = { memory: Number(host.memory_claimed_bytes), disk: Number(host.disk_claimed_bytes) };
  return {
    vcpus: host.facts?.cpuCount ?? 0, vcpus_used: host.vcpus_claimed, memory_mb: Math.floor(total.memory / MIB), memory_mb_used: Math.floor(used.memory / MIB), free_ram_mb: Math.floor((total.memory - used.memory) / MIB),
    local_gb: Math.floor(total.disk / GIB), local_gb_used: Math.floor(used.disk / GIB), free_disk_gb: Math.floor((total.disk - used.disk) / GIB), disk_available_least: Math.floor((host.facts?.diskFreeBytes ?? 0) / GIB),
    running_vms: host.servers, current_workload: 0,
  };
}

type Figures = ReturnType<typeof figuresOf>;
const noHost = { facts: null, servers: 0, memory_claimed_bytes: 0, disk_claimed_bytes: 0, vcpus_claimed: 0 };

function addFigures(sum: Figures, figures: Figures): Figures {
  const names = Object.keys(sum) as (keyof Figures)[];
  return Object.fromEntries(names.map((name) => [name, sum[name] + figures[name]])) as unknown as Figures;
}

/** As the program `uptime` prints it: the client reads it with a pattern and fails on anything else. Windows knows no load averages. */
function uptimeText(host: Host): string {
  const now = new Date();
  const minutes = Math.floor((host.facts?.uptimeSeconds ?? 0) / 60);
  const two = (value: number): string => String(value).padStart(2, "0");
  const days = Math.floor(minutes / 1440);
  const clock = `${Math.floor((minutes % 1440) / 60)}:${two(minutes % 60)}`;
  return `${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} up ${days > 0 ? `${days} days, ` : ""}${clock}, 0 users, load average: 0.00, 0.00, 0.00`;
}

function hostAddressOf(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    return "";
  }
}
