/**
 * Version predicates as `hypervisor_version_requires` holds them: comma-separated comparisons that all must hold, each of two or
 * three numbers with an optional `aN` or `bN`. The grammar is that of Python's distutils, which Nova up to release 30 used.
 */
export interface VersionPredicate {
  readonly text: string;
  readonly comparisons: readonly { readonly operator: Operator; readonly version: Version }[];
}

type Operator = "<" | "<=" | "==" | "!=" | ">" | ">=";

interface Version {
  readonly numbers: readonly [number, number, number];
  /** "a" or "b" with its number; null for a final version, which is newer than both. */
  readonly prerelease: readonly [string, number] | null;
}

const COMPARISON = /^\s*(<=|>=|<|>|!=|==)\s*([^\s,]+)\s*$/;
const VERSION = /^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$/;

/** The predicate, or null when the text is none (`6.3`, `=6.3`, `>=6`, empty). */
export function parseVersionPredicate(text: string): VersionPredicate | null {
  const comparisons = [];
  for (const part of text.split(",")) {
    const [, operator, versionText] = COMPARISON.exec(part) ?? [];
    const version = versionText === undefined ? null : parseVersion(versionText);
    if (operator === undefined || version === null) return null;
    comparisons.push({ operator: operator as Operator, version });
  }
  return { text, comparisons };
}

/** Whether a host's integer version fits. A version that cannot be compared (0, or a single number) does not fit. */
export function satisfies(predicate: VersionPredicate, hypervisorVersion: number): boolean {
  const version = parseVersion(versionText(hypervisorVersion));
  if (version === null) return false;
  return predicate.comparisons.every(({ operator, version: wanted }) => holds(operator, compare(version, wanted)));
}

/** Nova's text of an integer version, by groups of base 1000: 6003 is "6.3", 10000 is "10.0". */
export function versionText(hypervisorVersion: number): string {
  const groups: number[] = [];
  for (let rest = hypervisorVersion; rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(rest % 1000);
  return groups.join(".");
}

/** The integer that Hyper-V hosts have had in Nova: major × 1000 + minor of `Win32_OperatingSystem.Version`; 0 when it is no version. */
export function hypervisorVersionOf(osVersion: string): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(osVersion) ?? [];
  return major === undefined || minor === undefined ? 0 : Number(major) * 1000 + Number(minor);
}

function parseVersion(text: string): Version | null {
  const match = VERSION.exec(text);
  if (match === null) return null;
  const [, major, minor, patch, kind, number] = match;
  return { numbers: [Number(major), Number(minor), Number(patch ?? 0)], prerelease: kind === undefined ? null : [kind, Number(number)] };
}

function compare(left: Version, right: Version): number {
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - right.numbers[index]!;
    if (difference !== 0) return difference;
  }
  if (left.prerelease === null || right.prerelease === null) return Number(left.prerelease === null) - Number(right.prerelease === null);
  return left.prerelease[0] === right.prerelease[0] ? left.prerelease[1] - right.prerelease[1] : left.prerelease[0] < right.prerelease[0] ? -1 : 1;
}

function holds(operator: Operator, order: number): boolean {
  switch (operator) {
    case "<": return order < 0;
    case "<=": return order <= 0;
    case "==": return order === 0;
    case "!=": return order !== 0;
    case ">": return order > 0;
    case ">=": return order >= 0;
  }
}
