import type { FastifyInstance } from "fastify";
import { findServer, type Server } from "../../compute/servers.ts";
import { standingOf } from "../../compute/standing.ts";
import type { ComputeStore } from "../../store/tables/compute.ts";
import { statusOf } from "../compute/server-view.ts";
import { callerOf } from "../http/session.ts";
import type { SignetServer } from "./shapes.ts";

type Event = SignetServer["timeline"][number];

/** `/signet/v1/servers`: what was asked, what was decided and by which rule, what is desired beside what is there, and what happened. */
export function registerSignetServers(scope: FastifyInstance, { store }: { readonly store: ComputeStore }): void {
  scope.get("/servers", async (request): Promise<{ servers: readonly SignetServer[] }> => {
    const { isAdmin, projectId } = callerOf(request);
    let select = store.selectFrom("servers").selectAll().where("deleted_at", "is", null);
    if (!isAdmin) select = select.where("project_id", "=", projectId);
    const servers = await select.orderBy("created_at", "desc").orderBy("id", "desc").execute();
    const timelines = await readTimelines(store, servers.map(({ id }) => id));
    return { servers: servers.map((server) => viewSignetServer(server, timelines.get(server.id) ?? [])) };
  });
  scope.get<{ Params: { id: string } }>("/servers/:id", async (request): Promise<SignetServer> => {
    const server = await findServer(store, request.params.id, callerOf(request));
    return viewSignetServer(server, (await readTimelines(store, [server.id])).get(server.id) ?? []);
  });
}

async function readTimelines(store: ComputeStore, serverIds: readonly string[]): Promise<ReadonlyMap<string, readonly Event[]>> {
  if (serverIds.length === 0) return new Map();
  const events = await store.selectFrom("server_events").selectAll().where("server_id", "in", serverIds).orderBy("id").execute();
  const byServer = Map.groupBy(events, (event) => event.server_id);
  return new Map([...byServer].map(([id, rows]) => [id, rows.map(({ at, event, text }) => ({ at: at.toISOString(), event, text }))]));
}

function viewSignetServer(server: Server, timeline: readonly Event[]): SignetServer {
  const { policy, desired, actual, drift, prediction, firmware, fault } = server;
  const isOn = desired?.secureBootEnabled ?? policy.decision !== "off";
  // A host without the property (6.3) has no template; before a host is chosen, the one that the loader's signers call for.
  const template = desired === null ? policy.template : desired.template;
  return {
    id: server.id, name: server.name, status: statusOf(server), taskState: server.task_state, projectId: server.project_id, hostName: server.host_name, machineGuid: server.machine_guid,
    image: { id: server.image_id, name: server.image_name }, flavorName: server.flavor.name,
    policy: { profile: policy.profile, asked: policy.asked, decision: policy.decision === "on-if-capable" ? "on" : policy.decision, rule: policy.rule },
    desired: { secureBootEnabled: isOn, templateId: template?.id ?? null, templateName: template?.name ?? null, generation: policy.generation },
    actual: actual === null ? null : {
      secureBootEnabled: actual.machine.secureBootEnabled, templateId: actual.machine.secureBootTemplateId, templateName: actual.templateName, generation: actual.machine.generation, powerState: actual.machine.state, readAt: actual.readAt,
    },
    matches: drift === null ? null : drift.length === 0,
    drift: drift === null ? null : drift.map(toSentence),
    standing: standingOf({ wantsSecureBoot: isOn, hasMachine: server.machine_guid !== null || actual !== null, drift, firmwareOutcome: firmware?.outcome ?? null }),
    prediction: prediction === null ? null : { trust: prediction.trust, outcome: prediction.outcome, because: prediction.because, forcedBy: prediction.forcedBy },
    firmware: firmware === null ? null : { outcome: firmware.outcome, line: firmware.line, heartbeat: firmware.heartbeat, observedAt: firmware.observedAt },
    fault: fault === null ? null : { code: fault.code, message: fault.message, remedy: fault.remedy },
    timeline,
  };
}

function toSentence(difference: string): string {
  return `${difference.charAt(0).toUpperCase()}${difference.slice(1)}.`;
}
