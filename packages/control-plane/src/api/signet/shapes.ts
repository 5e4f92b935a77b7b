import type { ImageReport, Outcome, Reason } from "@signet/secure-boot";
import type { Standing } from "../../compute/standing.ts";

export type { Standing } from "../../compute/standing.ts";

/** Answers of `/signet/v1`, shared with the dashboard as types. Names are ours (camelCase); OpenStack's spelling stays in its own APIs. */

export interface SignetImage {
  readonly id: string;
  readonly name: string | null;
  readonly status: string;
  readonly sizeBytes: number | null;
  readonly declaredFormat: string | null;
  readonly detectedFormat: string | null;
  readonly secureBoot: string;
  /** `os_secure_boot_signature` in force and where it came from. */
  readonly signature: { readonly value: string; readonly source: "stated" | "derived"; readonly contradiction: string | null } | null;
  readonly machineType: string | null;
  readonly family: "windows" | "linux" | "other" | null;
  readonly verdicts: readonly { readonly trust: string; readonly outcome: Outcome; readonly serviceable: boolean | null; readonly survivesNextRevocation: boolean | null }[];
  readonly createdAt: string;
}

/** GET /signet/v1/images/{id}/verdicts. `report` is null until the image has data. */
export interface SignetImageVerdicts {
  readonly imageId: string;
  readonly judgedAt: string | null;
  readonly report: ImageReport | null;
}

export interface SignetServer {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly taskState: string | null;
  readonly projectId: string;
  readonly hostName: string | null;
  readonly machineGuid: string | null;
  readonly image: { readonly id: string; readonly name: string | null };
  readonly flavorName: string;
  /** What was asked, by whom, what was decided and by which rule of which profile. */
  readonly policy: {
    readonly profile: string;
    readonly asked: readonly { readonly source: "image property" | "flavor extra spec" | "scheduler hint"; readonly name: string; readonly value: string | null }[];
    readonly decision: "on" | "off" | "conflict";
    readonly rule: string;
  };
  readonly desired: { readonly secureBootEnabled: boolean; readonly templateId: string | null; readonly templateName: string | null; readonly generation: 1 | 2 };
  readonly actual: {
    readonly secureBootEnabled: boolean; readonly templateId: string | null; readonly templateName: string | null; readonly generation: 1 | 2;
    readonly powerState: string; readonly readAt: string;
  } | null;
  /** Desired and actual agree, as of the last read-back. Null before the first. */
  readonly matches: boolean | null;
  /** What differs, one sentence each, as of the last read-back. Null before the first. */
  readonly drift: readonly string[] | null;
  readonly standing: Standing;
  readonly prediction: { readonly trust: string; readonly outcome: Outcome; readonly because: readonly Reason[]; readonly forcedBy: string | null } | null;
  readonly firmware: { readonly outcome: "accepted" | "refused" | "nothing-to-boot" | "undecided"; readonly line: string | null; readonly heartbeat: string | null; readonly observedAt: string } | null;
  readonly fault: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
  readonly timeline: readonly { readonly at: string; readonly event: string; readonly text: string }[];
}

export interface SignetHost {
  readonly id: string;
  readonly name: string;
  readonly state: "up" | "down";
  readonly enabled: boolean;
  readonly reason: string | null;
  readonly release: string | null;
  readonly osVersion: string | null;
  readonly templates: readonly { readonly id: string; readonly name: string }[];
  readonly families: readonly string[];
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly memoryClaimedBytes: number;
  readonly diskBytes: number;
  readonly diskClaimedBytes: number;
  readonly lastSeenAt: string | null;
}

/** GET /signet/v1/explain. A refusal stands alone; without one, every host is told of. */
export interface SignetExplanation {
  readonly refusal: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
  readonly policy: {
    readonly profile: string;
    readonly asked: SignetServer["policy"]["asked"];
    /** `on-if-capable`: a host that cannot do it may take the server all the same. */
    readonly decision: "on" | "off" | "on-if-capable" | "conflict";
    readonly rule: string;
    readonly templateId: string | null;
    readonly templateName: string | null;
    readonly generation: 1 | 2;
  } | null;
  readonly prediction: SignetServer["prediction"];
  readonly fits: boolean;
  /** `name` is for administrators only. */
  readonly hosts: readonly { readonly name?: string; readonly fits: boolean; readonly reasons: readonly string[] }[];
}
