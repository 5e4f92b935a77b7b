import { ObjectPathError, parseObjectPath } from "@signet/wsman";
import type { CimReference } from "@signet/wsman/cim";
import { cimv2Namespace, virtualizationNamespace } from "./schema/index.ts";

function virtualization(className: string, keys: Readonly<Record<string, string>>): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className, keys };
}

function service(className: string): CimReference {
  return virtualization(className, { CreationClassName: className });
}

/** Services are addressed by their class alone; without any selector hosts refuse. */
export const machineService = service("Msvm_VirtualSystemManagementService");
export const imageService = service("Msvm_ImageManagementService");

export function machineReference(guid: string): CimReference {
  return virtualization("Msvm_ComputerSystem", { CreationClassName: "Msvm_ComputerSystem", Name: guid });
}

/** The current settings of a machine, not those of one of its checkpoints. */
export function settingsId(guid: string): string {
  return `Microsoft:${guid}`;
}

export function settingsReference(guid: string): CimReference {
  return virtualization("Msvm_VirtualSystemSettingData", { InstanceID: settingsId(guid) });
}

export function deviceReference(className: string, instanceId: string): CimReference {
  return virtualization(className, { InstanceID: instanceId });
}

export function switchReference(guid: string): CimReference {
  return virtualization("Msvm_VirtualEthernetSwitch", { CreationClassName: "Msvm_VirtualEthernetSwitch", Name: guid });
}

export function fileReference(path: string): CimReference {
  return { kind: "reference", namespace: cimv2Namespace, className: "CIM_DataFile", keys: { Name: path } };
}

export function folderReference(path: string): CimReference {
  return { kind: "reference", namespace: cimv2Namespace, className: "Win32_Directory", keys: { Name: path } };
}

const guidPattern = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const guidOnly = new RegExp(`^${guidPattern}$`, "i");
const deviceOwner = new RegExp(`^Microsoft:(${guidPattern})(\\\\|$)`, "i");

/** The machine that an InstanceID belongs to, upper-case; null for definitions and what else is no machine's. */
export function ownerOf(instanceId: string): string | null {
  return deviceOwner.exec(instanceId)?.[1]?.toUpperCase() ?? null;
}

/** The value of a key in the text of an object path; "" where there is none, or where the text is no path. */
export function keyInPath(path: string, key: string): string {
  try {
    return parseObjectPath(path).keys[key] ?? "";
  } catch (error) {
    if (error instanceof ObjectPathError) return "";
    throw error;
  }
}

/** Ids become parts of paths, commands and queries: anything but a GUID is a mistake of the caller. @throws TypeError */
export function assertGuid(text: string): void {
  if (!guidOnly.test(text)) throw new TypeError(`"${text.slice(0, 60)}" is not a GUID.`);
}
