import type { CimInstance } from "@signet/wsman/cim";
import { readNumber, readText } from "./cim-values.ts";
import type { HostSession } from "./host-session.ts";
import { virtualizationNamespace } from "./schema/index.ts";

const healthy = 5;

/** Ids of the switches that are called so. Names are compared as Windows compares them; of two of one name the healthy one is taken. */
export async function findSwitches(session: HostSession, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (names.length === 0) return new Map();
  const all = await session.query(virtualizationNamespace, "SELECT * FROM Msvm_VirtualEthernetSwitch");
  return new Map(names.map((name) => [name, readText(findSwitch(session, all, name), "Name")]));
}

function findSwitch(session: HostSession, all: readonly CimInstance[], name: string): CimInstance {
  const named = all.filter((one) => readText(one, "ElementName").toLowerCase() === name.toLowerCase());
  const found = named.find((one) => readNumber(one, "HealthState", healthy) === healthy) ?? named[0];
  if (found) return found;
  const existing = all.map((one) => `"${readText(one, "ElementName")}"`).join(", ");
  throw session.fault("HV-SWITCH-UNKNOWN", `The host has no virtual switch "${name}"; it has ${existing === "" ? "none" : existing}.`);
}
