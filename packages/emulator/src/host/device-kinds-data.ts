import type { Values } from "./machine-record.ts";

/**
 * The kinds of devices that machines of Hyper-V have: how their settings are named, what a new one holds, and within which limits.
 * Each kind has a primordial pool, whose GUID stands in the InstanceIDs of its definitions. Sources: Microsoft's documentation of
 * the resource classes, and InstanceIDs that projects running against real hosts show.
 */
export interface DeviceKind {
  readonly className: string;
  /** On 6.x, where that class does not exist yet. */
  readonly classNameBefore10?: string;
  readonly resourceType: number;
  readonly resourceSubType: string;
  readonly poolGuid: string;
  readonly title: string;
  /** Values of a new device beside type and subtype. */
  readonly defaults: Values;
  readonly minimum?: Values;
  readonly maximum?: Values;
  readonly increment?: Values;
  /** What may be added to machines of which generation; absent means the device is part of every machine and neither comes nor goes. */
  readonly addable?: { readonly generations: readonly (1 | 2)[]; readonly perMachineMax: number };
  readonly allocationUnits?: string;
}

const generation1: readonly (1 | 2)[] = [1];
const both: readonly (1 | 2)[] = [1, 2];
const other = 1;

function component(className: string, name: string, poolGuid: string, title: string, enabled: boolean): DeviceKind {
  return { className, resourceType: other, resourceSubType: `Microsoft:Hyper-V:${name}`, poolGuid, title, defaults: { EnabledState: enabled ? 2 : 3 } };
}

export const processorKind: DeviceKind = {
  className: "Msvm_ProcessorSettingData", resourceType: 3, resourceSubType: "Microsoft:Hyper-V:Processor", poolGuid: "B637F346-6A0E-4DEC-AF52-BD70CB80A21D", title: "Processor",
  allocationUnits: "percent / 1000",
  defaults: {
    VirtualQuantity: 1, Reservation: 0, Limit: 100_000, Weight: 100, LimitCPUID: false, LimitProcessorFeatures: false, ExposeVirtualizationExtensions: false,
    HwThreadsPerCore: 0, MaxNumaNodesPerSocket: 1, MaxProcessorsPerNumaNode: 64, EnableHostResourceProtection: false,
  },
  minimum: { VirtualQuantity: 1, Reservation: 0, Limit: 1, Weight: 1 },
  maximum: { VirtualQuantity: 240, Reservation: 100_000, Limit: 100_000, Weight: 10_000 },
  increment: { VirtualQuantity: 1, Reservation: 1, Limit: 1, Weight: 1 },
};

export const memoryKind: DeviceKind = {
  className: "Msvm_MemorySettingData", resourceType: 4, resourceSubType: "Microsoft:Hyper-V:Memory", poolGuid: "4764334D-E001-4176-82EE-5594EC9B530E", title: "Memory",
  allocationUnits: "byte * 2^20",
  defaults: {
    VirtualQuantity: 1024, Reservation: 1024, Limit: 1_048_576, Weight: 5000, DynamicMemoryEnabled: false, TargetMemoryBuffer: 20, MaxMemoryBlocksPerNumaNode: 65_536,
    HugePagesEnabled: false, SwapFilesInUse: false, IsVirtualized: true, SgxEnabled: false, SgxSize: 0,
  },
  minimum: { VirtualQuantity: 32, Reservation: 32, Limit: 32, Weight: 0, TargetMemoryBuffer: 5 },
  maximum: { VirtualQuantity: 12_582_912, Reservation: 12_582_912, Limit: 12_582_912, Weight: 10_000, TargetMemoryBuffer: 2000 },
  increment: { VirtualQuantity: 2, Reservation: 2, Limit: 2, Weight: 1, TargetMemoryBuffer: 1 },
};

