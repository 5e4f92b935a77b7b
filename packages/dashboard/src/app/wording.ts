const KIB = 1024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** "212 MiB", "1.5 GiB". */
export function formatSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? "B"}`;
}

/** Date and time in the reader's zone and manner. */
export function formatTime(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(iso));
}

export function formatDate(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date(iso));
}

const SPANS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 minutes ago"; "now" within ten seconds. */
export function formatAge(iso: string, nowMs: number = Date.now()): string {
  const seconds = (new Date(iso).getTime() - nowMs) / 1000;
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const span = SPANS.find(([, size]) => Math.abs(seconds) >= size);
  if (span !== undefined) return format.format(Math.trunc(seconds / span[1]), span[0]);
  return format.format(Math.abs(seconds) < 10 ? 0 : Math.trunc(seconds), "second");
}

/** The common name of a distinguished name, or all of it when it has none. */
export function commonName(subject: string): string {
  const found = /(?:^|[,\n]\s*)CN\s*=\s*(?:"([^"]+)"|((?:\\.|[^,\n\\])+))/i.exec(subject);
  return found?.[1] ?? found?.[2]?.replaceAll("\\", "").trim() ?? subject;
}

/** "1 machine", "2 machines". */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

export const RELEASES: Readonly<Record<string, string>> = {
  "2012r2": "Windows Server 2012 R2",
  "2016": "Windows Server 2016",
  "2019": "Windows Server 2019",
  "2022": "Windows Server 2022",
  "23h2": "Windows Server 23H2",
  "2025": "Windows Server 2025",
};

/** The release as its maker calls it. */
export function formatRelease(release: string | null): string {
  if (release === null || release === "unknown") return "release not known";
  return RELEASES[release] ?? release;
}

export const FAMILIES: Readonly<Record<string, string>> = { windows: "Windows", linux: "Linux", other: "other" };
export const FORMATS: Readonly<Record<string, string>> = { vhd: "VHD", vhdx: "VHDX", raw: "raw", qcow2: "QCOW2", iso: "ISO", vmdk: "VMDK", vdi: "VDI" };

export function formatDiskFormat(format: string | null): string {
  return format === null ? "not stated" : (FORMATS[format] ?? format);
}
