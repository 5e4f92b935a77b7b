import { isKind } from "../host/device-kinds.ts";
import { emulatedNicKind, memoryKind, syntheticNicKind } from "../host/device-kinds-data.ts";
import type { Host } from "../host/host.ts";
import { prepareHardware } from "../host/machine-hardware.ts";
import { Refusal, returnCode } from "../host/refusal.ts";
import { enabledState, type VirtualMachine } from "../host/virtual-machine.ts";
import { memoryInUseBytes } from "../provider/classes/host-facts.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { startJob } from "./job-answer.ts";
import { machineReference } from "./targets.ts";

interface PowerChange {
  readonly caption: string;
  readonly jobType: number;
  /** `EnabledState` while it goes on. */
  readonly during: number;
  perform(host: Host, machine: VirtualMachine): Promise<void>;
}

const start: PowerChange = { caption: "Starting Virtual Machine", jobType: 12, during: enabledState.starting, perform: startMachine };
const turnOff: PowerChange = { caption: "Turning Off Virtual Machine", jobType: 13, during: enabledState.stopping, perform: (_host, machine) => machine.turnOff() };
const save: PowerChange = { caption: "Saving Virtual Machine", jobType: 14, during: enabledState.saving, perform: (_host, machine) => machine.save() };
const pause: PowerChange = { caption: "Pausing Virtual Machine", jobType: 15, during: enabledState.pausing, perform: (_host, machine) => machine.pause() };
const resume: PowerChange = { caption: "Resuming Virtual Machine", jobType: 16, during: enabledState.resuming, perform: (_host, machine) => machine.resume() };
const reset: PowerChange = { caption: "Resetting Virtual Machine", jobType: 17, during: enabledState.starting, perform: (_host, machine) => machine.reset() };

/** What may be requested: 2 start or resume, 3 turn off, 6 save, 9 pause, 10 and 11 reset. The shut down of v1 (4) is gone. */
const requestable: ReadonlySet<number> = new Set([2, 3, 6, 9, 10, 11]);
const changes: Readonly<Record<number, Readonly<Record<number, PowerChange>>>> = {
  [enabledState.off]: { 2: start },
  [enabledState.running]: { 3: turnOff, 6: save, 9: pause, 10: reset, 11: reset },
  [enabledState.saved]: { 2: start, 3: turnOff },
  [enabledState.paused]: { 2: resume, 3: turnOff, 6: save, 10: reset, 11: reset },
};

export const powerMethods: Readonly<Record<string, MethodHandler>> = {
  "Msvm_ComputerSystem.RequestStateChange": requestStateChange,
  "Msvm_ShutdownComponent.InitiateShutdown": shutDown,
  "Msvm_ShutdownComponent.InitiateReboot": reboot,
};

async function requestStateChange({ host, target, input }: MethodCall) {
  const requested = input.number("RequestedState");
  const machine = host.machine(String(target.values["Name"]));
  if (requested === null || !requestable.has(requested) || !machine) return { ReturnValue: returnCode.invalidParameter };
  const { state } = machine;
  if (state === requested) return { ReturnValue: host.uncertainties.sameStateCode };
  const change = changes[state]?.[requested];
  if (!change) return { ReturnValue: returnCode.invalidState };
  const { work, end } = inTransition(host, machine, change);
  return startJob(host, { className: "Msvm_ConcreteJob", type: change.jobType, caption: change.caption, affected: [machineReference(machine)] }, work, end);
}

/** The state of transition shows from now on, so that nothing else is begun; the work waits for its turn. */
function inTransition(host: Host, machine: VirtualMachine, change: PowerChange): { readonly work: () => Promise<void>; readonly end: () => void } {
  const end = machine.beginTransition(change.during);
  const work = async () => {
    try {
      await machine.inTurn(() => change.perform(host, machine));
    } finally {
      end();
    }
  };
  return { work, end };
}

/** @throws Refusal when the host has not the memory, or a disk cannot be opened. A loader that firmware refuses is no failure. */
export async function startMachine(host: Host, machine: VirtualMachine): Promise<void> {
  const neededBytes = Number(machine.record.devices.find((device) => isKind(device, memoryKind))?.values["VirtualQuantity"] ?? 0) * 1_048_576;
  if (neededBytes > host.capacity.memoryBytes - memoryInUseBytes(host)) {
    throw new Refusal(returnCode.outOfMemory, `'${machine.name}' failed to start. (Virtual machine ID ${machine.guid}) Not enough memory in the system to start the virtual machine.`);
  }
  await giveAddresses(host, machine);
  await machine.start(await prepareHardware(host, machine.record));
}

/** A dynamic MAC address is given at the first start, and kept. */
async function giveAddresses(host: Host, machine: VirtualMachine): Promise<void> {
  const isWithout = (device: (typeof machine.record.devices)[number]) => (isKind(device, syntheticNicKind) || isKind(device, emulatedNicKind)) && device.values["StaticMacAddress"] !== true && /^0*$/.test(String(device.values["Address"] ?? ""));
  if (!machine.record.devices.some(isWithout)) return;
  const devices = [];
  for (const device of machine.record.devices) devices.push(isWithout(device) ? { ...device, values: { ...device.values, Address: await host.nextMacAddress() } } : device);
  await machine.keep({ ...machine.record, devices });
}

// A guest takes a moment to end its programs; one that only pretends has none.
const guestShutdownMs = 20;

async function shutDown({ host, target }: MethodCall) {
  return later(host, target.values["SystemName"], turnOff);
}

async function reboot({ host, target }: MethodCall) {
  return later(host, target.values["SystemName"], reset);
}

/** The guest is asked; that it complies is seen in the machine's state. */
function later(host: Host, systemName: unknown, change: PowerChange): { readonly ReturnValue: number } {
  const machine = host.machine(String(systemName));
  if (machine?.state !== enabledState.running) return { ReturnValue: returnCode.invalidState };
  const { work } = inTransition(host, machine, change);
  host.clock.after(guestShutdownMs, () => void work().catch((error: unknown) => host.onBug(error)));
  return { ReturnValue: returnCode.completed };
}
