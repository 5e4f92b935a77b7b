import type { ImageId, MachineGuid, ServerId, TemplateGuid } from "./ids.ts";

/**
 * A host as the control plane sees it. Implementations join by shape (cli/compose.ts holds them to it with `satisfies`); the
 * contract suite in tests/host-contract runs unchanged against each.
 *
 * Every method may be repeated: `prepareImage`, `createRootDisk` and `defineMachine` find what an earlier call of the same
 * arguments left behind and finish it; `destroyMachine` and `removeRootDisk` succeed when there is nothing left to destroy.
 * Failures are `HostFault`s.
 */
export interface ComputeHost {
  probe(signal: AbortSignal): Promise<HostFacts>;

  /** Makes the image's bytes present on the host, under a name made of its digest, verified there. Returns its path on the host. */
  prepareImage(image: HostImage, signal: AbortSignal): Promise<{ readonly path: string }>;

  /** Makes the server's own root disk from a prepared image. Returns its path on the host. */
  createRootDisk(disk: { readonly serverId: ServerId; readonly imagePath: string; readonly format: "vhdx" | "vhd" }, signal: AbortSignal): Promise<{ readonly path: string }>;

  /** Defines the machine with all its devices, off. Secure Boot is part of the definition itself, never a later step. */
  defineMachine(spec: MachineSpec, signal: AbortSignal): Promise<MachineGuid>;

  /** Everything the host says about the machine now; null when it has no such machine. */
  readMachine(serverId: ServerId, signal: AbortSignal): Promise<MachineActual | null>;

  /** All machines on the host that carry a server id of ours in their notes. */
  listMachines(signal: AbortSignal): Promise<readonly MachineActual[]>;

  setPower(machine: MachineGuid, action: PowerAction, signal: AbortSignal): Promise<void>;

  /** Turns off and removes the machine and every disk that belongs to the server. */
  destroyMachine(serverId: ServerId, signal: AbortSignal): Promise<void>;

  /** What the host lets a client know of how the boot went: console text as it comes, heartbeat, picture. */
  observe(machine: MachineGuid, signal: AbortSignal): Promise<MachineObservation>;

  /** Delivers the text of the first serial port until the signal aborts or the machine stops. Earlier text is not repeated. */
  followConsole(machine: MachineGuid, onText: (text: string) => void, signal: AbortSignal): Promise<void>;

  /** What the firmware of this kind of host means by the text it printed on the console. Pure. */
  interpretConsole(text: string): FirmwareReading;

  /** The thumbnail as RGB565 little-endian, as Hyper-V gives it. */
  readThumbnail(machine: MachineGuid, size: { readonly widthPixels: number; readonly heightPixels: number }, signal: AbortSignal): Promise<Uint8Array>;

  close(): Promise<void>;
}

export type PowerAction = "start" | "shut-down" | "turn-off" | "reset";

export interface HostFacts {
  readonly computerName: string;
  /** `Win32_OperatingSystem.Version`, e.g. "10.0.20348". */
  readonly osVersion: string;
  /** Release by build number: "2012r2", "2016", "2019", "2022", "23h2", "2025" or "unknown". */
  readonly release: string;
  readonly caption: string;
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly memoryFreeBytes: number;
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  readonly uptimeSeconds: number;
  readonly secureBoot: HostSecureBoot;
  readonly switches: readonly { readonly id: string; readonly name: string }[];
  readonly virtualHardDiskPath: string;
}

export interface HostSecureBoot {
  /** Whether Generation 2 machines exist here at all (6.3 and later). */
  readonly generation2: boolean;
  /** Guest families that this release can start with Secure Boot on. */
  readonly families: readonly ("windows" | "linux")[];
  /** Templates the host lists; empty on 6.3, which has the Windows authority built in and no template property. */
  readonly templates: readonly { readonly id: TemplateGuid; readonly name: string }[];
}

export interface HostImage {
  readonly imageId: ImageId;
  readonly format: "vhdx" | "vhd";
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Short-lived address, reachable from the host, that names this image and expires. Never logged. */
  readonly sourceUrl: string;
}

export interface MachineSpec {
  readonly serverId: ServerId;
  /** `ElementName`; the user's server name. */
  readonly name: string;
  readonly generation: 1 | 2;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly secureBoot: DesiredSecureBoot;
  readonly rootDiskPath: string;
  readonly nics: readonly { readonly switchName: string; readonly macAddress: string }[];
  /** Connect COM1 and send the firmware's console to it, so that the boot can be followed as text. */
  readonly serialConsole: boolean;
}

/** `templateId` null on hosts without the property (6.3), or when Secure Boot is off. */
export type DesiredSecureBoot =
  | { readonly enabled: false; readonly templateId: null }
  | { readonly enabled: true; readonly templateId: TemplateGuid | null };

/** The machine as read back from the host. */
export interface MachineActual {
  readonly guid: MachineGuid;
  readonly serverId: ServerId;
  readonly name: string;
  readonly state: "off" | "running" | "saved" | "paused" | "changing" | "critical";
  readonly generation: 1 | 2;
  readonly secureBootEnabled: boolean;
  readonly secureBootTemplateId: TemplateGuid | null;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly diskPaths: readonly string[];
  readonly nics: readonly { readonly switchName: string | null; readonly macAddress: string }[];
  /** Paths of the boot sources in order, or empty on Generation 1. */
  readonly bootOrder: readonly string[];
  readonly uptimeSeconds: number;
}

export interface MachineObservation {
  readonly running: boolean;
  /** "ok" once integration services answer; "none" before that, for ever at a firmware screen. */
  readonly heartbeat: "ok" | "none" | "error";
  readonly guestOperatingSystem: string | null;
}

/** An event a machine acts on. `retry` says when another attempt makes sense; `where` names the host and the operation. */
export interface HostFaultShape extends Error {
  readonly code: string;
  readonly retry: "now" | "later" | "never";
  readonly where: string;
}

/** Firmware's own verdict, read from console text: the last word it said about a boot loader. */
export interface FirmwareReading {
  readonly outcome: "accepted" | "refused" | "nothing-to-boot" | "undecided";
  /** The line that says so, as firmware wrote it; null while undecided. */
  readonly line: string | null;
}

/** How to reach a host. Stored with the password encrypted; never logged. */
export interface HostConnection {
  readonly name: string;
  /** `http(s)://host:port/wsman`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** SHA-256 of the TLS certificate to pin, lower-case hex; null means ordinary verification. */
  readonly tlsFingerprint: string | null;
}

/** Given by cli/compose.ts, so that the control plane knows hosts by shape only. */
export type HostConnector = (connection: HostConnection) => ComputeHost;
