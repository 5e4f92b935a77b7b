import type { ImageReport, TrustVerdict } from "@signet/secure-boot";
import type { TemplateGuid } from "../ids.ts";

export interface KnownTemplate {
  readonly id: TemplateGuid;
  readonly name: string;
}

/** Hyper-V's Secure Boot templates. Names and ids are the same on every host. */
export const knownTemplates = {
  windows: { id: "1734c6e8-3154-4dda-ba5f-a874cc483422" as TemplateGuid, name: "MicrosoftWindows" },
  uefi: { id: "272e7447-90a4-4563-a4b9-8e4ab00526ce" as TemplateGuid, name: "MicrosoftUEFICertificateAuthority" },
  shielded: { id: "4292ae2b-ee2c-42b5-a969-dd8f8689f6f3" as TemplateGuid, name: "OpenSourceShieldedVM" },
} as const satisfies Record<string, KnownTemplate>;

const all: readonly KnownTemplate[] = Object.values(knownTemplates);

/**
 * The template whose authority vouches for the loader: the one that the image names, else the one under which the loader boots,
 * else the one its family is signed for. `os_type` is not asked: it says what somebody believed, not what the loader is.
 */
export function chooseTemplate(report: ImageReport | null, signature: string | null): KnownTemplate {
  const named = findTemplate(signature);
  if (named !== null) return named;
  const usual = usualTemplate(report, signature);
  if (report === null || verdictOf(report, usual)?.outcome === "boots") return usual;
  return all.find((template) => verdictOf(report, template)?.outcome === "boots") ?? usual;
}

/** A template by name or id, as `os_secure_boot_signature` may give it. */
export function findTemplate(nameOrId: string | null): KnownTemplate | null {
  if (nameOrId === null) return null;
  const wanted = nameOrId.trim().toLowerCase().replace(/^\{(.*)\}$/, "$1");
  return all.find((template) => template.name.toLowerCase() === wanted || template.id === wanted) ?? null;
}

/** The name of a template id as hosts write it; null for one that we do not know. */
export function templateName(id: string | null): string | null {
  return id === null ? null : (findTemplate(id)?.name ?? null);
}

/** What was predicted for the image under the template; null when it was not judged under it. */
export function verdictOf(report: ImageReport | null, template: KnownTemplate): TrustVerdict | null {
  return report?.verdicts.find((verdict) => verdict.trust === template.name) ?? null;
}

// Without a judgement the blueprint's own rule remains: an image that speaks of its loader's signature is a Linux image.
function usualTemplate(report: ImageReport | null, signature: string | null): KnownTemplate {
  if (report !== null) return report.family === "windows" ? knownTemplates.windows : knownTemplates.uefi;
  return signature === null ? knownTemplates.windows : knownTemplates.uefi;
}
