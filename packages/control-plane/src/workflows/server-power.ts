import { powerStates } from "../compute/server-record.ts";
import { endTask, failServer, finishAction, recordEvent, updateServer } from "../compute/server-writes.ts";
import type { HostId, MachineGuid, ServerId } from "../ids.ts";
import type { ComputeHost, MachineActual, PowerAction } from "../ports.ts";
import { Refusal } from "../refusal.ts";
import type { ComputeTransaction } from "../store/tables/compute.ts";
import { cancelledCode, NotYet, type StepContext, type WorkflowDefinition } from "./definition.ts";
import { cancelOthers, enqueueWorkflow } from "./journal.ts";
import { type ObserveInput, serverObserveKind } from "./server-observe.ts";

export const serverPowerKind = "server-power";

export interface PowerInput {
  readonly requestId: string;
  readonly action: "start" | "stop" | "soft-reboot" | "hard-reboot";
}

type Kept = Readonly<{ hostId: HostId; guid: MachineGuid; acted: boolean; shutDownAskedAt: number }>;
type Context = StepContext<PowerInput, Kept>;

/** A guest gets this long to shut down by itself, as Nova's wait_soft_reboot_seconds and shutdown_timeout; then it is turned off. */
const SHUT_DOWN_MS_MAX = 60_000;
const POLL_MS = 1_000;

/** Starts, stops and reboots. Every step first looks at the machine, so that a repeated one does not act twice. */
export function serverPower({ connect }: { readonly connect: (hostId: HostId) => Promise<ComputeHost> }): WorkflowDefinition<PowerInput, Kept> {
  const machineOf = async (context: Context): Promise<{ host: ComputeHost; actual: MachineActual }> => {
    const host = await connect(context.memory.hostId!);
    const actual = await host.readMachine(context.subjectId as ServerId, context.signal);
    if (actual === null) throw new Refusal({ code: "SIG-MACHINE-GONE", httpStatus: 500, message: "The host no longer has the server's machine.", remedy: "Delete the server and create it again." });
    return { host, actual };
  };
  return {
    kind: serverPowerKind, lane: "work", attemptsMax: 6,
    steps: [
      { name: "find", record: (transaction, context) => findMachine(transaction, context) },
      {
        name: "ask the guest to shut down",
        perform: async (context) => {
          if (context.input.action !== "stop" && context.input.action !== "soft-reboot") return {};
          const { host, actual } = await machineOf(context);
          // A guest without integration services cannot be asked; it is turned off in the next step.
          const asked = actual.state === "running" && (await host.setPower(actual.guid, "shut-down", context.signal).then(() => true, () => false));
          return { shutDownAskedAt: asked ? Date.now() : 0 };
        },
      },
      {
        name: "off",
        perform: async (context) => {
          if (context.input.action === "start") return;
          const { host, actual } = await machineOf(context);
          if (actual.state === "off") return;
          if (Date.now() - (context.memory.shutDownAskedAt ?? 0) < SHUT_DOWN_MS_MAX) throw new NotYet("the guest is shutting down", POLL_MS);
          await host.setPower(actual.guid, "turn-off", context.signal);
        },
      },
      {
        name: "on",
        perform: async (context) => {
          if (context.input.action === "stop") return;
          const { host, actual } = await machineOf(context);
          if (actual.state !== "running") await host.setPower(actual.guid, "start" satisfies PowerAction, context.signal);
        },
      },
      { name: "read back", perform: async (context) => { await machineOf(context); }, record: (transaction, context) => recordPower(transaction, context) },
    ],
    onFailed: async (transaction, { subjectId, input }, failure) => {
      if (failure.code !== cancelledCode) await failServer(transaction, subjectId, failure);
      await finishAction(transaction, subjectId, input.requestId, failure.message);
    },
  };
}

async function findMachine(transaction: ComputeTransaction, { subjectId, workflowId }: Context): Promise<Partial<Kept>> {
  const server = await transaction.selectFrom("servers").select(["host_id", "machine_guid"]).where("id", "=", subjectId).executeTakeFirstOrThrow();
  if (server.host_id === null || server.machine_guid === null) throw new Refusal({ code: "SIG-MACHINE-GONE", httpStatus: 500, message: "The server has no machine on any host.", remedy: "Delete the server and create it again." });
  // Whoever follows the present boot has heard all of it.
  await cancelOthers(transaction, subjectId, workflowId);
  return { hostId: server.host_id as HostId, guid: server.machine_guid as MachineGuid };
}

async function recordPower(transaction: ComputeTransaction, { subjectId, input, memory }: Context): Promise<void> {
  const isOn = input.action !== "stop";
  await updateServer(transaction, subjectId, {
    vm_state: isOn ? "active" : "stopped", task_state: endTask, power_state: isOn ? powerStates.running : powerStates.off, fault: null, ...(isOn ? { firmware: null } : {}),
  });
  await recordEvent(transaction, subjectId, input.action, isOn ? "The machine is running." : "The machine is off.");
  await finishAction(transaction, subjectId, input.requestId, null);
  if (!isOn) return;
  // The console is that of the present boot: what an earlier one said must not be read as firmware's word on this one.
  await transaction.deleteFrom("server_consoles").where("server_id", "=", subjectId).execute();
  const watch: ObserveInput = { hostId: memory.hostId!, guid: memory.guid! };
  await enqueueWorkflow(transaction, { kind: serverObserveKind, lane: "watch", subjectId, input: watch });
}
