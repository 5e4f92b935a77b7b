import { CimXmlError, parseCimXml } from "@signet/wsman";
import type { CimInstance } from "@signet/wsman/cim";
import { readNumber, readText, readTexts } from "./cim-values.ts";
import { requireState } from "./find-machine.ts";
import type { HostSession } from "./host-session.ts";
import type { MachineObservation } from "./host-types.ts";
import { virtualizationNamespace } from "./schema/index.ts";
import { wqlText } from "./wql-text.ts";

/**
 * First OperationalStatus of Msvm_HeartbeatComponent. 3: the guest answers in an older version of the protocol. 12: nothing was ever
 * heard of it. Errors (6, 7) and a guest that fell silent (13) are trouble.
 */
const heartbeats: Readonly<Record<number, MachineObservation["heartbeat"]>> = { 2: "ok", 3: "ok", 6: "error", 7: "error", 12: "none", 13: "error" };
/** EnabledState of a component that is switched on. */
const enabled = 2;

/** What the host lets a client know of how a boot went. */
export async function observeMachine(session: HostSession, guid: string): Promise<MachineObservation> {
  const component = (name: string) => session.query(virtualizationNamespace, `SELECT * FROM ${name} WHERE SystemName = ${wqlText(guid)}`);
  const [state, [heartbeat], [exchange]] = await Promise.all([requireState(session, guid), component("Msvm_HeartbeatComponent"), component("Msvm_KvpExchangeComponent")]);
  const running = state === "running";
  return { running, heartbeat: running && heartbeat ? heartbeatOf(heartbeat) : "none", guestOperatingSystem: running && exchange ? guestItem(exchange, "OSName") : null };
}

export function heartbeatOf(component: CimInstance): MachineObservation["heartbeat"] {
  if (readNumber(component, "EnabledState", enabled) !== enabled) return "none";
  return heartbeats[readNumber(component, "OperationalStatus")] ?? "none";
}

/** A value that the guest itself tells, among items in their text form. */
export function guestItem(component: CimInstance, name: string): string | null {
  for (const text of readTexts(component, "GuestIntrinsicExchangeItems")) {
    const item = parseItem(text);
    if (item && readText(item, "Name") === name) return readText(item, "Data").trim() || null;
  }
  return null;
}

/** The guest writes these items: one that cannot be read says nothing about the others. */
function parseItem(text: string): CimInstance | null {
  try {
    return parseCimXml(text);
  } catch (error) {
    if (error instanceof CimXmlError) return null;
    throw error;
  }
}
