import type { CimReference } from "@signet/wsman/cim";
import { readText } from "./cim-values.ts";
import { requireState } from "./find-machine.ts";
import { HostFault } from "./host-fault.ts";
import type { HostSession } from "./host-session.ts";
import type { MachineState, PowerAction } from "./host-types.ts";
import { perform } from "./jobs.ts";
import { machineReference } from "./references.ts";
import { invalidState, shutdownInProgress } from "./return-codes.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { pause } from "./slots.ts";
import { wqlText } from "./wql-text.ts";

/** RequestedState of RequestStateChange. Shutting down is no longer one of them: that is the guest's own doing. */
const requestedStates = { start: 2, "turn-off": 3, reset: 11 } as const;
const settledState: Readonly<Record<keyof typeof requestedStates, MachineState>> = { start: "running", "turn-off": "off", reset: "running" };
const whatFor = { start: "start the machine", "turn-off": "turn the machine off", reset: "reset the machine" } as const;

// A start reserves memory and opens disks; a host under load takes minutes.
const changeLimitMs = 10 * 60_000;
// How long a change that somebody else began is waited for.
const settleLimitMs = 60_000;
const settlePollMs = 500;

/** Changes a machine's power and waits for it, except for the guest's own shutdown, which is only asked for. */
export async function setPower(session: HostSession, guid: string, action: PowerAction): Promise<void> {
  if (action === "shut-down") return askGuestToShutDown(session, guid);
  try {
    await changeState(session, guid, action);
  } catch (error) {
    if (error instanceof HostFault && error.code === "HV-NOT-FOUND") throw session.fault("HV-MACHINE-UNKNOWN", `The host has no machine ${guid}.`, { cause: error });
    throw error;
  }
}

async function changeState(session: HostSession, guid: string, action: keyof typeof requestedStates): Promise<void> {
  const result = await perform(session, {
    target: machineReference(guid), method: "RequestStateChange", parameters: { RequestedState: requestedStates[action] },
    what: whatFor[action], limitMs: changeLimitMs, alsoAccept: [invalidState],
    isDone: async () => (await requireState(session, guid)) === settledState[action],
  });
  if (result.ReturnValue !== invalidState) return;
  // Invalid may mean "already so", "on its way there" or "not from here": only the machine itself tells which.
  const state = await settle(session, guid);
  if (state === settledState[action] && action !== "reset") return;
  throw session.fault("HV-STATE", `The host would not ${whatFor[action]} while it is ${state}.`, { retry: state === "changing" ? "later" : "never" });
}

/** The state of a machine once it is not changing any more, or "changing" after all. */
async function settle(session: HostSession, guid: string): Promise<MachineState> {
  const deadline = Date.now() + settleLimitMs;
  for (;;) {
    const state = await requireState(session, guid);
    if (state !== "changing" || Date.now() >= deadline) return state;
    await pause(settlePollMs, session.signal);
  }
}

/** The component exists while the guest's integration services run; without it nobody can be asked. */
async function askGuestToShutDown(session: HostSession, guid: string): Promise<void> {
  const [component] = await session.query(virtualizationNamespace, `SELECT * FROM Msvm_ShutdownComponent WHERE SystemName = ${wqlText(guid)}`);
  if (!component) {
    const state = await requireState(session, guid);
    if (state === "off") return;
    throw session.fault("HV-GUEST-SILENT", `The guest cannot be asked to shut down: its integration services do not answer (the machine is ${state}). Turn it off instead.`);
  }
  const target: CimReference = {
    kind: "reference", namespace: virtualizationNamespace, className: "Msvm_ShutdownComponent",
    keys: Object.fromEntries(["CreationClassName", "DeviceID", "SystemCreationClassName", "SystemName"].map((key) => [key, readText(component, key)])),
  };
  await perform(session, {
    target, method: "InitiateShutdown", parameters: { Force: false, Reason: "The server was stopped." },
    what: "ask the guest to shut down", alsoAccept: [shutdownInProgress],
  });
}
