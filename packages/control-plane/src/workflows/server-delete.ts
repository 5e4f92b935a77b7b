import { failServer, finishAction, recordEvent, updateServer } from "../compute/server-writes.ts";
import { powerStates } from "../compute/server-record.ts";
import type { HostId, ServerId } from "../ids.ts";
import type { ComputeHost } from "../ports.ts";
import { releaseClaim } from "../scheduling/claims.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import { NotYet, type WorkflowDefinition } from "./definition.ts";
import { cancelOthers } from "./journal.ts";

export const serverDeleteKind = "server-delete";

export interface DeleteInput {
  readonly requestId: string;
}

/** Other work on the server ends within this, or is asked again. */
const WAIT_FOR_OTHERS_MS = 200;

/** Removes a server wholly: no machine, no disk, no claim. Never gives up: a host that is away is asked again when it is back. */
export function serverDelete({ store, connect }: { readonly store: ComputeStore; readonly connect: (hostId: HostId) => Promise<ComputeHost> }): WorkflowDefinition<DeleteInput> {
  return {
    kind: serverDeleteKind, lane: "work", attemptsMax: Number.POSITIVE_INFINITY,
    steps: [
      {
        name: "stop other work",
        perform: async ({ subjectId, workflowId }) => {
          if ((await cancelOthers(store, subjectId, workflowId)) > 0) throw new NotYet("other work on the server is being undone", WAIT_FOR_OTHERS_MS);
        },
      },
      {
        name: "destroy",
        perform: async ({ subjectId, signal }) => {
          const server = await store.selectFrom("servers").select("host_id").where("id", "=", subjectId).executeTakeFirstOrThrow();
          if (server.host_id === null) return;
          const host = await connect(server.host_id as HostId);
          await host.destroyMachine(subjectId as ServerId, signal);
        },
        record: async (transaction, { subjectId, input }) => {
          await releaseClaim(transaction, subjectId);
          await transaction.deleteFrom("server_consoles").where("server_id", "=", subjectId).execute();
          await updateServer(transaction, subjectId, { vm_state: "deleted", task_state: null, power_state: powerStates.none, deleted_at: new Date() });
          await recordEvent(transaction, subjectId, "deleted", "The machine, its disks and its claim are gone.");
          await finishAction(transaction, subjectId, input.requestId, null);
        },
      },
    ],
    onFailed: async (transaction, { subjectId, input }, failure) => {
      await updateServer(transaction, subjectId, { task_state: null });
      await failServer(transaction, subjectId, failure);
      await finishAction(transaction, subjectId, input.requestId, failure.message);
    },
  };
}
