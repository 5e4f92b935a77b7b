import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Server } from "../../compute/servers.ts";
import type { ComputeStore } from "../../store/tables/compute.ts";
import { adminOf, forbidden, requesterOf } from "./compute-caller.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { badRequest } from "./fault-envelope.ts";
import { microseconds } from "./server-view.ts";

interface Period {
  readonly start: Date;
  readonly end: Date;
}

/** Without a start, Nova looks back this long. */
const DEFAULT_PERIOD_MS = 4 * 7 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/** What projects have used over a time: hours of servers, their processors, memory and disk. */
export function serveUsage(scope: FastifyInstance, { store }: ComputeParts): void {
  scope.get("/os-simple-tenant-usage", async (request) => {
    adminOf(request, "os_compute_api:os-simple-tenant-usage:list");
    const period = readPeriod(request);
    const isDetailed = (request.query as { detailed?: string }).detailed === "1";
    const byProject = Map.groupBy(await readServers(store, period, null), (server) => server.project_id);
    return { tenant_usages: [...byProject].map(([projectId, servers]) => summarize(projectId, servers, period, isDetailed)) };
  });
  scope.get<{ Params: { project: string } }>("/os-simple-tenant-usage/:project", async (request) => {
    const who = requesterOf(request);
    const { project } = request.params;
    if (!who.isAdmin && project !== who.projectId) throw forbidden("os_compute_api:os-simple-tenant-usage:show");
    const period = readPeriod(request);
    return { tenant_usage: summarize(project, await readServers(store, period, project), period, true) };
  });
}

function readPeriod(request: FastifyRequest): Period {
  const query = request.query as { start?: string; end?: string };
  const read = (name: "start" | "end", otherwise: Date): Date => {
    const text = query[name];
    if (text === undefined) return otherwise;
    // Times come without a zone and mean UTC.
    const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`.replace(/^(\d{4}-\d\d-\d\d)Z$/, "$1T00:00:00Z"));
    if (Number.isNaN(time.getTime())) throw badRequest(`Datetime is in invalid format`);
    return time;
  };
  const end = read("end", new Date());
  const start = read("start", new Date(end.getTime() - DEFAULT_PERIOD_MS));
  if (start > end) throw badRequest("Invalid start time. The start time cannot occur after the end time.");
  return { start, end };
}

async function readServers(store: ComputeStore, { start, end }: Period, projectId: string | null): Promise<readonly Server[]> {
  let select = store.selectFrom("servers").selectAll().where("launched_at", "is not", null).where("launched_at", "<=", end).where(({ eb, or }) => or([eb("deleted_at", "is", null), eb("deleted_at", ">=", start)]));
  if (projectId !== null) select = select.where("project_id", "=", projectId);
  return select.orderBy("created_at").execute();
}

function summarize(projectId: string, servers: readonly Server[], period: Period, isDetailed: boolean): object {
  const usages = servers.map((server) => ({ server, hours: hoursOf(server, period) }));
  const sum = (weigh: (server: Server) => number): number => usages.reduce((total, { server, hours }) => total + hours * weigh(server), 0);
  return {
    tenant_id: projectId, ...(isDetailed ? { server_usages: usages.map(({ server, hours }) => viewUsage(server, hours)) } : {}),
    total_hours: sum(() => 1), total_vcpus_usage: sum(({ flavor }) => flavor.vcpus), total_memory_mb_usage: sum(({ flavor }) => flavor.memoryMib), total_local_gb_usage: sum(({ flavor }) => flavor.diskGib),
    start: microseconds(period.start), stop: microseconds(period.end),
  };
}

function viewUsage(server: Server, hours: number): object {
  const ended = server.deleted_at ?? new Date();
  return {
    hours, flavor: server.flavor.name, instance_id: server.id, name: server.name, tenant_id: server.project_id, memory_mb: server.flavor.memoryMib, local_gb: server.flavor.diskGib, vcpus: server.flavor.vcpus,
    started_at: microseconds(server.launched_at), ended_at: microseconds(server.deleted_at), state: server.deleted_at === null ? server.vm_state : "terminated",
    uptime: Math.max(0, Math.floor((ended.getTime() - server.launched_at!.getTime()) / 1_000)),
  };
}

/** The part of a server's life that lies within the period. */
function hoursOf(server: Server, { start, end }: Period): number {
  const from = Math.max(server.launched_at!.getTime(), start.getTime());
  const to = Math.min(server.deleted_at?.getTime() ?? Date.now(), end.getTime());
  return Math.max(0, to - from) / HOUR_MS;
}
