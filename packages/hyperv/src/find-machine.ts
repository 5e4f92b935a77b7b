import type { CimInstance } from "@signet/wsman/cim";
import { readText, readTexts } from "./cim-values.ts";
import type { HostSession } from "./host-session.ts";
import type { MachineState } from "./host-types.ts";
import { stateOf } from "./machine-state.ts";
import { ownerOf, settingsId } from "./references.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { wqlText } from "./wql-text.ts";

/** A machine on a host that carries a server id of ours. */
export interface OwnedMachine {
  readonly guid: string;
  readonly serverId: string;
  readonly settings: CimInstance;
}

const realized = "Microsoft:Hyper-V:System:Realized";
const notePattern = /^\s*signet:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\s*$/im;

/**
 * How a machine tells whose it is. Not the bare id that Nova's driver writes: a host taken over from Nova has machines of the same
 * ids that are not ours to change.
 */
export function noteOf(serverId: string): string {
  return `signet:${serverId.toLowerCase()}`;
}

/** The server id among the notes; people may have added lines of their own. */
export function serverIdIn(settings: CimInstance): string | null {
  return notePattern.exec(readTexts(settings, "Notes").join("\n"))?.[1]?.toLowerCase() ?? null;
}

export async function findOwnedMachines(session: HostSession): Promise<readonly OwnedMachine[]> {
  return ownedAmong(await session.query(virtualizationNamespace, `SELECT * FROM Msvm_VirtualSystemSettingData WHERE VirtualSystemType = ${wqlText(realized)}`));
}

/**
 * The machine of one server. Notes cannot be searched for, so all settings would have to be read; where the machine was seen before is
 * looked at first.
 */
export async function findMachine(session: HostSession, seen: Map<string, string>, serverId: string): Promise<OwnedMachine | null> {
  const id = serverId.toLowerCase();
  const guid = seen.get(id);
  if (guid !== undefined) {
    const [there] = ownedAmong(await session.query(virtualizationNamespace, `SELECT * FROM Msvm_VirtualSystemSettingData WHERE InstanceID = ${wqlText(settingsId(guid))}`));
    if (there?.serverId === id) return there;
    seen.delete(id);
  }
  const mine = (await findOwnedMachines(session)).filter((machine) => machine.serverId === id);
  if (mine.length > 1) throw session.fault("HV-MACHINE-TWICE", `The host has ${mine.length} machines with the note ${noteOf(id)}: ${mine.map((machine) => machine.guid).join(", ")}. Remove the note from those that are copies.`);
  const [found] = mine;
  if (found) seen.set(id, found.guid);
  return found ?? null;
}

function ownedAmong(settings: readonly CimInstance[]): readonly OwnedMachine[] {
  return settings.flatMap((one) => {
    const serverId = serverIdIn(one);
    const guid = ownerOf(readText(one, "InstanceID"));
    return serverId === null || guid === null ? [] : [{ guid, serverId, settings: one }];
  });
}

/** Null when the host has no such machine. */
export async function readSystem(session: HostSession, guid: string): Promise<CimInstance | null> {
  const [system] = await session.query(virtualizationNamespace, `SELECT * FROM Msvm_ComputerSystem WHERE Name = ${wqlText(guid)}`);
  return system ?? null;
}

/** @throws HostFault when the host has no such machine */
export async function requireState(session: HostSession, guid: string): Promise<MachineState> {
  const system = await readSystem(session, guid);
  if (system === null) throw session.fault("HV-MACHINE-UNKNOWN", `The host has no machine ${guid}.`);
  return stateOf(system);
}
