import type { DataSource } from "./certificate-data.ts";
import levelsFile from "./data/sbat-levels.json" with { type: "json" };

/** A published SBAT level: which generations of shim and GRUB a machine still starts (SBAT.md of shim). */
export interface SbatRelease {
  /** YYYYMMDDNN, by which levels are compared. */
  readonly date: string;
  /** `component,generation`, without the first row. */
  readonly rows: readonly string[];
  /** Which shims raise a machine to it by themselves; null for those that must be asked for. */
  readonly automaticIn: string | null;
}

/** Oldest first. */
export const sbatReleases: readonly SbatRelease[] = levelsFile.levels;
export const sbatSource: DataSource = levelsFile.source;

/** The text that the variable SbatLevel holds at that level. */
export function sbatLevelText({ date, rows }: SbatRelease): string {
  return `${[`sbat,1,${date}`, ...rows].join("\n")}\n`;
}

/** The newest level that is published. */
export function newestSbatRelease(): SbatRelease {
  const newest = sbatReleases.at(-1);
  if (newest === undefined) throw new RangeError("The trust data holds no SBAT level.");
  return newest;
}
