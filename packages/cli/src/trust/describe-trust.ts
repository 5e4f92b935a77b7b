import { createHash, X509Certificate } from "node:crypto";
import { walkSignatureLists } from "@signet/secure-boot/signature-lists";
import { certificateBySha256, revocationOf, templateByName, type Trust, trustVariableNames } from "@signet/secure-boot/trust";

/** One entry of a variable, as people and programs may compare it. */
export interface TrustEntry {
  readonly variable: string;
  /** "x509", "sha256", "x509_sha256" …, or "other" for what firmware walks over. */
  readonly kind: string;
  /** SHA-256 of a certificate, or the hash itself: lower-case hex. */
  readonly value: string;
  /** Subject of a certificate, product of a known revocation; null where nothing is known. */
  readonly name: string | null;
  /** End of a certificate's time, or the day on which a program was listed. */
  readonly date: string | null;
}

/** The document of `signet trust show --json`. */
export interface TrustDescription {
  readonly name: string;
  readonly id: string | null;
  readonly secureBootEnabled: boolean;
  readonly contentsKnown: boolean;
  readonly entries: readonly TrustEntry[];
  readonly shimVariables: Readonly<Record<string, string>>;
  /** Bytes at the end of a variable that firmware never reaches, by variable. */
  readonly unreachedBytes: Readonly<Record<string, number>>;
  readonly sources: readonly string[];
}

export function describeTrust(trust: Trust): TrustDescription {
  const template = templateByName(trust.name.split("@")[0] ?? "");
  const walked = trustVariableNames.flatMap((variable) => {
    const data = trust.variables[variable];
    return data === null ? [] : [{ variable, walk: walkSignatureLists(data) }];
  });
  return {
    name: trust.name,
    id: template?.id ?? null,
    secureBootEnabled: trust.secureBootEnabled,
    contentsKnown: trust.contentsKnown,
    entries: [
      ...walked.flatMap(({ variable, walk }) => walk.lists.flatMap(({ kind, entries }) => entries.map(({ data }) => describeEntry(variable, kind, data)))),
      ...(["db", "dbx"] as const).flatMap((variable) => trust.thumbprints[variable].map((value): TrustEntry => ({ variable, kind: "x509 by thumbprint", value, name: null, date: null }))),
    ],
    shimVariables: Object.fromEntries(Object.entries(trust.shimVariables).map(([name, { data }]) => [name, name.startsWith("Sbat") ? Buffer.from(data).toString("latin1").replace(/\0+$/, "") : Buffer.from(data).toString("base64")])),
    unreachedBytes: Object.fromEntries(walked.filter(({ walk }) => walk.unreachedBytes > 0).map(({ variable, walk }) => [variable, walk.unreachedBytes])),
    sources: (template?.provenance ?? []).map(({ origin, package: name, version, file }) => origin ?? `${name ?? ""} ${version ?? ""} ${file ?? ""}`.trim()),
  };
}

function describeEntry(variable: string, kind: string, data: Uint8Array): TrustEntry {
  const hex = Buffer.from(data).toString("hex");
  if (kind === "x509") {
    const value = createHash("sha256").update(data).digest("hex");
    return { variable, kind, value, ...describeCertificate(data, value) };
  }
  const known = kind === "sha256" ? revocationOf(hex) : undefined;
  return { variable, kind, value: hex, name: known?.product ?? null, date: known?.addedOn ?? null };
}

function describeCertificate(der: Uint8Array, sha256: string): { name: string | null; date: string | null } {
  const known = certificateBySha256(sha256);
  if (known !== undefined) return { name: known.subject, date: known.notAfter };
  try {
    const parsed = new X509Certificate(der);
    return { name: parsed.subject.split("\n").toReversed().join(", "), date: new Date(parsed.validTo).toISOString() };
  } catch {
    return { name: null, date: null };
  }
}
