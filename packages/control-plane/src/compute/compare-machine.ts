import type { MachineActual } from "../ports.ts";
import { templateName } from "./choose-template.ts";
import type { DesiredMachine } from "./server-record.ts";

/**
 * What differs between the machine as it shall be and as the host says it is, one sentence each; empty when nothing does. Paths and
 * ids are compared without case, addresses without punctuation: hosts write them either way.
 */
export function compareMachine(desired: DesiredMachine, actual: MachineActual): readonly string[] {
  const differences: string[] = [];
  const expect = (what: string, wanted: unknown, found: unknown): void => {
    if (wanted !== found) differences.push(`${what} shall be ${String(wanted)} and is ${String(found)}`);
  };
  expect("generation", desired.generation, actual.generation);
  expect("Secure Boot", onOff(desired.secureBootEnabled), onOff(actual.secureBootEnabled));
  // Without Secure Boot, or on hosts without the property, whatever template the host keeps is never used.
  if (desired.template !== null && desired.template.id.toLowerCase() !== actual.secureBootTemplateId?.toLowerCase()) {
    expect("Secure Boot template", desired.template.name, templateName(actual.secureBootTemplateId) ?? actual.secureBootTemplateId ?? "none");
  }
  expect("processors", desired.cpuCount, actual.cpuCount);
  expect("memory in bytes", desired.memoryBytes, actual.memoryBytes);
  if (!actual.diskPaths.some((path) => path.toLowerCase() === desired.rootDiskPath.toLowerCase())) expect("root disk", desired.rootDiskPath, actual.diskPaths.join(", ") || "absent");
  expect("network adapters", describeNics(desired.nics), describeNics(actual.nics));
  return differences;
}

const onOff = (enabled: boolean): string => (enabled ? "on" : "off");

function describeNics(nics: readonly { readonly switchName: string | null; readonly macAddress: string }[]): string {
  if (nics.length === 0) return "none";
  return nics.map((nic) => `${nic.macAddress.replace(/[^0-9a-f]/gi, "").toLowerCase()} on ${nic.switchName ?? "no switch"}`).toSorted().join(", ");
}
