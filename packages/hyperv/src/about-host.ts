import type { CimInstance } from "@signet/wsman/cim";
import { readText } from "./cim-values.ts";
import { grantAccess } from "./host-fault.ts";
import { HostPaths } from "./host-paths.ts";
import type { HostSession } from "./host-session.ts";
import { cimv2Namespace, virtualizationNamespace, type ReleaseName } from "./schema/index.ts";

/** What every operation needs to know of a host. Changes only with its installation and its configuration. */
export interface AboutHost {
  readonly computerName: string;
  /** Such as 6.3 or 10.0. */
  readonly version: { readonly major: number; readonly minor: number };
  readonly build: number;
  readonly virtualHardDiskPath: string;
}

/** Servers by the build that they were released with; insider and client builds are "unknown". */
const releaseByBuild: Readonly<Record<number, ReleaseName>> = { 9600: "2012r2", 14_393: "2016", 17_763: "2019", 20_348: "2022", 25_398: "23h2", 26_100: "2025" };

export function releaseOfBuild(build: number): ReleaseName | "unknown" {
  return releaseByBuild[build] ?? "unknown";
}

/** Whether a host is at least of this version of Windows: 6.3 is 2012 R2, 10.0 is 2016 and all that came after. */
export function isAtLeast(about: Pick<AboutHost, "version">, major: number, minor: number): boolean {
  return about.version.major > major || (about.version.major === major && about.version.minor >= minor);
}

export async function readAbout(session: HostSession): Promise<AboutHost> {
  const [system, computer, service] = await Promise.all([
    readOne(session, cimv2Namespace, "Win32_OperatingSystem"),
    readOne(session, cimv2Namespace, "Win32_ComputerSystem"),
    readServiceSettings(session),
  ]);
  return describeHost(system, computer, service);
}

export function describeHost(system: CimInstance, computer: CimInstance, service: CimInstance): AboutHost {
  const [major, minor, build] = readText(system, "Version").split(".").map(Number);
  return {
    computerName: readText(computer, "Name"),
    version: { major: major ?? 0, minor: minor ?? 0 },
    build: build ?? 0,
    virtualHardDiskPath: readText(service, "DefaultVirtualHardDiskPath"),
  };
}

/** An account that may reach WMI but not Hyper-V is not refused: it simply sees nothing. */
export async function readServiceSettings(session: HostSession): Promise<CimInstance> {
  const [found] = await session.query(virtualizationNamespace, "SELECT * FROM Msvm_VirtualSystemManagementServiceSettingData");
  if (!found) throw session.fault("HV-ACCESS-DENIED", `The account sees nothing of Hyper-V on this host. ${grantAccess}`);
  return found;
}

export async function readOne(session: HostSession, namespace: string, className: string): Promise<CimInstance> {
  const [found] = await session.query(namespace, `SELECT * FROM ${className}`);
  if (!found) throw session.fault("HV-ACCESS-DENIED", `The account sees no ${className} on this host. ${grantAccess}`);
  return found;
}

export function pathsOf(session: HostSession, about: AboutHost): HostPaths {
  return new HostPaths(about.virtualHardDiskPath, session.where);
}
