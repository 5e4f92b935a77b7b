import { newMachine, settingsClass } from "../host/new-machine.ts";
import { enabledState } from "../host/virtual-machine.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { addResource, type Addition } from "./add-resources.ts";
import { finishAsJob } from "./job-answer.ts";
import { invalidParameter, invalidState, notSupported } from "../host/refusal.ts";
import { definedSettings, generationAsked, modifiedSettings } from "./system-settings.ts";
import { configurationTarget, keyOf, machineReference, machineTarget, settingsReference } from "./targets.ts";

const jobType = { define: 1, modify: 2, destroy: 3 } as const;

/** Define, change and destroy machines: Msvm_VirtualSystemManagementService. */
export const machineManagementMethods: Readonly<Record<string, MethodHandler>> = {
  "Msvm_VirtualSystemManagementService.DefineSystem": defineSystem,
  "Msvm_VirtualSystemManagementService.ModifySystemSettings": modifySystemSettings,
  "Msvm_VirtualSystemManagementService.DestroySystem": destroySystem,
};

async function defineSystem({ host, input }: MethodCall) {
  const instance = input.instance("SystemSettings") ?? { kind: "instance", className: settingsClass, properties: {} } as const;
  const resources = input.instances("ResourceSettings");
  const reference = input.reference("ReferenceConfiguration");
  return finishAsJob(host, (outputs) => ({ className: "Msvm_ConcreteJob", type: jobType.define, caption: "Defining Virtual Machine", affected: outputs["ResultingSystem"] ? [outputs["ResultingSystem"] as never] : [] }), async () => {
    if (instance.className.toLowerCase() !== settingsClass.toLowerCase()) throw invalidParameter(`SystemSettings must be a ${settingsClass}, not a ${instance.className}.`);
    if (reference) throw notSupported("A machine cannot be defined after the model of another on this host.");
    const fresh = newMachine(generationAsked(instance), host.release, host.clock.nowMs(), host.uncertainties);
    const settings = definedSettings(host, fresh.settings, instance);
    const addition: Addition = { host, guid: fresh.guid, isOff: true, configuration: { ...fresh, settings }, aliases: new Map() };
    for (const resource of resources) await addResource(addition, resource);
    await host.addMachine({ ...fresh, ...addition.configuration });
    return { ResultingSystem: machineReference(fresh) };
  });
}

async function modifySystemSettings({ host, input }: MethodCall) {
  const instance = input.instance("SystemSettings");
  if (!instance) throw invalidParameter("SystemSettings is missing.");
  const id = Object.entries(instance.properties).find(([name]) => name.toLowerCase() === "instanceid")?.[1].value;
  const { machine, configuration: { settings: { InstanceID: settingsId } } } = configurationTarget(host, { ...settingsReference(""), keys: { InstanceID: String(id ?? "") } }, "InstanceID of SystemSettings");
  return finishAsJob(host, { className: "Msvm_ConcreteJob", type: jobType.modify, caption: "Modifying Virtual Machine Settings", affected: [machineReference(machine)] }, () => machine.inTurn(async () => {
    const { record } = machine;
    const checkpoint = record.checkpoints.find(({ settings }) => settings["InstanceID"] === settingsId);
    if (checkpoint) {
      // Of a checkpoint only what may be changed while a machine is on: its name, its notes.
      const { settings } = modifiedSettings(host, checkpoint, false, instance);
      await machine.keep({ ...record, checkpoints: record.checkpoints.map((one) => (one === checkpoint ? { ...one, settings } : one)) });
    } else {
      await machine.keep({ ...record, ...modifiedSettings(host, record, machine.isOff, instance) });
    }
    return {};
  }));
}

async function destroySystem({ host, input }: MethodCall) {
  const reference = input.reference("AffectedSystem");
  if (reference && keyOf(reference, "Name")?.toUpperCase() === host.computerName) throw invalidParameter("The host itself cannot be destroyed.");
  const machine = machineTarget(host, reference, "AffectedSystem");
  return finishAsJob(host, { className: "Msvm_ConcreteJob", type: jobType.destroy, caption: "Destroying Virtual Machine", affected: [machineReference(machine)] }, () => machine.inTurn(async () => {
    if (machine.state !== enabledState.off && machine.state !== enabledState.saved) throw invalidState("The machine is on; turn it off first.");
    await host.removeMachine(machine);
    return {};
  }));
}
