import { WsmanFault } from "@signet/wsman";
import type { CimInstance } from "@signet/wsman/cim";
import { describeHost, isAtLeast, readOne, readServiceSettings, releaseOfBuild, type AboutHost } from "./about-host.ts";
import { readNumber, readText, readTime } from "./cim-values.ts";
import { HostFault } from "./host-fault.ts";
import type { HostSession } from "./host-session.ts";
import type { HostFacts, HostSecureBoot } from "./host-types.ts";
import { cimv2Namespace, virtualizationNamespace } from "./schema/index.ts";
import { wqlText } from "./wql-text.ts";

export const microsoftWindowsTemplate = "1734c6e8-3154-4dda-ba5f-a874cc483422";
const microsoftUefiTemplate = "272e7447-90a4-4563-a4b9-8e4ab00526ce";

/** The names that Hyper-V gives its own templates, in every language; ids not listed here go by what the host calls them. */
const templateNames: Readonly<Record<string, string>> = {
  [microsoftWindowsTemplate]: "MicrosoftWindows",
  [microsoftUefiTemplate]: "MicrosoftUEFICertificateAuthority",
  "4292ae2b-ee2c-42b5-a969-dd8f8689f6f3": "OpenSourceShieldedVM",
};

const bytesPerKib = 1024;

/** What a host is and has. A host that is no Hyper-V, or that the account may not manage, is a fault that says what is missing. */
export async function probeHost(session: HostSession): Promise<{ readonly about: AboutHost; readonly facts: HostFacts }> {
  const [system, computer, processors, service, switches] = await Promise.all([
    readOne(session, cimv2Namespace, "Win32_OperatingSystem"),
    readOne(session, cimv2Namespace, "Win32_ComputerSystem"),
    session.query(cimv2Namespace, "SELECT * FROM Win32_Processor"),
    readServiceSettings(session),
    session.query(virtualizationNamespace, "SELECT * FROM Msvm_VirtualEthernetSwitch"),
  ]);
  const about = describeHost(system, computer, service);
  const [disk, templates] = await Promise.all([readDisk(session, about.virtualHardDiskPath), readTemplates(session, about)]);
  const facts: HostFacts = {
    computerName: about.computerName,
    osVersion: readText(system, "Version"),
    release: releaseOfBuild(about.build),
    caption: readText(system, "Caption").trim(),
    cpuCount: readNumber(computer, "NumberOfLogicalProcessors"),
    cpuModel: processors[0] ? readText(processors[0], "Name").trim() : "",
    // These two are in KiB, unlike nearly everything else there.
    memoryBytes: readNumber(system, "TotalVisibleMemorySize") * bytesPerKib,
    memoryFreeBytes: readNumber(system, "FreePhysicalMemory") * bytesPerKib,
    ...disk,
    uptimeSeconds: uptimeOf(system),
    secureBoot: secureBootOf(about, templates),
    switches: switches.map((one) => ({ id: readText(one, "Name"), name: readText(one, "ElementName") })),
    virtualHardDiskPath: about.virtualHardDiskPath,
  };
  return { about, facts };
}

/** By the host's own clock: ours may be another. */
function uptimeOf(system: CimInstance): number {
  const booted = readTime(system, "LastBootUpTime");
  const now = readTime(system, "LocalDateTime") ?? new Date();
  return booted === null ? 0 : Math.max(0, Math.round((now.getTime() - booted.getTime()) / 1000));
}

async function readDisk(session: HostSession, folder: string): Promise<{ diskBytes: number; diskFreeBytes: number }> {
  const drive = /^[A-Za-z]:/.exec(folder)?.[0];
  const [disk] = drive === undefined ? [] : await session.query(cimv2Namespace, `SELECT * FROM Win32_LogicalDisk WHERE DeviceID = ${wqlText(drive)}`);
  return { diskBytes: disk ? readNumber(disk, "Size") : 0, diskFreeBytes: disk ? readNumber(disk, "FreeSpace") : 0 };
}

export function secureBootOf(about: AboutHost, templates: HostSecureBoot["templates"]): HostSecureBoot {
  const generation2 = isAtLeast(about, 6, 3);
  const linux = isAtLeast(about, 10, 0) && templates.some(({ id }) => id === microsoftUefiTemplate);
  return { generation2, families: !generation2 ? [] : linux ? ["windows", "linux"] : ["windows"], templates };
}

/** Instances that describe a machine or a checkpoint, which have a template but are none. */
const machineTypes = /^Microsoft:Hyper-V:(System|Snapshot):/i;

/** Templates are settings that belong to the service's capabilities. Where a host does not say so, they are found among all settings. */
async function readTemplates(session: HostSession, about: AboutHost): Promise<HostSecureBoot["templates"]> {
  if (about.build < session.link.quirks.templateFromBuild) return [];
  const byCapabilities = templatesAmong(await queryOrNone(session,
    'ASSOCIATORS OF {Msvm_VirtualSystemManagementCapabilities.InstanceID="Microsoft:VirtualSystemManagementCapabilities"} WHERE AssocClass = Msvm_SettingsDefineCapabilities ResultClass = Msvm_VirtualSystemSettingData'));
  return byCapabilities.length > 0 ? byCapabilities : templatesAmong(await session.query(virtualizationNamespace, "SELECT * FROM Msvm_VirtualSystemSettingData"));
}

async function queryOrNone(session: HostSession, wql: string): Promise<readonly CimInstance[]> {
  try {
    return await session.query(virtualizationNamespace, wql);
  } catch (error) {
    if (error instanceof HostFault && error.cause instanceof WsmanFault && error.retry === "never" && error.code !== "HV-ACCESS-DENIED") return [];
    throw error;
  }
}

export function templatesAmong(settings: readonly CimInstance[]): HostSecureBoot["templates"] {
  const names = new Map<string, string>();
  for (const one of settings) {
    const id = readText(one, "SecureBootTemplateId").toLowerCase();
    if (id === "" || machineTypes.test(readText(one, "VirtualSystemType"))) continue;
    names.set(id, templateNames[id] ?? readText(one, "ElementName"));
  }
  return [...names].map(([id, name]) => ({ id, name }));
}
