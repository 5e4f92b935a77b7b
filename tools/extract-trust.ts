/**
 * Makes packages/secure-boot/src/trust/data/*.json: the certificates, revocation lists and templates that the product carries.
 *
 *   node tools/extract-trust.ts --package NAME=VERSION=FOLDER … --published FOLDER
 *
 * FOLDER is where the Debian package was unpacked with `dpkg-deb -x` (`/` for an installed one). Certificates and hashes are read out of
 * enrolled variable stores and out of the signatures of shim. What no package holds (which certificates make up a template, Hyper-V's
 * platform key) is a published fact: `--published` is a folder with `certs.json`, `certs/*.der`, `dbx/*.txt`,
 * `dbx/microsoft-x64-latest.json` and `templates/*.json`,
 * in which every file names its origin. A certificate found both ways must be the same, byte for byte.
 */
import { X509Certificate, createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { walkSignatureLists } from "@signet/secure-boot/signature-lists";
import { readVariableStore } from "@signet/secure-boot/trust";

interface Source {
  readonly kind: "package" | "published";
  readonly package?: string;
  readonly version?: string;
  readonly file?: string;
  readonly fileSha256?: string;
  readonly place?: string;
  readonly origin?: string;
}

interface PublishedCertificate {
  readonly id: string;
  readonly file: string;
}

interface PublishedTemplate {
  readonly template: string;
  readonly guid: string | null;
  readonly origin?: string;
  readonly note?: string;
  readonly PK?: readonly string[];
  readonly KEK?: readonly string[];
  readonly db?: readonly string[];
  readonly dbx?: string;
}

const STORE = "usr/share/OVMF/OVMF_VARS_4M.ms.fd";
/** Microsoft's owner GUID: firmware and Microsoft's update files use it; the published template files carry none. */
const MICROSOFT_OWNER = "77fa9abd-0359-4d32-bd60-28f4e78f784b";
const dataFolder = new URL("../packages/secure-boot/src/trust/data/", import.meta.url);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Everything that packages hold: certificates by SHA-256, hashes by value, each with all places where it was seen. */
class Findings {
  readonly certificates = new Map<string, { der: Uint8Array; sources: Source[] }>();
  readonly revocations: { source: Source; hashes: readonly string[] }[] = [];

  addCertificate(der: Uint8Array, source: Source): void {
    const key = sha256(der);
    const known = this.certificates.get(key) ?? { der, sources: [] };
    known.sources.push(source);
    this.certificates.set(key, known);
  }
}

function readPackage(findings: Findings, name: string, version: string, folder: string): void {
  const storePath = join(folder, STORE);
  if (name.startsWith("ovmf") && existsSync(storePath)) readStore(findings, { kind: "package", package: name, version, file: `/${STORE}` }, readFileSync(storePath));
}

function readStore(findings: Findings, base: Source, file: Uint8Array): void {
  for (const { name, data } of readVariableStore(file)) {
    if (!["PK", "KEK", "db", "dbx"].includes(name)) continue;
    const source: Source = { ...base, fileSha256: sha256(file), place: name };
    const { lists } = walkSignatureLists(data);
    for (const list of lists.filter(({ kind }) => kind === "x509")) for (const entry of list.entries) findings.addCertificate(entry.data, source);
    if (name === "dbx") findings.revocations.push({ source, hashes: lists.filter(({ kind }) => kind === "sha256").flatMap(({ entries }) => entries.map((entry) => Buffer.from(entry.data).toString("hex"))) });
  }
}

function describeCertificates(findings: Findings, folder: string, templates: readonly PublishedTemplate[]): object[] {
  const published = JSON.parse(readFileSync(join(folder, "certs.json"), "utf8")) as readonly PublishedCertificate[];
  return published.map(({ id, file }) => {
    const publishedDer = readFileSync(join(folder, file));
    const found = findings.certificates.get(sha256(publishedDer));
    const certificate = new X509Certificate(found?.der ?? publishedDer);
    const sources = found?.sources ?? publishedSources(id, templates);
    if (sources.length === 0) throw new Error(`No source is known for the certificate ${id}.`);
    return {
      id,
      subject: certificate.subject.split("\n").toReversed().join(", "),
      sha256: sha256(publishedDer),
      notBefore: new Date(certificate.validFrom).toISOString(),
      notAfter: new Date(certificate.validTo).toISOString(),
      sources,
      der: Buffer.from(found?.der ?? publishedDer).toString("base64"),
    };
  });
}

/** The template files that name the certificate, each with its repository and commit. */
function publishedSources(id: string, templates: readonly PublishedTemplate[]): Source[] {
  return templates
    .filter(({ PK, KEK, db }) => [PK, KEK, db].some((ids) => ids?.includes(id) === true))
    .map(({ template, origin }) => ({ kind: "published", origin: `${origin}, ${template}` }));
}

interface PublishedRevocation {
  readonly authenticodeHash: string;
  readonly dateOfAddition: string;
  readonly signingAuthority: string;
  readonly filename: string;
  readonly companyName: string;
  readonly description: string;
}

interface PublishedRevocations {
  readonly origin: string;
  readonly images: readonly PublishedRevocation[];
  readonly svns: readonly { readonly value: string; readonly version: string; readonly filename: string; readonly dateOfLastChange: string }[];
}

/** Releases of Microsoft's x64 dbx by date and number of hashes (microsoft/secureboot_objects, DBXUpdate.bin at each commit). */
const RELEASES = [
  { date: "2024-07-17", entries: 220, commit: "1c6f972" },
  { date: "2025-01-17", entries: 245, commit: "6740d73" },
  { date: "2025-02-24", entries: 416, commit: "ef78acc" },
  { date: "2025-06-10", entries: 430, commit: "eb36a97" },
  { date: "2025-10-15", entries: 431, commit: "8e4a78b" },
  { date: "2026-06-09", entries: 289, commit: "a728996" },
  { date: "2026-06-10", entries: 443, commit: "a93ac6b" },
] as const;

/**
 * Every hash once, with the day on which Microsoft listed it; a list is then all of them up to a day. That this gives each list exactly as
 * its own source holds it is checked here, and so is the number of hashes of each release; of releases for which it does not hold (some
 * left out what older ones had) only date and number are known.
 */
function describeRevocations(findings: Findings, folder: string, templates: readonly PublishedTemplate[]): object {
  const published = JSON.parse(readFileSync(join(folder, "dbx", "microsoft-x64-latest.json"), "utf8")) as PublishedRevocations;
  const hashes = published.images
    .map((image) => ({ sha256: image.authenticodeHash.toLowerCase(), addedOn: image.dateOfAddition, authority: image.signingAuthority.replace(/^CN = /, "") || null, product: productOf(image) }))
    .toSorted((one, other) => (one.addedOn < other.addedOn ? -1 : one.addedOn > other.addedOn ? 1 : 0));
  const untilOf = (id: string, members: readonly string[]): string => {
    const until = hashes.findLast(({ sha256 }) => members.includes(sha256))?.addedOn ?? "";
    const expected = hashes.filter(({ addedOn }) => addedOn <= until).map(({ sha256 }) => sha256);
    if (expected.length !== members.length || !expected.every((hash) => members.includes(hash))) throw new Error(`The list ${id} is not what was published up to ${until}.`);
    return until;
  };
  const packaged = findings.revocations.filter(({ hashes: members }) => members.length > 1).map(({ source, hashes: members }) => ({ id: "microsoft-2026-06-10", entries: members.length, addedUntil: untilOf("microsoft-2026-06-10", members), sources: [source] }));
  const files = new Set(templates.flatMap(({ dbx }) => (dbx === undefined ? [] : [dbx])));
  const ofTemplates = [...files].map((file) => {
    const id = file.replace(/^dbx\/|\.txt$/g, "");
    const members = readFileSync(join(folder, file), "utf8").trim().split("\n");
    return { id, entries: members.length, addedUntil: untilOf(id, members), sources: [{ kind: "published", origin: templates.find(({ dbx }) => dbx === file)?.origin }] };
  });
  const releases = RELEASES.map(({ date, entries, commit }) => {
    const until = hashes[entries - 1]?.addedOn ?? "";
    const isWhole = until <= date && hashes.filter(({ addedOn }) => addedOn <= until).length === entries;
    return { date, entries, addedUntil: isWhole ? until : null, source: { kind: "published", origin: `microsoft/secureboot_objects ${commit}` } };
  });
  return { source: { kind: "published", origin: published.origin }, lists: [...ofTemplates, ...packaged], releases, minimumVersions: published.svns.map(({ value, version, filename, dateOfLastChange }) => ({ program: filename, version, value: value.toLowerCase(), changedOn: dateOfLastChange })), hashes };
}

function productOf({ companyName, filename, description }: PublishedRevocation): string | null {
  const parts = [companyName === "Unknown" ? "" : companyName, filename, description].filter((part) => part !== "");
  return parts.length === 0 ? null : parts.join(", ").slice(0, 120);
}

function describeTemplates(folder: string, names: readonly string[]): PublishedTemplate[] {
  return names.map((name) => JSON.parse(readFileSync(join(folder, "templates", `${name}.json`), "utf8")) as PublishedTemplate);
}

const describedAs: Readonly<Record<string, string>> = {
  MicrosoftWindows: "Windows guests: boot managers signed under Microsoft's Windows authorities of 2011 and 2023.",
  MicrosoftUEFICertificateAuthority: "Linux guests and other loaders that Microsoft signs for third parties, under the authorities of 2011 and 2023.",
  OpenSourceShieldedVM: "Shielded Linux guests. Microsoft has not published what it trusts.",
  MicrosoftWindows_Confidential: "As MicrosoftWindows for confidential machines: the authority of 2023 only.",
  MicrosoftUEFICertificateAuthority_Confidential: "As MicrosoftUEFICertificateAuthority for confidential machines: the authority of 2023 only.",
};

function main(): void {
  const { values } = parseArgs({ options: { package: { type: "string", multiple: true, default: [] }, published: { type: "string" } } });
  const folder = values.published;
  if (folder === undefined || values.package.length === 0) throw new Error("Give --published FOLDER and at least one --package NAME=VERSION=FOLDER.");
  const findings = new Findings();
  for (const item of values.package) {
    const [name, version, root] = item.split("=");
    if (name === undefined || version === undefined || root === undefined) throw new Error(`--package ${item}: write NAME=VERSION=FOLDER.`);
    readPackage(findings, name, version, root);
  }
  const templates = describeTemplates(folder, Object.keys(describedAs));
  write("certificates.json", { certificates: describeCertificates(findings, folder, templates) });
  write("revocations.json", describeRevocations(findings, folder, templates));
  write("templates.json", {
    templates: templates.map(({ template, guid, origin, note, PK, KEK, db, dbx }) => ({
      name: template,
      id: guid,
      description: describedAs[template],
      owner: MICROSOFT_OWNER,
      sources: [{ kind: "published", origin: origin ?? note }],
      contents: PK === undefined ? null : { PK, KEK, db, dbx: dbx?.replace(/^dbx\/|\.txt$/g, "") },
    })),
  });
}

function write(name: string, content: object): void {
  const text = `${JSON.stringify(content, null, 1)}\n`;
  writeFileSync(new URL(name, dataFolder), text);
  process.stdout.write(`${name}: ${text.length} bytes\n`);
}

main();
