import type { TrustVariables } from "../nvram/enrolled-store.ts";
import type { ConsoleBuffer } from "./console-buffer.ts";
import type { KeyMovement } from "./key-codes.ts";

/** What a virtual machine is made of at the moment it starts. Paths are paths of the computer that emulates. */
export interface MachineHardware {
  readonly generation: 1 | 2;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Null on generation 1, whose firmware is a BIOS. */
  readonly firmware: FirmwareSettings | null;
  /** In boot order. */
  readonly disks: readonly MachineDisk[];
  /** One for each synthetic adapter: twelve hexadecimal digits. */
  readonly nics: readonly { readonly macAddress: string; readonly connected: boolean }[];
  /** Whether COM1 leads anywhere; without it the machine has no serial port and firmware prints to the screen only. */
  readonly serialPort: boolean;
}

export interface FirmwareSettings {
  readonly secureBootEnabled: boolean;
  /** Names the trust, so that a change of template is noticed at the next start. */
  readonly trustId: string;
  readonly trust: TrustVariables;
}

export interface MachineDisk {
  readonly path: string;
  readonly format: "vhdx" | "vpc" | "raw";
  readonly media: "disk" | "cdrom";
  readonly bus: "scsi" | "ide";
  /** SCSI: 0 to 63. IDE: controller times two plus location, 0 to 3. */
  readonly unit: number;
  /** 512 where it is not given. */
  readonly logicalSectorBytes?: number;
}

export type MachinePower = "off" | "running" | "paused";

/**
 * A machine that can be switched on. Implementations: FirmwareMachine (QEMU with OVMF or SeaBIOS) and InstantMachine (pretends).
 * Failures are Errors whose message says what could not be done; a guest that does not boot is not a failure.
 */
export interface Machine {
  readonly power: MachinePower;
  /** Of the process that runs the machine, or an invented one; 0 when off. */
  readonly processId: number;
  readonly console: ConsoleBuffer;
  /** Whether a guest's integration services answer. Never under QEMU, where no guest has any. */
  readonly guestAnswers: boolean;
  /** Whether disks may be exchanged while it runs. QEMU would have to be told; a machine that pretends has none open. */
  readonly exchangesDisks: boolean;
  start(hardware: MachineHardware): Promise<void>;
  turnOff(): Promise<void>;
  /** Writes memory and devices to the machine's folder and turns off. */
  save(): Promise<void>;
  /** Goes on where `save` stopped. The hardware must be what it was then. */
  restore(hardware: MachineHardware): Promise<void>;
  reset(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Moves keys of the keyboard, in order. */
  type(movements: readonly KeyMovement[]): Promise<void>;
  /** The screen, scaled, as RGB565 little-endian; null when there is none. */
  picture(widthPixels: number, heightPixels: number): Promise<Uint8Array | null>;
}

export interface MachineEvents {
  /** The machine went off by itself: its guest switched it off, or its process died. */
  stopped(): void;
}

export type MachineFactory = (guid: string, folder: string, events: MachineEvents) => Machine;
