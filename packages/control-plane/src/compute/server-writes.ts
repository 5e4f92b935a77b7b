import { sql, type UpdateObject } from "kysely";
import type { ComputeTables, ComputeTransaction } from "../store/tables/compute.ts";
import { cutBytes, faultMessageBytesMax } from "../scheduling/no-valid-host.ts";
import type { FaultRecord, TaskState } from "./server-record.ts";

/** Changes of a server's row; each is made in the transaction of what caused it. */

export async function updateServer(transaction: ComputeTransaction, serverId: string, changes: UpdateObject<ComputeTables, "servers">): Promise<void> {
  await transaction.updateTable("servers").set({ ...changes, updated_at: new Date() }).where("id", "=", serverId).execute();
}

/** One line of the server's timeline. */
export async function recordEvent(transaction: ComputeTransaction, serverId: string, event: string, text: string): Promise<void> {
  await transaction.insertInto("server_events").values({ server_id: serverId, event, text }).execute();
}

/** The end of a task. Deleting is not ended by other work that ends beside it. */
export const endTask = sql<TaskState | null>`CASE WHEN task_state = 'deleting' THEN task_state END`;

/** Sets the server to ERROR with its fault. Repeated with the same fault, it says nothing twice. */
export async function failServer(transaction: ComputeTransaction, serverId: string, fault: Omit<FaultRecord, "at">): Promise<void> {
  const present = await transaction.selectFrom("servers").select(["vm_state", "fault"]).where("id", "=", serverId).executeTakeFirst();
  if (present?.vm_state === "error" && present.fault?.message === fault.message) return;
  await updateServer(transaction, serverId, { vm_state: "error", task_state: endTask, fault: JSON.stringify({ ...fault, at: new Date().toISOString() } satisfies FaultRecord) });
  await recordEvent(transaction, serverId, "failed", [fault.message, fault.remedy, `[${fault.code}]`].filter(Boolean).join(" "));
}

/** Ends an instance action; `details` is the whole sentence of what went wrong, null when nothing did. */
export async function finishAction(transaction: ComputeTransaction, serverId: string, requestId: string, details: string | null): Promise<void> {
  await transaction.updateTable("server_actions").set({ finished_at: new Date(), message: details === null ? null : "Error", details })
    .where("server_id", "=", serverId).where("request_id", "=", requestId).where("finished_at", "is", null).execute();
}

/** A fault's message as compute shows it: at most 255 bytes, as Nova's. */
export const briefFault = (fault: Pick<FaultRecord, "message" | "brief">): string => cutBytes(fault.brief ?? fault.message, faultMessageBytesMax);
