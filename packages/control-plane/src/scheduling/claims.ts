import { sql } from "kysely";
import type { HostId } from "../ids.ts";
import type { ComputeStore, ComputeTransaction, HostTable } from "../store/tables/compute.ts";
import type { Selectable } from "kysely";
import type { HostState, Resources } from "./host-state.ts";

/** All hosts as the filters see them. */
export async function readHostStates(store: ComputeStore | ComputeTransaction): Promise<readonly HostState[]> {
  const rows = await store.selectFrom("hosts").selectAll().orderBy("name").execute();
  return rows.map(readHostState);
}

export function readHostState(row: Selectable<HostTable>): HostState {
  return {
    id: row.id as HostId, name: row.name, enabled: row.enabled, up: row.up, reason: row.enabled ? row.down_reason : row.disabled_reason, facts: row.facts,
    limits: { vcpus: row.vcpus_limit, memoryBytes: Number(row.memory_limit_bytes), diskBytes: Number(row.disk_limit_bytes) },
    claimed: { vcpus: row.vcpus_claimed, memoryBytes: Number(row.memory_claimed_bytes), diskBytes: Number(row.disk_claimed_bytes) },
  };
}

/**
 * Sells a part of a host to a server, if it is still there: one conditional update of the host's row, so that of two schedulers who
 * saw the same free memory only one gets it. False when somebody was faster. A server that has its claim already keeps it.
 */
export async function claimHost(transaction: ComputeTransaction, serverId: string, hostId: string, needs: Resources): Promise<boolean> {
  const present = await transaction.selectFrom("claims").select("host_id").where("server_id", "=", serverId).executeTakeFirst();
  if (present !== undefined) return present.host_id === hostId;
  const { rows } = await sql`
    UPDATE hosts SET vcpus_claimed = vcpus_claimed + ${needs.vcpus}, memory_claimed_bytes = memory_claimed_bytes + ${needs.memoryBytes},
      disk_claimed_bytes = disk_claimed_bytes + ${needs.diskBytes}
    WHERE id = ${hostId} AND enabled AND up AND vcpus_claimed + ${needs.vcpus} <= vcpus_limit
      AND memory_claimed_bytes + ${needs.memoryBytes} <= memory_limit_bytes AND disk_claimed_bytes + ${needs.diskBytes} <= disk_limit_bytes
    RETURNING id`.execute(transaction);
  if (rows.length === 0) return false;
  await transaction.insertInto("claims").values({ server_id: serverId, host_id: hostId, vcpus: needs.vcpus, memory_bytes: needs.memoryBytes, disk_bytes: needs.diskBytes }).execute();
  return true;
}

/** Gives back what a server holds, if it holds anything. */
export async function releaseClaim(transaction: ComputeTransaction, serverId: string): Promise<void> {
  const claim = await transaction.deleteFrom("claims").where("server_id", "=", serverId).returningAll().executeTakeFirst();
  if (claim === undefined) return;
  await sql`
    UPDATE hosts SET vcpus_claimed = vcpus_claimed - ${claim.vcpus}, memory_claimed_bytes = memory_claimed_bytes - ${Number(claim.memory_bytes)},
      disk_claimed_bytes = disk_claimed_bytes - ${Number(claim.disk_bytes)}
    WHERE id = ${claim.host_id}`.execute(transaction);
}
