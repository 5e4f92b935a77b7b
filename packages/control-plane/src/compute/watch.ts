import type { HostId } from "../ids.ts";
import type { ComputeHost, MachineActual } from "../ports.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import { compareMachine } from "./compare-machine.ts";
import { templateName } from "./choose-template.ts";
import { powerStates, type VmState } from "./server-record.ts";
import { type Server } from "./servers.ts";
import { recordEvent, updateServer } from "./server-writes.ts";

/** A machine on a host that no server accounts for. Reported, never touched: it may be somebody's. */
export interface Stray {
  readonly hostId: HostId;
  readonly serverId: string;
  readonly machineName: string;
}

/**
 * Reads back every machine of a host and compares it with what it shall be: a switched-off Secure Boot, a changed template, a missing
 * disk becomes an event and part of the server. Machines of deleted servers are removed; others that nobody accounts for are reported.
 */
export async function watchHost(store: ComputeStore, hostId: HostId, host: ComputeHost, signal: AbortSignal): Promise<readonly Stray[]> {
  const machines = await host.listMachines(signal);
  const servers = await store.selectFrom("servers").selectAll().where("host_id", "=", hostId).where("deleted_at", "is", null).execute();
  const found = new Map(machines.map((machine) => [machine.serverId.toLowerCase(), machine]));
  for (const server of servers) {
    // While something is being done to a server its machine is not settled.
    if (server.desired !== null && server.task_state === null && server.vm_state !== "building") await watchServer(store, server, found.get(server.id) ?? null);
    found.delete(server.id);
  }
  return removeOrReport(store, hostId, host, [...found.values()], signal);
}

async function watchServer(store: ComputeStore, server: Server, machine: MachineActual | null): Promise<void> {
  const differences = machine === null ? ["the host no longer has the machine"] : compareMachine(server.desired!, machine);
  const power = machine === null ? null : settledPower(server.vm_state, machine);
  const isNews = JSON.stringify(differences) !== JSON.stringify(server.drift ?? []);
  const readAt = new Date().toISOString();
  await store.transaction().execute(async (transaction) => {
    // The row may have changed since it was read: whoever began something with the server comes first.
    const settled = await transaction.selectFrom("servers").select("id").where("id", "=", server.id).where("task_state", "is", null).where("vm_state", "=", server.vm_state).where("deleted_at", "is", null).forUpdate().executeTakeFirst();
    if (settled === undefined) return;
    await transaction.updateTable("servers").set({
      drift: JSON.stringify(differences), ...(machine === null ? {} : { actual: JSON.stringify({ machine, templateName: templateName(machine.secureBootTemplateId), readAt }) }),
    }).where("id", "=", server.id).execute();
    if (isNews) await recordEvent(transaction, server.id, differences.length === 0 ? "as desired again" : "drift", differences.length === 0 ? "The machine is again as it shall be." : `${differences.join("; ")}.`);
    if (power === null) return;
    await updateServer(transaction, server.id, power);
    await recordEvent(transaction, server.id, "power changed", `The machine was found ${machine!.state} on its host; nobody asked for that here.`);
  });
}

/** What the machine's own state makes of the server's, or null when the two agree. */
function settledPower(vmState: VmState, machine: MachineActual): { vm_state: VmState; power_state: number } | null {
  if (vmState === "active" && machine.state === "off") return { vm_state: "stopped", power_state: powerStates.off };
  if (vmState === "stopped" && machine.state === "running") return { vm_state: "active", power_state: powerStates.running };
  return null;
}

async function removeOrReport(store: ComputeStore, hostId: HostId, host: ComputeHost, machines: readonly MachineActual[], signal: AbortSignal): Promise<readonly Stray[]> {
  const strays: Stray[] = [];
  for (const machine of machines) {
    const server = await store.selectFrom("servers").select(["deleted_at", "host_id"]).where("id", "=", machine.serverId).executeTakeFirst();
    if (server !== undefined && server.deleted_at !== null) await host.destroyMachine(machine.serverId, signal);
    else if (server === undefined || server.host_id !== null) strays.push({ hostId, serverId: machine.serverId, machineName: machine.name });
  }
  return strays;
}
