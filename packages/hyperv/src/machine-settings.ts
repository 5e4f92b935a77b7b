import type { CimInstance, CimValue } from "@signet/wsman/cim";
import { isAtLeast, type AboutHost } from "./about-host.ts";
import { noteOf } from "./find-machine.ts";
import type { MachineSpec } from "./host-types.ts";
import { microsoftWindowsTemplate } from "./probe.ts";
import type { Quirks } from "./quirks.ts";
import { settingsOf } from "./settings.ts";

// Msvm_VirtualSystemSettingData.ElementName takes no more.
const nameCharactersMax = 100;
/** AutomaticStartupAction none: after a restart of the host, what runs is decided by the control plane. */
const startNothing = 2;
/** AutomaticShutdownAction save, as Nova leaves it: guests survive a restart of the host. */
const saveState = 3;
/** ConsoleMode COM1: firmware then prints on the serial port what it else paints on the screen. */
const consoleOnCom1 = 1;

const bytesPerMib = 1024 * 1024;
// Hyper-V counts memory in pairs of MiB.
const memoryStepMib = 2;

/**
 * What the machine itself is, in the one DefineSystem call: generation, Secure Boot and template are never a later step, so there is
 * no moment in which the machine exists without them.
 */
export function systemSettings(spec: MachineSpec, about: AboutHost, quirks: Quirks, folder: string): CimInstance {
  const values: Record<string, CimValue> = {
    ElementName: elementNameOf(spec.name),
    Notes: [noteOf(spec.serverId)],
    VirtualSystemSubType: `Microsoft:Hyper-V:SubType:${spec.generation}`,
    AutomaticStartupAction: startNothing,
    AutomaticShutdownAction: saveState,
    // All that the host writes for the machine lies in the server's folder, and goes with it.
    ConfigurationDataRoot: folder, SnapshotDataRoot: folder, SuspendDataRoot: folder, SwapFileDataRoot: folder, LogDataRoot: folder,
    ...(about.build >= quirks.automaticSnapshotsFromBuild ? { AutomaticSnapshotsEnabled: false } : {}),
  };
  if (spec.generation === 2) Object.assign(values, firmwareSettings(spec, about, quirks));
  return settingsOf("Msvm_VirtualSystemSettingData", values);
}

/** Said in both cases: what is left out is on, with the Windows template. */
function firmwareSettings(spec: MachineSpec, about: AboutHost, quirks: Quirks): Record<string, CimValue> {
  const { enabled, templateId } = spec.secureBoot;
  return {
    SecureBootEnabled: enabled,
    ...(enabled && about.build >= quirks.templateFromBuild ? { SecureBootTemplateId: (templateId ?? microsoftWindowsTemplate).toLowerCase() } : {}),
    ...(spec.serialConsole && about.build >= quirks.consoleModeFromBuild ? { ConsoleMode: consoleOnCom1 } : {}),
  };
}

/** The user's words, as far as a machine can be called by them: no control characters, and not cut within a character. */
export function elementNameOf(name: string): string {
  const printable = name.replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]+/gu, " ").trim();
  let short = "";
  for (const character of printable) {
    if (short.length + character.length > nameCharactersMax) break;
    short += character;
  }
  return short === "" ? "(unnamed)" : short;
}

/** Fixed memory: what the machine has at the start is the least and the most. */
export function memorySettings(instanceId: string, memoryBytes: number): CimInstance {
  const sizeMib = BigInt(memoryBytes / bytesPerMib);
  return settingsOf("Msvm_MemorySettingData", { InstanceID: instanceId, DynamicMemoryEnabled: false, VirtualQuantity: sizeMib, Reservation: sizeMib, Limit: sizeMib });
}

export function processorSettings(instanceId: string, cpuCount: number): CimInstance {
  return settingsOf("Msvm_ProcessorSettingData", { InstanceID: instanceId, VirtualQuantity: BigInt(cpuCount) });
}

/** What no host of this version could make, refused before it is asked. Null when all is well. */
export function impossibleOn(spec: MachineSpec, about: AboutHost, quirks: Quirks): string | null {
  const version = `${about.version.major}.${about.version.minor}`;
  if (spec.generation === 2 && !isAtLeast(about, 6, 3)) return `Generation 2 machines need a host of version 6.3 or later; this one is ${version}.`;
  if (spec.generation === 2 && !/\.vhdx$/i.test(spec.rootDiskPath)) return `Generation 2 machines boot from VHDX only; the root disk is ${spec.rootDiskPath}.`;
  if (spec.generation === 1 && spec.secureBoot.enabled) return "Secure Boot needs a Generation 2 machine.";
  if (spec.secureBoot.enabled && spec.secureBoot.templateId !== null && about.build < quirks.templateFromBuild) {
    return `A host of version ${version} knows no Secure Boot templates, only its built-in Windows authority.`;
  }
  if (!Number.isInteger(spec.memoryBytes / (memoryStepMib * bytesPerMib)) || spec.memoryBytes <= 0) return `Hyper-V gives memory in steps of ${memoryStepMib} MiB; ${spec.memoryBytes / bytesPerMib} MiB is none.`;
  if (!Number.isInteger(spec.cpuCount) || spec.cpuCount < 1) return `A machine has one processor or more, not ${spec.cpuCount}.`;
  return null;
}

