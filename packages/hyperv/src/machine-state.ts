import type { CimInstance } from "@signet/wsman/cim";
import { readNumber } from "./cim-values.ts";
import type { MachineState } from "./host-types.ts";

/** Msvm_ComputerSystem.EnabledState. What is not listed is on its way from one state to another. */
const states: Readonly<Record<number, MachineState>> = {
  2: "running", 3: "off", 6: "saved", 9: "paused",
  // Fast-saved: saved for the short time that the host itself restarts its service.
  32779: "saved",
};

/** The same states while the machine cannot reach its storage (32781 to 32792). */
const firstCritical = 32781;
const lastCritical = 32792;

/** HealthState of a machine that was paused because its disks ran out of room: 20 nearly, 25 wholly. */
const majorFailure = 20;

export function stateOf(system: CimInstance): MachineState {
  const enabled = readNumber(system, "EnabledState");
  if (enabled >= firstCritical && enabled <= lastCritical) return "critical";
  if (readNumber(system, "HealthState") >= majorFailure) return "critical";
  return states[enabled] ?? "changing";
}