export const ideControllerKind: DeviceKind = {
  className: "Msvm_ResourceAllocationSettingData", resourceType: 5, resourceSubType: "Microsoft:Hyper-V:Emulated IDE Controller", poolGuid: "83F8638B-8DCA-4152-9EDA-2CA8B33039B4", title: "IDE Controller",
  defaults: {},
};

export const scsiControllerKind: DeviceKind = {
  className: "Msvm_ResourceAllocationSettingData", resourceType: 6, resourceSubType: "Microsoft:Hyper-V:Synthetic SCSI Controller", poolGuid: "BA6163D9-04A1-4D29-B605-72E2FFB1DC7F", title: "SCSI Controller",
  defaults: {}, addable: { generations: both, perMachineMax: 4 },
};

export const syntheticNicKind: DeviceKind = {
  className: "Msvm_SyntheticEthernetPortSettingData", resourceType: 10, resourceSubType: "Microsoft:Hyper-V:Synthetic Ethernet Port", poolGuid: "F8B3781B-1E82-4818-A1C3-63D806EC15BB", title: "Network Adapter",
  defaults: { StaticMacAddress: false, Address: "000000000000", ClusterMonitored: true, AllowPacketDirect: false, DeviceNamingEnabled: false, NumaAwarePlacement: false, InterruptModeration: false, PacketDirectModerationCount: 0, PacketDirectModerationInterval: 0, PacketDirectNumProcs: 0 },
  addable: { generations: both, perMachineMax: 8 },
};

export const emulatedNicKind: DeviceKind = {
  className: "Msvm_EmulatedEthernetPortSettingData", resourceType: 10, resourceSubType: "Microsoft:Hyper-V:Emulated Ethernet Port", poolGuid: "72027ECE-E44A-446E-AF2B-8D8C4B8A2279", title: "Legacy Network Adapter",
  defaults: { StaticMacAddress: false, Address: "000000000000", ClusterMonitored: true },
  addable: { generations: generation1, perMachineMax: 4 },
};

export const diskDriveKind: DeviceKind = {
  className: "Msvm_ResourceAllocationSettingData", resourceType: 17, resourceSubType: "Microsoft:Hyper-V:Synthetic Disk Drive", poolGuid: "8F3F8CDD-2B5A-4E6A-9B8E-6D3A8C1D5F10", title: "Hard Drive",
  defaults: {}, addable: { generations: both, perMachineMax: 260 },
};

export const dvdDriveKind: DeviceKind = {
  className: "Msvm_ResourceAllocationSettingData", resourceType: 16, resourceSubType: "Microsoft:Hyper-V:Synthetic DVD Drive", poolGuid: "118C3BE5-0D31-4804-85F0-5C6074ABEA8F", title: "DVD Drive",
  defaults: {}, addable: { generations: both, perMachineMax: 260 },
};

export const floppyDriveKind: DeviceKind = {
  className: "Msvm_ResourceAllocationSettingData", resourceType: 14, resourceSubType: "Microsoft:Hyper-V:Synthetic Diskette Drive", poolGuid: "8F0D2762-0B00-4E04-AF4F-19010527CB93", title: "Diskette Drive",
  defaults: {},
};

export const hardDiskImageKind: DeviceKind = {
  className: "Msvm_StorageAllocationSettingData", resourceType: 31, resourceSubType: "Microsoft:Hyper-V:Virtual Hard Disk", poolGuid: "70BB60D2-A9D3-46AA-B654-3DE53004B4F8", title: "Hard Disk Image",
  defaults: { Access: 3, CachingMode: 2, IOPSAllocationUnits: "", IOPSLimit: 0, IOPSReservation: 0, PersistentReservationsSupported: false, WriteHardeningMethod: 0, IgnoreFlushes: false, StorageQoSPolicyID: "00000000-0000-0000-0000-000000000000", SnapshotId: "" },
  addable: { generations: both, perMachineMax: 260 },
};

