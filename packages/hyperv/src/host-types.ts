/**
 * The driver's vocabulary. It has the shape of the control plane's port, which it must not import; `cli/compose.ts` holds the two
 * together with `satisfies`. Ids are GUIDs that must never mix: whoever connects says which brands they carry.
 */
export interface HostConnection {
  readonly name: string;
  /** `http(s)://host:port/wsman`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** SHA-256 of the TLS certificate to pin, lower-case hex; null means ordinary verification. */
  readonly tlsFingerprint: string | null;
  /** By default Negotiate over http to another computer, which is what a stock host takes; otherwise what the host offers. */
  readonly authentication?: "basic" | "negotiate" | "certificate" | "kerberos";
  /** PEM, for authentication by certificate. */
  readonly clientCertificate?: { readonly cert: string | Buffer; readonly key: string | Buffer };
}

export type PowerAction = "start" | "shut-down" | "turn-off" | "reset";

export interface HostFacts<Template extends string = string> {
  readonly computerName: string;
  /** `Win32_OperatingSystem.Version`, such as "10.0.20348". */
  readonly osVersion: string;
  readonly release: string;
  readonly caption: string;
  readonly cpuCount: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly memoryFreeBytes: number;
  /** Of the disk on which new virtual hard disks are kept. */
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  readonly uptimeSeconds: number;
  readonly secureBoot: HostSecureBoot<Template>;
  readonly switches: readonly { readonly id: string; readonly name: string }[];
  readonly virtualHardDiskPath: string;
}

export interface HostSecureBoot<Template extends string = string> {
  readonly generation2: boolean;
  readonly families: readonly ("windows" | "linux")[];
  readonly templates: readonly { readonly id: Template; readonly name: string }[];
}

export type DiskFormat = "vhdx" | "vhd";

export interface HostImage {
  readonly format: DiskFormat;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Holds a secret in its path: in no message, in no log. */
  readonly sourceUrl: string;
}

export interface RootDisk {
  readonly serverId: string;
  readonly imagePath: string;
  readonly format: DiskFormat;
}

export interface MachineSpec {
  readonly serverId: string;
  /** The user's own words: never part of a path or a command. */
  readonly name: string;
  readonly generation: 1 | 2;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly secureBoot: { readonly enabled: boolean; readonly templateId: string | null };
  readonly rootDiskPath: string;
  readonly nics: readonly NicSpec[];
  readonly serialConsole: boolean;
}

export interface NicSpec {
  readonly switchName: string;
  readonly macAddress: string;
}

export type MachineState = "off" | "running" | "saved" | "paused" | "changing" | "critical";

/** The machine as read back from the host. */
export interface MachineActual<Server extends string = string, Machine extends string = string, Template extends string = string> {
  readonly guid: Machine;
  readonly serverId: Server;
  readonly name: string;
  readonly state: MachineState;
  readonly generation: 1 | 2;
  readonly secureBootEnabled: boolean;
  readonly secureBootTemplateId: Template | null;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly diskPaths: readonly string[];
  readonly nics: readonly { readonly switchName: string | null; readonly macAddress: string }[];
  /** Object paths of the boot sources, first first; empty on Generation 1. */
  readonly bootOrder: readonly string[];
  readonly uptimeSeconds: number;
}

export interface MachineObservation {
  readonly running: boolean;
  readonly heartbeat: "ok" | "none" | "error";
  readonly guestOperatingSystem: string | null;
}

export interface FirmwareReading {
  readonly outcome: "accepted" | "refused" | "nothing-to-boot" | "undecided";
  /** The line that says so; null while undecided. */
  readonly line: string | null;
}

export interface PictureSize {
  readonly widthPixels: number;
  readonly heightPixels: number;
}
