import { profiles } from "./decide.ts";
import { type PolicyProfile, profileNames, saidInOrder } from "./profile.ts";

const words: Readonly<Record<(typeof saidInOrder)[number], string>> = {
  absent: "absent", disabled: "`disabled`", optional: "`optional`", required: "`required`", other: "any other value",
};

/** The tables of all profiles as Markdown: docs/policy.md is this text, and a test holds it to that. */
export function printPolicyTables(): string {
  return [
    "# When is Secure Boot on",
    "",
    "Printed by `tools/print-policy-tables.ts` from the tables in `packages/secure-boot/src/policy`; do not edit.",
    "Rows: image property `os_secure_boot`. Columns: flavor extra spec `os:secure_boot`. Configuration key: `policyProfile`.",
    "",
    ...profileNames.flatMap((name) => printProfile(profiles[name])),
  ].join("\n");
}

function printProfile(profile: PolicyProfile): string[] {
  const rules = new Map<string, string>();
  const rows = saidInOrder.map((image) => {
    const cells = saidInOrder.map((flavor) => {
      const { decision, rule } = profile.table[image][flavor];
      if (!rules.has(rule)) rules.set(rule, String(rules.size + 1));
      return `${decision === "on-if-capable" ? "on if the host can" : decision} (${rules.get(rule)})`;
    });
    return `| ${words[image]} | ${cells.join(" | ")} |`;
  });
  return [
    `## \`${profile.name}\`: ${profile.title}`,
    "",
    `| image \\ flavor | ${saidInOrder.map((said) => words[said]).join(" | ")} |`,
    `|---|${"---|".repeat(saidInOrder.length)}`,
    ...rows,
    "",
    ...[...rules].map(([rule, number]) => `${number}. ${rule}`),
    "",
  ];
}
