import { dbxReleases, listNamedTrusts, minimumVersions, revocationLists, sbatReleases, templateByName } from "@signet/secure-boot/trust";
import type { Style } from "../inspect/style.ts";
import { describeTrust, type TrustDescription, type TrustEntry } from "./describe-trust.ts";

/** Hashes above this number are summed up by date; `--json` has them all. */
const HASHES_SHOWN_MAX = 12;

/** All that the product carries: templates, dbx releases, SBAT levels. */
export function renderList(style: Style, now: Date): string {
  const templates = listNamedTrusts().map((trust) => {
    const { id, entries } = describeTrust(trust);
    const authorities = entries.filter(({ variable, kind }) => variable === "db" && kind === "x509").map(({ name }) => commonName(name ?? ""));
    const revoked = entries.filter(({ variable }) => variable === "dbx").length;
    const provenance = templateByName(trust.name)?.provenance[0]?.origin;
    return [
      `  ${style.strong(trust.name)}  ${id ?? "for confidential machines, without an id"}`,
      trust.contentsKnown ? `      trusts   ${authorities.join(" · ")}` : "      what it trusts has not been published",
      ...(trust.contentsKnown ? [`      revokes  ${revoked} programs`] : []),
      ...(provenance === undefined ? [] : [style.quiet(`      source   ${provenance}`)]),
    ].join("\n");
  });
  const releases = dbxReleases.map(({ date, entries, addedUntil, source }) => `  ${date}  ${String(entries).padStart(4)} programs${addedUntil === null ? "   (what it held is not known)" : ""}   ${style.quiet(source.origin ?? "")}`);
  const lists = revocationLists.map(({ id, entries, addedUntil }) => `  ${id.padEnd(22)} ${entries} programs, listed until ${addedUntil}`);
  const levels = sbatReleases.map(({ date, rows, automaticIn }) => `  ${date}  ${rows.join(" · ")}${automaticIn === null ? "" : `   ${style.quiet(`automatic in ${automaticIn}`)}`}`);
  const versions = minimumVersions.map(({ program, version, changedOn }) => `  ${program.padEnd(14)} ${version}   since ${changedOn}`);
  const section = (title: string, lines: readonly string[]): string => `${title}\n\n${lines.join("\n")}\n`;
  return [
    section("Templates", templates), section("Releases of Microsoft's dbx (x64)", releases), section("Revocation lists carried here", lists), section("SBAT levels of shim", levels),
    section("Least versions of Windows's boot programs (in dbx, checked by Windows itself)", versions),
    `Today is ${now.toISOString().slice(0, 10)}. Details: signet trust show NAME · at a day: NAME@YYYY-MM-DD\n`,
  ].join("\n");
}

export function renderTrust(description: TrustDescription, style: Style, now: Date): string {
  const { name, id, secureBootEnabled, contentsKnown, entries, shimVariables, unreachedBytes, sources } = description;
  const lines = [`${style.strong(name)}${id === null ? "" : `  ${id}`}${secureBootEnabled ? "" : `  ${style.open("Secure Boot is off: nothing is checked")}`}`];
  if (!contentsKnown) lines.push("  What it trusts has not been published.");
  for (const variable of ["PK", "KEK", "db", "dbx", "dbt"]) {
    const own = entries.filter((entry) => entry.variable === variable);
    if (own.length > 0) lines.push("", `  ${variable}`, ...renderEntries(own, style, now));
    const unreached = unreachedBytes[variable];
    if (unreached !== undefined) lines.push(`    ${style.open(`malformed: firmware never reaches the last ${unreached} bytes`)}`);
  }
  for (const [variable, text] of Object.entries(shimVariables)) lines.push("", `  ${variable} (shim)`, ...text.trimEnd().split("\n").map((line) => `    ${line}`));
  if (sources.length > 0) lines.push("", ...sources.map((source) => style.quiet(`  source  ${source}`)));
  return `${lines.join("\n")}\n`;
}

function renderEntries(entries: readonly TrustEntry[], style: Style, now: Date): readonly string[] {
  const certificates = entries.filter(({ kind }) => kind.startsWith("x509") && kind !== "x509_sha256");
  const others = entries.filter((entry) => !certificates.includes(entry));
  const lines = certificates.map((entry) => `    ${describeCertificateEntry(entry, style, now)}`);
  if (others.length <= HASHES_SHOWN_MAX) return [...lines, ...others.map(({ kind, value, name, date }) => `    ${kind} ${value}${date === null ? "" : `  listed ${date}`}${name === null ? "" : `  ${name}`}`)];
  const byDate = new Map<string, number>();
  for (const { date } of others) byDate.set(date ?? "at a day that is not known", (byDate.get(date ?? "at a day that is not known") ?? 0) + 1);
  return [...lines, `    ${others.length} programs by their hash:`, ...[...byDate].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([date, count]) => `      ${String(count).padStart(4)} listed ${date}`)];
}

function describeCertificateEntry({ value, name, date, kind }: TrustEntry, style: Style, now: Date): string {
  if (kind !== "x509") return `${kind} ${value}`;
  const ended = date !== null && new Date(date) < now;
  const until = date === null ? "" : `  ${ended ? style.open(`ended ${date.slice(0, 10)}: signs nothing new`) : `until ${date.slice(0, 10)}`}`;
  return `${commonName(name ?? "a certificate that cannot be read")}${until}  ${style.quiet(value.slice(0, 16))}`;
}

/** What the second state has and the first has not, and the reverse; hashes summed up where they are many. */
export function renderDifference(before: TrustDescription, after: TrustDescription, style: Style, now: Date): string {
  const { added, removed } = compareTrusts(before, after);
  if (added.length + removed.length === 0) return `${before.name} and ${after.name} trust and revoke the same.\n`;
  const part = (title: string, entries: readonly TrustEntry[]): string[] =>
    ["PK", "KEK", "db", "dbx", "dbt"].flatMap((variable) => {
      const own = entries.filter((entry) => entry.variable === variable);
      return own.length === 0 ? [] : [`${title} in ${variable}`, ...renderEntries(own, style, now), ""];
    });
  return `${style.strong(before.name)} → ${style.strong(after.name)}\n\n${[...part("added", added), ...part("removed", removed)].join("\n")}`;
}

export function compareTrusts(before: TrustDescription, after: TrustDescription): { readonly added: readonly TrustEntry[]; readonly removed: readonly TrustEntry[] } {
  const keyOf = ({ variable, kind, value }: TrustEntry): string => `${variable} ${kind} ${value}`;
  const has = (entries: readonly TrustEntry[]): ((entry: TrustEntry) => boolean) => {
    const keys = new Set(entries.map(keyOf));
    return (entry) => keys.has(keyOf(entry));
  };
  const [wasThere, isThere] = [has(before.entries), has(after.entries)];
  return { added: after.entries.filter((entry) => !wasThere(entry)), removed: before.entries.filter((entry) => !isThere(entry)) };
}

const commonName = (subject: string): string => /(?:^|, )CN=(.*?)(?=, [A-Za-z0-9.]+=|$)/.exec(subject)?.[1] ?? subject;
