import { type ReleaseName, releaseNames } from "@signet/hyperv/schema";

/** What tells one Windows Server from another, as far as a client of WMI sees it. */
export interface Release {
  readonly name: ReleaseName;
  /** `Win32_OperatingSystem.Version`. */
  readonly version: string;
  readonly caption: string;
  /** The newest configuration version of machines, and all that can be made. */
  readonly configurationVersion: string;
  readonly configurationVersions: readonly string[];
  /** Whether machines have SecureBootTemplateId, and which templates the host lists. */
  readonly templates: readonly { readonly name: string; readonly id: string; readonly description: string }[];
  /** Whether curl.exe is part of the system (build 17063 and later). */
  readonly curl: boolean;
}

export const microsoftWindowsTemplate = "1734c6e8-3154-4dda-ba5f-a874cc483422";
export const microsoftUefiTemplate = "272e7447-90a4-4563-a4b9-8e4ab00526ce";

const templates = [
  { name: "MicrosoftWindows", id: microsoftWindowsTemplate, description: "Microsoft Windows" },
  { name: "MicrosoftUEFICertificateAuthority", id: microsoftUefiTemplate, description: "Microsoft UEFI Certificate Authority" },
] as const;

export const releases: Readonly<Record<string, Release>> = {
  "2012r2": { name: "2012r2", version: "6.3.9600", caption: "Microsoft Windows Server 2012 R2 Datacenter", configurationVersion: "5.0", configurationVersions: ["4.0", "5.0"], templates: [], curl: false },
  "2016": { name: "2016", version: "10.0.14393", caption: "Microsoft Windows Server 2016 Datacenter", configurationVersion: "8.0", configurationVersions: ["5.0", "6.2", "7.0", "7.1", "8.0"], templates, curl: false },
  "2019": { name: "2019", version: "10.0.17763", caption: "Microsoft Windows Server 2019 Datacenter", configurationVersion: "9.0", configurationVersions: ["5.0", "8.0", "8.1", "8.2", "8.3", "9.0"], templates, curl: true },
  "2022": { name: "2022", version: "10.0.20348", caption: "Microsoft Windows Server 2022 Datacenter", configurationVersion: "10.0", configurationVersions: ["8.0", "9.0", "9.1", "9.2", "9.3", "10.0"], templates, curl: true },
  "2025": { name: "2025", version: "10.0.26100", caption: "Microsoft Windows Server 2025 Datacenter", configurationVersion: "12.0", configurationVersions: ["8.0", "9.0", "10.0", "11.0", "12.0"], templates, curl: true },
};

/** @throws Error that lists the known ones */
export function releaseByName(name: string): Release {
  const release = Object.hasOwn(releases, name) ? releases[name] : undefined;
  if (!release) throw new Error(`The release "${name}" is not known. Choose one of ${releaseNames.filter((one) => Object.hasOwn(releases, one)).join(", ")}.`);
  return release;
}
