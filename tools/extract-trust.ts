/**
 * Makes packages/secure-boot/src/trust/data/*.json: the certificates, revocation lists and templates that the product carries.
 *
 *   node tools/extract-trust.ts --package NAME=VERSION=FOLDER … --published FOLDER
 *
 * FOLDER is where the Debian package was unpacked with `dpkg-deb -x` (`/` for an installed one). Certificates and hashes are read out of
 * enrolled variable stores and out of the signatures of shim. What no package holds (which certificates make up a template, Hyper-V's
 * platform key) is a published fact: `--published` is a folder with `certs.json`, `certs/*.der`, `dbx/*.txt` and `templates/*.json`,
 * in which every file names its origin. A certificate found both ways must be the same, byte for byte.
 */
import { X509Certificate, createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { walkSignatureLists } from "@signet/secure-boot/signature-lists";
import { readTrustVariables } from "./trust-variable-store.ts";

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
  for (const { name, data } of readTrustVariables(file)) {
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

function describeRevocations(findings: Findings, folder: string, templates: readonly PublishedTemplate[]): object[] {
  const packaged = findings.revocations.filter(({ hashes }) => hashes.length > 1).map(({ source, hashes }) => ({ id: "microsoft-2026-06-10", entries: hashes.length, sources: [source], hashes }));
  const files = new Set(templates.flatMap(({ dbx }) => (dbx === undefined ? [] : [dbx])));
  const published = [...files].map((file) => {
    const hashes = readFileSync(join(folder, file), "utf8").trim().split("\n");
    const origin = templates.find(({ dbx }) => dbx === file)?.origin;
    return { id: file.replace(/^dbx\/|\.txt$/g, ""), entries: hashes.length, sources: [{ kind: "published", origin }], hashes };
  });
  return [...published, ...packaged];
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
  write("revocations.json", { lists: describeRevocations(findings, folder, templates) });
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
