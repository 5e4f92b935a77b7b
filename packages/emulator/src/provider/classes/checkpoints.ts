import type { Host } from "../../host/host.ts";
import type { CheckpointRecord } from "../../host/machine-record.ts";
import type { VirtualMachine } from "../../host/virtual-machine.ts";
import { type AssociationSource, type Link, machinesOf } from "../class-source.ts";
import { machineSystemObject } from "./computer-systems.ts";
import { settingsObject } from "./system-settings.ts";

function currentOf(machine: VirtualMachine): CheckpointRecord | undefined {
  return machine.record.checkpoints.find(({ guid }) => guid === machine.record.currentCheckpoint);
}

export const checkpointAssociations: readonly AssociationSource[] = [
  {
    className: "Msvm_SnapshotOfVirtualSystem", roles: ["Antecedent", "Dependent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        for (const checkpoint of machine.record.checkpoints) yield { ends: [machineSystemObject(host, machine), settingsObject(host, checkpoint)] };
      }
    },
  },
  {
    className: "Msvm_MostCurrentSnapshotInBranch", roles: ["Antecedent", "Dependent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        const current = currentOf(machine);
        if (current) yield { ends: [machineSystemObject(host, machine), settingsObject(host, current)] };
      }
    },
  },
  {
    className: "Msvm_LastAppliedSnapshot", roles: ["Antecedent", "Dependent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) {
        const current = currentOf(machine);
        if (current) yield { ends: [settingsObject(host, current), machineSystemObject(host, machine)] };
      }
    },
  },
  {
    className: "Msvm_ParentChildSettingData", roles: ["Antecedent", "Dependent"],
    *links(host, of) {
      for (const machine of machinesOf(host, of)) yield* branchLinks(host, machine);
    },
  },
];

function* branchLinks(host: Host, machine: VirtualMachine): Iterable<Link> {
  const { checkpoints } = machine.record;
  const parentOf = (guid: string | null) => checkpoints.find((checkpoint) => checkpoint.guid === guid);
  for (const checkpoint of checkpoints) {
    const parent = parentOf(checkpoint.parent);
    if (parent) yield { ends: [settingsObject(host, parent), settingsObject(host, checkpoint)] };
  }
  const current = currentOf(machine);
  if (current) yield { ends: [settingsObject(host, current), settingsObject(host, machine.record)] };
}
