import { sectionContent, textUpToNul, viewOf } from "../pe/pe-image.ts";
import type { Program } from "../program.ts";

/** A program that GRUB would start, by its path from the root of a file system. */
export interface GrubTarget {
  readonly command: "linux" | "chainloader";
  readonly path: string;
}

const MODULES_MAGIC = 0x676d696d;
const MODULE_PREFIX = 3;
const MODULES_MAX = 1024;
/** Words after which the course of the script depends on what it finds at run time. */
const BRANCHING = /(^|[;{\s])(if|for|while|until|function|source|configfile|normal|insmod\s+blscfg|blscfg)(?=[\s;]|$)/m;

/** The folder in which GRUB looks for its configuration, as it was built in ("/EFI/debian"). Null when the binary does not say. */
export function grubPrefix(program: Program): string | null {
  const section = program.image === null ? null : sectionContent(program.image, "mods");
  if (section === null || section.length < 24) return null;
  const view = viewOf(section);
  if (view.getUint32(0, true) !== MODULES_MAGIC) return null;
  let offset = Number(view.getBigUint64(8, true));
  for (let count = 0; count < MODULES_MAX && offset + 8 <= section.length; count += 1) {
    const sizeBytes = view.getUint32(offset + 4, true);
    if (view.getUint32(offset, true) === MODULE_PREFIX) return textUpToNul(section.subarray(offset + 8, offset + sizeBytes));
    if (sizeBytes < 8) return null;
    offset += sizeBytes;
  }
  return null;
}

/**
 * What a simple grub.cfg starts: the first kernel or program at its top level or in its first menu entry. Null where the script branches,
 * reads other files or builds paths from variables, because then only GRUB itself can tell.
 */
export function simpleGrubTarget(config: string): GrubTarget | null {
  const lines = config.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  if (BRANCHING.test(lines.join("\n"))) return null;
  for (const line of lines) {
    const match = /^(linux|linuxefi|chainloader)\s+(\S+)/.exec(line);
    if (match === null) continue;
    const path = (match[2] ?? "").replace(/^\((\$root|[a-z0-9,]+)\)/, "").replace(/^\$root/, "");
    if (path.includes("$") || !path.startsWith("/")) return null;
    return { command: match[1] === "chainloader" ? "chainloader" : "linux", path };
  }
  return null;
}
