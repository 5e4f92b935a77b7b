import type { HostId, TemplateGuid } from "../ids.ts";
import type { HostFacts } from "../ports.ts";
import { defaultAllocationRatios, limitsOf } from "./capacity-filter.ts";
import type { HostState, PlacementRequest, Resources } from "./host-state.ts";

const GIB = 1024 ** 3;
const nothing: Resources = { vcpus: 0, memoryBytes: 0, diskBytes: 0 };

export const windowsTemplate = { id: "1734c6e8-3154-4dda-ba5f-a874cc483422" as TemplateGuid, name: "MicrosoftWindows" };
export const linuxTemplate = { id: "272e7447-90a4-4563-a4b9-8e4ab00526ce" as TemplateGuid, name: "MicrosoftUEFICertificateAuthority" };

const versions: Readonly<Record<string, string>> = { "2012": "6.2.9200", "2012r2": "6.3.9600", "2016": "10.0.14393", "2022": "10.0.20348" };

/** Facts of a host of a release, for tests. */
export function sampleFacts(release: string, changes: Partial<HostFacts> = {}): HostFacts {
  const is10 = versions[release]?.startsWith("10.") ?? false;
  return {
    computerName: `HOST-${release}`, osVersion: versions[release] ?? "", release, caption: "", cpuCount: 8, cpuModel: "x86-64", memoryBytes: 16 * GIB,
    memoryFreeBytes: 15 * GIB, diskBytes: 200 * GIB, diskFreeBytes: 150 * GIB, uptimeSeconds: 60,
    secureBoot: {
      generation2: release !== "2012",
      families: release === "2012" ? [] : is10 ? ["windows", "linux"] : ["windows"],
      templates: is10 ? [windowsTemplate, linuxTemplate] : [],
    },
    switches: [{ id: "s1", name: "External" }], virtualHardDiskPath: "C:\\Disks",
    ...changes,
  };
}

/** A host of a release with nothing on it, for tests. */
export function sampleHost(name: string, release: string, changes: Partial<HostState> = {}): HostState {
  const facts = changes.facts === undefined ? sampleFacts(release) : changes.facts;
  return {
    id: name as HostId, name, enabled: true, up: true, reason: null, facts,
    limits: facts === null ? nothing : limitsOf(facts, defaultAllocationRatios), claimed: nothing, ...changes,
  };
}

/** A small request that any host takes, for tests. */
export function sampleRequest(changes: Partial<PlacementRequest> = {}): PlacementRequest {
  return {
    imageProperties: {}, needs: { vcpus: 1, memoryBytes: GIB, diskBytes: 10 * GIB }, generation: 2,
    secureBoot: { wanted: "off", template: null, family: "linux" }, ...changes,
  };
}
