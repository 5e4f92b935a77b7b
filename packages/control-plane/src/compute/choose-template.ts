import type { ImageReport, TrustVerdict } from "@signet/secure-boot";
import { listTemplates, templateById, templateByName } from "@signet/secure-boot/trust";
import type { TemplateGuid } from "../ids.ts";

export interface TemplateChoice {
  readonly id: TemplateGuid;
  readonly name: string;
}

/** The authority behind Windows loaders, and the one behind everybody else's. */
const WINDOWS = "MicrosoftWindows";
const OTHERS = "MicrosoftUEFICertificateAuthority";

/**
 * The template whose authority vouches for the loader: the one that the image names, else the one under which the loader boots,
 * else the one its family is signed for. `os_type` is not asked: it says what somebody believed, not what the loader is.
 */
export function chooseTemplate(report: ImageReport | null, signature: string | null): TemplateChoice {
  const named = findTemplate(signature);
  if (named !== null) return named;
  const usual = usualTemplate(report, signature);
  if (report === null || verdictOf(report, usual)?.outcome === "boots") return usual;
  return listTemplates().map(toChoice).find((template) => verdictOf(report, template)?.outcome === "boots") ?? usual;
}

/** A template by name or id, as `os_secure_boot_signature` may give it. */
export function findTemplate(nameOrId: string | null): TemplateChoice | null {
  const template = nameOrId === null ? undefined : (templateByName(nameOrId.trim()) ?? templateById(nameOrId.trim()));
  return template === undefined ? null : toChoice(template);
}

/** The name of a template id as hosts write it; null for one that we do not know. */
export function templateName(id: string | null): string | null {
  return id === null ? null : (templateById(id)?.name ?? null);
}

/** What was predicted for the image under the template; null when it was not judged under it. */
export function verdictOf(report: ImageReport | null, template: TemplateChoice): TrustVerdict | null {
  return report?.verdicts.find((verdict) => verdict.trust === template.name) ?? null;
}

// Without a judgement the blueprint's own rule remains: an image that speaks of its loader's signature is a Linux image.
function usualTemplate(report: ImageReport | null, signature: string | null): TemplateChoice {
  const isWindows = report === null ? signature === null : report.family === "windows";
  return toChoice(templateByName(isWindows ? WINDOWS : OTHERS)!);
}

const toChoice = ({ id, name }: { readonly id: string; readonly name: string }): TemplateChoice => ({ id: id as TemplateGuid, name });
