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

/** All that is known of a machine between two runs of the host. Written as one file each. */
export interface MachineRecord {
  /** Upper-case GUID: `Msvm_ComputerSystem.Name`. */
  readonly guid: string;
  readonly createdMs: number;
  readonly settings: Values;
  readonly devices: readonly DeviceRecord[];
  /** InstanceIDs of the devices that firmware tries, in order. */
  readonly bootDevices: readonly string[];
  /** Whether the machine was on when the record was written: what "restart if it was running" goes by. */
  readonly wasRunning: boolean;
}

export function generationOf(record: MachineRecord): 1 | 2 {
  return record.settings["VirtualSystemSubType"] === "Microsoft:Hyper-V:SubType:2" ? 2 : 1;
}

/** The device that another hangs on: its Parent is an object path that ends in the InstanceID. */
export function deviceById(record: MachineRecord, id: string): DeviceRecord | undefined {
  const lower = id.toLowerCase();
  return record.devices.find((device) => device.id.toLowerCase() === lower);
}

export function resourceTypeOf(device: DeviceRecord): number {
  return Number(device.values["ResourceType"] ?? 0);
}