export const cdImageKind: DeviceKind = {
  className: "Msvm_StorageAllocationSettingData", resourceType: 31, resourceSubType: "Microsoft:Hyper-V:Virtual CD/DVD Disk", poolGuid: "84D94B1A-1F0A-4E3C-8A3F-1C1A0C9B7E20", title: "ISO Disk Image",
  defaults: { Access: 1, CachingMode: 2 }, addable: { generations: both, perMachineMax: 260 },
};

const floppyImageKind: DeviceKind = {
  className: "Msvm_StorageAllocationSettingData", resourceType: 31, resourceSubType: "Microsoft:Hyper-V:Virtual Floppy Disk", poolGuid: "2E0F6B6B-64C7-4C0B-8E5E-19F7A4A5C530", title: "Floppy Disk Image",
  defaults: { Access: 3, CachingMode: 2 }, addable: { generations: generation1, perMachineMax: 1 },
};

export const connectionKind: DeviceKind = {
  className: "Msvm_EthernetPortAllocationSettingData", resourceType: 33, resourceSubType: "Microsoft:Hyper-V:Ethernet Connection", poolGuid: "72BC1A9E-1F4B-4F2D-8F63-5B6F0C8E7A40", title: "Dynamic Ethernet Switch Port",
  defaults: { EnabledState: 2 }, addable: { generations: both, perMachineMax: 12 },
};

export const serialPortKind: DeviceKind = {
  className: "Msvm_SerialPortSettingData", classNameBefore10: "Msvm_ResourceAllocationSettingData", resourceType: 21, resourceSubType: "Microsoft:Hyper-V:Serial Port", poolGuid: "8E3A359F-559A-4B6A-98A9-1690A6100ED7", title: "Com",
  defaults: { DebuggerMode: false },
};

export const displayKind: DeviceKind = {
  className: "Msvm_SyntheticDisplayControllerSettingData", resourceType: 24, resourceSubType: "Microsoft:Hyper-V:Synthetic Display Controller", poolGuid: "02F8B1E4-0A2B-4D8B-9D7C-3B1C8A1F5E50", title: "Display Controller",
  defaults: { ResolutionType: 3, HorizontalResolution: 1024, VerticalResolution: 768 },
};

export const shutdownKind = component("Msvm_ShutdownComponentSettingData", "Shutdown Component", "9F8233AC-BE49-4C79-8EE3-E7E1985B2077", "Shutdown", true);
export const heartbeatKind = component("Msvm_HeartbeatComponentSettingData", "Heartbeat Component", "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47", "Heartbeat", true);
const timeSyncKind = component("Msvm_TimeSyncComponentSettingData", "Time Synchronization Component", "2497F4DE-E9FA-4204-80E4-4B75C46419C0", "Time Synchronization", true);
export const kvpKind = component("Msvm_KvpExchangeComponentSettingData", "KvpExchange Component", "2A34B1C2-FD73-4043-8A5B-DD2159BC743F", "Key-Value Pair Exchange", true);
const vssKind = component("Msvm_VssComponentSettingData", "VSS Component", "5CED1297-4598-4915-A5FC-AD21BB4D02A4", "VSS", true);
const guestServiceKind = component("Msvm_GuestServiceInterfaceComponentSettingData", "Guest Service Interface Component", "6C09BB55-D683-4DA0-8931-C9BF705F6480", "Guest Service Interface", false);

export const integrationKinds: readonly DeviceKind[] = [timeSyncKind, heartbeatKind, kvpKind, shutdownKind, vssKind, guestServiceKind];

export const deviceKinds: readonly DeviceKind[] = [
  processorKind, memoryKind, ideControllerKind, scsiControllerKind, syntheticNicKind, emulatedNicKind, diskDriveKind, dvdDriveKind, floppyDriveKind,
  hardDiskImageKind, cdImageKind, floppyImageKind, connectionKind, serialPortKind, displayKind, ...integrationKinds,
];
