import type { SourceFile } from "./source-tree.ts";

interface ImportRule {
  /** Specifiers of our own packages that a file of the room may name; `*` means all. */
  readonly own: readonly string[];
  /** Whether Node's built-in modules may be imported. */
  readonly node: "all" | "none" | readonly string[];
}

/** ARCHITECTURE.md draws this table. Pure rooms name what they may take from Node one by one. */
const RULES: Readonly<Record<string, ImportRule>> = {
  "disk-image": { own: [], node: "none" },
  "secure-boot": { own: ["@signet/disk-image"], node: ["node:crypto"] },
  wsman: { own: [], node: "all" },
  hyperv: { own: ["@signet/wsman"], node: "all" },
  emulator: { own: ["@signet/wsman", "@signet/hyperv/schema", "@signet/hyperv/schema/host-scripts", "@signet/secure-boot/trust", "@signet/secure-boot/signature-lists"], node: "all" },
  "control-plane": { own: ["@signet/secure-boot", "@signet/disk-image"], node: "all" },
  dashboard: { own: ["@signet/secure-boot", "@signet/disk-image", "@signet/control-plane/api-shapes"], node: "all" },
  cli: { own: ["*"], node: "all" },
};

/** The judge takes disk images in one place only. */
const DISK_IMAGE_DOORS = /^packages\/secure-boot\/src\/inspect(\/[a-z-]+)?\.ts$/;

export interface ImportFinding {
  readonly path: string;
  readonly specifier: string;
}

/** Imports that leave their room by a door that the house does not have. */
export function findForbiddenImports(files: readonly SourceFile[]): readonly ImportFinding[] {
  const findings: ImportFinding[] = [];
  for (const file of files) {
    const room = /^packages\/([a-z-]+)\/src\//.exec(file.path)?.[1];
    const rule = room === undefined ? undefined : RULES[room];
    if (room === undefined || rule === undefined) continue;
    for (const specifier of importsOf(file.text)) {
      if (!isAllowed(file, room, rule, specifier)) findings.push({ path: file.path, specifier });
    }
  }
  return findings;
}

function isAllowed(file: SourceFile, room: string, rule: ImportRule, specifier: string): boolean {
  const isTestFile = file.path.includes(".test.");
  if (specifier.startsWith(".")) return !new RegExp(`(^|/)packages/(?!${room}/)`).test(specifier);
  if (specifier.startsWith("node:")) return isTestFile || rule.node === "all" || (rule.node !== "none" && rule.node.includes(specifier));
  if (!specifier.startsWith("@signet/")) return true;
  if (room === "secure-boot" && specifier.startsWith("@signet/disk-image")) return isTestFile || DISK_IMAGE_DOORS.test(file.path);
  return rule.own.some((allowed) => allowed === "*" || specifier === allowed || (room !== "emulator" && specifier.startsWith(`${allowed}/`)) || (allowed === "@signet/wsman" && specifier.startsWith("@signet/wsman/")));
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}
