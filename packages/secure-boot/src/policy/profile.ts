/** What is said about Secure Boot on one side: one of the three known words, nothing, or a word that nobody defined. */
export type Said = "absent" | "disabled" | "optional" | "required" | "other";

/** `on-if-capable` is settled by the host that is chosen: on where it can, off where it cannot. */
export type Decision = "on" | "off" | "on-if-capable" | "conflict";

export interface PolicyCell {
  readonly decision: Decision;
  /** Why, as one sentence; part of every answer that shows the decision. */
  readonly rule: string;
}

/** One row a thing the image may say, one column a thing the flavor may say. */
export type PolicyTable = Readonly<Record<Said, Readonly<Record<Said, PolicyCell>>>>;

export interface PolicyProfile {
  readonly name: ProfileName;
  /** Whose behaviour this is. */
  readonly title: string;
  readonly table: PolicyTable;
}

export const profileNames = ["blueprint", "nova-hyperv", "nova-libvirt"] as const;
export type ProfileName = (typeof profileNames)[number];

/** The words in the order in which tables show them. */
export const saidInOrder = ["absent", "disabled", "optional", "required", "other"] as const satisfies readonly Said[];
