import type { CimValue } from "@signet/wsman/cim";

/** Values of an instance by property name; what is absent is null. */
export type Values = Record<string, CimValue>;

/** A setting-data instance that belongs to a machine: processor, memory, controller, drive, disk, adapter, port … */
export interface DeviceRecord {
  readonly className: string;
  /** `InstanceID`. */
  readonly id: string;
  readonly values: Values;
}

/** What a machine is made of: of the machine itself, or of the machine as it was at a checkpoint. */
export interface MachineConfiguration {
  readonly settings: Values;
  readonly devices: readonly DeviceRecord[];
  /** InstanceIDs of the devices that firmware tries, in order. */
  readonly bootDevices: readonly string[];
}

export interface CheckpointRecord extends MachineConfiguration {
  /** Upper-case GUID: the InstanceID of its settings is `Microsoft:` and this. */
  readonly guid: string;
  /** The checkpoint that it came after, or null for the first. */
  readonly parent: string | null;
}

/** All that is known of a machine between two runs of the host. Written as one file each. */
export interface MachineRecord extends MachineConfiguration {
  /** Upper-case GUID: `Msvm_ComputerSystem.Name`. */
  readonly guid: string;
  readonly createdMs: number;
  /** Whether the machine was on when the record was written: what "restart if it was running" goes by. */
  readonly wasRunning: boolean;
  /** Whether its memory lies in a file, so that the next start resumes it. */
  readonly saved: boolean;
  readonly checkpoints: readonly CheckpointRecord[];
  /** The checkpoint that the present state came from. */
  readonly currentCheckpoint: string | null;
  /** Base64 of the key protector that a virtual TPM needs. */
  readonly keyProtector: string | null;
}

export function generationOf(configuration: MachineConfiguration): 1 | 2 {
  return configuration.settings["VirtualSystemSubType"] === "Microsoft:Hyper-V:SubType:2" ? 2 : 1;
}

/** The device with that InstanceID, whatever its case. */
export function deviceById(configuration: MachineConfiguration, id: string): DeviceRecord | undefined {
  const lower = id.toLowerCase();
  return configuration.devices.find((device) => device.id.toLowerCase() === lower);
}

export function resourceTypeOf(device: DeviceRecord): number {
  return Number(device.values["ResourceType"] ?? 0);
}
