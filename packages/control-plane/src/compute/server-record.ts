import type { AskedBy, ProfileName } from "@signet/secure-boot/policy";
import type { Outcome, Reason } from "@signet/secure-boot";
import type { MachineActual } from "../ports.ts";
import type { TemplateChoice } from "./choose-template.ts";

/** Parts of a server's row that are kept as JSON: what was asked, decided, desired, found. */

export type VmState = "building" | "active" | "stopped" | "error" | "deleted";
export type TaskState = "scheduling" | "block_device_mapping" | "spawning" | "powering-on" | "powering-off" | "rebooting" | "rebooting_hard" | "deleting";

/** Nova's numbers. */
export const powerStates = { none: 0, running: 1, paused: 3, off: 4, crashed: 6, suspended: 7 } as const;

/** The flavor as it was when the server was made; later changes of the flavor do not reach it. */
export interface FlavorSnapshot {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly ephemeralGib: number;
  readonly swapMib: number;
  readonly extraSpecs: Readonly<Record<string, string | number>>;
}

export interface PolicyRecord {
  readonly profile: ProfileName;
  readonly asked: readonly AskedBy[];
  /** `on-if-capable` until a host is chosen. */
  readonly decision: "on" | "off" | "on-if-capable" | "conflict";
  readonly rule: string;
  /** What follows of it for the machine, on whatever host. */
  readonly generation: 1 | 2;
  readonly template: TemplateChoice | null;
}

export interface PredictionRecord {
  readonly trust: string;
  readonly outcome: Outcome;
  readonly because: readonly Reason[];
  /** Name of the administrator who forced a predicted refusal. */
  readonly forcedBy: string | null;
}

/** What the machine shall be; written before it is defined, compared with what is read back. */
export interface DesiredMachine {
  readonly name: string;
  readonly generation: 1 | 2;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly secureBootEnabled: boolean;
  /** Null when Secure Boot is off, or on hosts without the property. */
  readonly template: TemplateChoice | null;
  readonly rootDiskPath: string;
  readonly nics: readonly { readonly switchName: string; readonly macAddress: string }[];
}

export interface ActualMachine {
  readonly machine: MachineActual;
  readonly templateName: string | null;
  readonly readAt: string;
}

export interface FirmwareRecord {
  readonly outcome: "accepted" | "refused" | "nothing-to-boot" | "undecided";
  readonly line: string | null;
  readonly heartbeat: "ok" | "none" | "error" | null;
  readonly observedAt: string;
}

export interface FaultRecord {
  /** Ours: SIG-… . */
  readonly code: string;
  /** What compute shows as `fault.code`. */
  readonly httpStatus: number;
  readonly message: string;
  /** The message within 255 bytes where cutting it would lose the point. */
  readonly brief?: string;
  readonly remedy: string | null;
  readonly at: string;
}
