import type { HostFacts } from "../ports.ts";
import type { HostId, TemplateGuid } from "../ids.ts";
import { hypervisorVersionOf, versionText } from "./version-predicate.ts";

/** A host as the filters see it: facts of the last probe, and what is claimed on it. */
export interface HostState {
  readonly id: HostId;
  readonly name: string;
  readonly enabled: boolean;
  /** Answered its last probe. */
  readonly up: boolean;
  /** Why it is disabled or down; null when it is neither, or nobody said. */
  readonly reason: string | null;
  /** Null until it has answered once. */
  readonly facts: HostFacts | null;
  readonly limits: Resources;
  readonly claimed: Resources;
}

export interface Resources {
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** What a server needs of a host. */
export interface PlacementRequest {
  /** Glance's own names and values. */
  readonly imageProperties: Readonly<Record<string, string>>;
  readonly needs: Resources;
  readonly generation: 1 | 2;
  readonly secureBoot: SecureBootNeed;
}

export interface SecureBootNeed {
  /** `on-if-capable`: any host will do, and one that can is preferred. */
  readonly wanted: "on" | "off" | "on-if-capable";
  /** The template that vouches for the loader; null when Secure Boot is off. */
  readonly template: { readonly id: TemplateGuid; readonly name: string } | null;
  readonly family: "windows" | "linux" | "other" | null;
}

/** Why a host was not taken. Read after the host's name: "hv1" + " " + text. */
export interface FilterReason {
  readonly filter: string;
  readonly text: string;
}

/** Null lets the host pass. */
export type Filter = (host: HostState, request: PlacementRequest) => FilterReason | null;

const releaseNames: Readonly<Record<string, string>> = {
  "2012": "Windows Server 2012", "2012r2": "Windows Server 2012 R2", "2016": "Windows Server 2016", "2019": "Windows Server 2019",
  "2022": "Windows Server 2022", "23h2": "Windows Server, version 23H2", "2025": "Windows Server 2025",
};

/** "Windows Server 2012 R2 (6.3)". */
export function describeRelease(facts: HostFacts): string {
  const version = versionText(hypervisorVersionOf(facts.osVersion)) || facts.osVersion;
  return `${releaseNames[facts.release] ?? (facts.caption || "a release that we do not know")} (${version})`;
}
