import type { MethodOutput } from "@signet/wsman";
import type { CimInstance } from "@signet/wsman/cim";
import type { DeviceRecord } from "../host/machine-record.ts";
import { generationOf } from "../host/machine-record.ts";
import { securityClass } from "../host/new-machine.ts";
import { invalidParameter, invalidState, notSupported, returnCode } from "../host/refusal.ts";
import type { VirtualMachine } from "../host/virtual-machine.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";
import { finishAsJob } from "./job-answer.ts";
import { changedValues, readSettings } from "./read-settings.ts";
import { idOf, ownerOf } from "./resource-settings.ts";
import { machineReference } from "./targets.ts";

const service = "Msvm_SecurityService";
const modifyJob = 2;
/** What GetKeyProtector answers when there is none; a real one is longer. */
const noProtector = [0, 0, 0, 4];
const protectorBytesMin = 16;
const shielding: readonly string[] = ["ShieldingRequested", "DataProtectionRequested", "EncryptStateAndVmMigrationTraffic"];

/** Virtual TPM and shielding: Msvm_SecurityService, from 2016 on. */
export const securityMethods: Readonly<Record<string, MethodHandler>> = {
  [`${service}.ModifySecuritySettings`]: modifySecuritySettings,
  [`${service}.SetKeyProtector`]: setKeyProtector,
  [`${service}.GetKeyProtector`]: getKeyProtector,
};

async function modifySecuritySettings(call: MethodCall) {
  const { host } = call;
  const instance = settingsIn(call);
  const machine = ownerOf(host, idOf(instance));
  return finishAsJob(host, jobOf(machine), () => machine.inTurn(async () => {
    const settings = securityOf(machine, idOf(instance));
    const changed = changedValues(settings.values, readSettings(host, instance, securityClass));
    delete changed["InstanceID"];
    if (Object.keys(changed).length > 0 && !machine.isOff) throw invalidState("Security settings can be changed only while the machine is off.");
    if (shielding.some((name) => changed[name] === true)) throw notSupported("Shielded machines are not supported on this host.");
    if (changed["TpmEnabled"] === true) checkTpm(machine);
    const devices = machine.record.devices.map((device) => (device === settings ? { ...device, values: { ...device.values, ...changed } } : device));
    await machine.keep({ ...machine.record, devices });
    return {};
  }));
}

function checkTpm(machine: VirtualMachine): void {
  if (generationOf(machine.record) !== 2) throw invalidParameter("A virtual TPM needs a machine of generation 2.");
  if (machine.record.keyProtector === null) throw invalidParameter("A virtual TPM needs a key protector; set one first.");
}

async function setKeyProtector(call: MethodCall) {
  const { host, input } = call;
  const machine = ownerOf(host, idOf(settingsIn(call)));
  const bytes = input.list("KeyProtector").map(Number);
  return finishAsJob(host, jobOf(machine), () => machine.inTurn(async () => {
    if (!machine.isOff) throw invalidState("A key protector can be set only while the machine is off.");
    const isNone = bytes.length <= noProtector.length;
    if (!isNone && bytes.length < protectorBytesMin) throw invalidParameter(`A key protector of ${bytes.length} bytes is none.`);
    if (isNone && securityOf(machine, null).values["TpmEnabled"] === true) throw invalidParameter("The virtual TPM needs its key protector; switch it off first.");
    await machine.keep({ ...machine.record, keyProtector: isNone ? null : Buffer.from(bytes).toString("base64") });
    return {};
  }));
}

async function getKeyProtector(call: MethodCall): Promise<MethodOutput> {
  const machine = ownerOf(call.host, idOf(settingsIn(call)));
  return { KeyProtector: machine.record.keyProtector ?? Buffer.from(noProtector).toString("base64"), ReturnValue: returnCode.completed };
}

function settingsIn({ input }: MethodCall): CimInstance {
  const instance = input.instance("SecuritySettingData");
  if (!instance) throw invalidParameter("SecuritySettingData is missing.");
  return instance;
}

function securityOf(machine: VirtualMachine, id: string | null): DeviceRecord {
  const found = machine.record.devices.find((device) => device.className === securityClass && (id === null || device.id.toLowerCase() === id.toLowerCase()));
  if (!found) throw invalidParameter(`${id ?? securityClass} names no security settings of a machine.`);
  return found;
}

function jobOf(machine: VirtualMachine) {
  return { className: "Msvm_ConcreteJob", type: modifyJob, caption: "Modifying Security Settings", affected: [machineReference(machine)] } as const;
}

