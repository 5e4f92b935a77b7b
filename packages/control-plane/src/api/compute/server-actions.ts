import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { findServer, type Requester, type Server } from "../../compute/servers.ts";
import { memberOf, requesterOf } from "./compute-caller.ts";
import { checkInput, type Schema } from "./check-input.ts";
import type { ComputeParts } from "./compute-parts.ts";
import { badRequest, conflict, notFound } from "./fault-envelope.ts";
import { microseconds } from "./server-view.ts";

type Action = (server: Server, argument: unknown, who: Requester, reply: FastifyReply) => Promise<unknown>;

const rebootSchema: Schema = { type: "object", required: ["type"], properties: { type: { type: "string", values: ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"] } } };
const consoleSchema: Schema = { type: "object", properties: { length: { type: "integer", min: -1, nullable: true } } };

export function serveServerActions(scope: FastifyInstance, { store, servers }: ComputeParts): void {
  const accepted = async (work: Promise<void>, reply: FastifyReply): Promise<unknown> => {
    await work;
    return reply.code(202).send();
  };
  const actions: Readonly<Record<string, { readonly rule: string; readonly act: Action }>> = {
    "os-start": { rule: "os_compute_api:servers:start", act: (server, _argument, who, reply) => accepted(servers.power(server, "start", who), reply) },
    "os-stop": { rule: "os_compute_api:servers:stop", act: (server, _argument, who, reply) => accepted(servers.power(server, "stop", who), reply) },
    reboot: {
      rule: "os_compute_api:servers:reboot",
      act: (server, argument, who, reply) => {
        checkInput(rebootSchema, argument, "reboot");
        const isHard = (argument as { type: string }).type.toUpperCase() === "HARD";
        return accepted(servers.power(server, isHard ? "hard-reboot" : "soft-reboot", who), reply);
      },
    },
    forceDelete: { rule: "os_compute_api:os-deferred-delete:force", act: (server, _argument, who, reply) => accepted(servers.remove(server, who), reply) },
    "os-getConsoleOutput": {
      rule: "os_compute_api:os-console-output",
      act: async (server, argument) => {
        checkInput(consoleSchema, argument ?? {}, "os-getConsoleOutput");
        if (server.machine_guid === null) throw conflict(`Instance ${server.id} is not ready`);
        const said = await store.selectFrom("server_consoles").select("text").where("server_id", "=", server.id).executeTakeFirst();
        return { output: lastLines(said?.text ?? "", (argument as { length?: number | string | null } | null)?.length ?? null) };
      },
    },
  };
  scope.post<{ Params: { id: string } }>("/servers/:id/action", async (request, reply) => {
    const { body } = request;
    if (typeof body !== "object" || body === null || Object.keys(body).length !== 1) throw badRequest("Malformed request body");
    const [name, argument] = Object.entries(body)[0]!;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) throw badRequest(`There is no such action: ${name}`);
    const server = await findServer(store, request.params.id, requesterOf(request));
    return action.act(server, argument, memberOf(request, action.rule), reply);
  });
  serveInstanceActions(scope, store);
}

/** The last so many lines; null or a negative number is all. */
function lastLines(text: string, length: number | string | null): string {
  const count = length === null ? -1 : Number(length);
  if (count < 0) return text;
  return count === 0 ? "" : text.split("\n").slice(text.endsWith("\n") ? -count - 1 : -count).join("\n");
}

function serveInstanceActions(scope: FastifyInstance, store: ComputeParts["store"]): void {
  scope.get<{ Params: { id: string } }>("/servers/:id/os-instance-actions", async (request) => {
    const server = await findServer(store, request.params.id, requesterOf(request));
    const actions = await store.selectFrom("server_actions").selectAll().where("server_id", "=", server.id).orderBy("id", "desc").execute();
    return { instanceActions: actions.map((action) => viewAction(request, action)) };
  });
  scope.get<{ Params: { id: string; requestId: string } }>("/servers/:id/os-instance-actions/:requestId", async (request) => {
    const who = requesterOf(request);
    const server = await findServer(store, request.params.id, who);
    const action = await store.selectFrom("server_actions").selectAll().where("server_id", "=", server.id).where("request_id", "=", request.params.requestId).executeTakeFirst();
    if (action === undefined) throw notFound(`Action for request_id ${request.params.requestId} on instance ${server.id} not found`);
    const event = {
      event: `signet_${action.action}`, start_time: microseconds(action.started_at), finish_time: microseconds(action.finished_at), result: action.finished_at === null ? null : action.message === null ? "Success" : "Error", traceback: null,
      ...(request.microversion >= 62 ? { hostId: "", ...(who.isAdmin ? { host: server.host_name } : {}) } : {}), ...(request.microversion >= 84 ? { details: action.details } : {}),
    };
    return { instanceAction: { ...viewAction(request, action), ...(who.isAdmin || request.microversion >= 51 ? { events: [event] } : {}) } };
  });
}

function viewAction(request: FastifyRequest, action: { action: string; server_id: string; request_id: string; user_id: string; project_id: string; started_at: Date; finished_at: Date | null; message: string | null }): object {
  return {
    action: action.action, instance_uuid: action.server_id, request_id: action.request_id, user_id: action.user_id, project_id: action.project_id, start_time: microseconds(action.started_at), message: action.message,
    ...(request.microversion >= 58 ? { updated_at: microseconds(action.finished_at ?? action.started_at) } : {}),
  };
}
