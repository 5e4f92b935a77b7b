import type { SignetHost, SignetImage, SignetImageVerdicts, SignetServer } from "@signet/control-plane/api-shapes";
import type { CertificateSummary, ChainStage, ImageReport, SignatureSummary, TrustVerdict } from "@signet/secure-boot";

/** A small cloud as the API would describe it: one image good, one tampered, one without data; servers in every standing. */
const LINUX = { templateId: "272e7447-90a4-4563-a4b9-8e4ab00526ce", templateName: "MicrosoftUEFICertificateAuthority" };
const WINDOWS = { templateId: "1734c6e8-3154-4dda-ba5f-a874cc483422", templateName: "MicrosoftWindows" };
const hex = (digit: string): string => digit.repeat(64);
const certificate = (subject: string, digit: string, notAfter: string): CertificateSummary => ({ subject, sha256: hex(digit), notAfter });

const signedUnder = (signer: CertificateSummary, authority: CertificateSummary): SignatureSummary => ({ digest: "sha256", signer, authority: { subject: authority.subject, sha256: authority.sha256 } });
const microsoft2011 = certificate("C=US, O=Microsoft Corporation, CN=Microsoft Corporation UEFI CA 2011", "a", "2026-06-27T21:32:45.000Z");
const microsoft2023 = certificate("C=US, O=Microsoft Corporation, CN=Microsoft UEFI CA 2023", "b", "2038-06-13T19:31:47.000Z");
const publisher2011 = certificate("C=US, O=Microsoft Corporation, CN=Microsoft Windows UEFI Driver Publisher", "c", "2026-06-17T18:18:33.000Z");
const publisher2023 = certificate("C=US, O=Microsoft Corporation, CN=Microsoft UEFI Driver Publisher 2023", "d", "2027-03-05T19:00:00.000Z");
const debianCa = certificate("CN=Debian Secure Boot CA", "e", "2046-08-09T18:09:18.000Z");
const debianSigner = certificate("CN=Debian Secure Boot Signer 2022 - grub2", "f", "2032-08-10T18:09:18.000Z");
const debianKernel = certificate("CN=Debian Secure Boot Signer 2022 - linux", "0", "2032-08-10T18:09:18.000Z");

const shim: ChainStage = {
  stage: "loader", path: "\\EFI\\BOOT\\BOOTX64.EFI", product: "shim 16.1, Debian", authenticode: { sha256: hex("1") }, sbat: { sbat: 1, shim: 4, "shim.debian": 1 },
  signatures: [signedUnder(publisher2011, microsoft2011), signedUnder(publisher2023, microsoft2023)],
};
const grub: ChainStage = { stage: "second", path: "\\EFI\\BOOT\\grubx64.efi", product: "grub 2.06, Debian", authenticode: { sha256: hex("2") }, sbat: { sbat: 1, grub: 5 }, signatures: [signedUnder(debianSigner, debianCa)] };
const kernel: ChainStage = { stage: "kernel", path: "\\vmlinuz", product: "Linux 6.1.0-41", authenticode: { sha256: hex("3") }, sbat: null, signatures: [signedUnder(debianKernel, debianCa)] };

const boots: TrustVerdict = {
  trust: LINUX.templateName, outcome: "boots", stage: null, firmwareMessage: null, because: [{ code: "SB-IN-DB", text: "The loader is signed under Microsoft Corporation UEFI CA 2011, which this template trusts." }],
  remedies: [], serviceable: true, survivesNextRevocation: true,
};
const windowsRefuses: TrustVerdict = {
  trust: WINDOWS.templateName, outcome: "refused", stage: "loader", firmwareMessage: "Access Denied",
  because: [{ code: "SB-NOT-IN-DB", text: "No signature of the loader leads to a certificate of this template." }],
  remedies: [{ code: "SB-CHOOSE-TEMPLATE", text: "Choose the template MicrosoftUEFICertificateAuthority (image property os_secure_boot_signature=MicrosoftUEFICertificateAuthority)." }],
  serviceable: false, survivesNextRevocation: false,
};
const tampered = (trust: string): TrustVerdict => ({
  trust, outcome: "refused", stage: "loader", firmwareMessage: "Access Denied", because: [{ code: "SB-DIGEST", text: "The loader's bytes are not those that were signed: its digest differs from the one in every signature." }],
  remedies: [{ code: "SB-REPLACE-LOADER", text: "Replace the loader by an unchanged one from the distribution's package shim-signed." }], serviceable: null, survivesNextRevocation: null,
});

const report = (file: string, verdicts: readonly TrustVerdict[]): ImageReport => ({
  file, format: { detected: "vhdx", declared: "vhd", virtualSizeBytes: 10 * 1024 ** 3, bytesRead: 1_992_294 }, layout: { partitioning: "gpt", espIndex: 1, filesystem: "fat32" },
  boot: { path: shim.path, architecture: "x64", generation: 2 }, chain: [shim, grub, kernel], verdicts, family: "linux",
  warnings: [{ code: "DI-DECLARED-FORMAT", text: "The image was declared vhd and is a VHDX; decisions use what was found." }],
});

const summaries = (verdicts: readonly TrustVerdict[]): SignetImage["verdicts"] => verdicts.map(({ trust, outcome, serviceable, survivesNextRevocation }) => ({ trust, outcome, serviceable, survivesNextRevocation }));
const GOOD = [boots, windowsRefuses];
const BAD = [tampered(LINUX.templateName), tampered(WINDOWS.templateName)];

const imageBase = { status: "active", sizeBytes: 222_298_112, declaredFormat: "vhd", detectedFormat: "vhdx", secureBoot: "required", machineType: "hyperv-gen2", family: "linux" } as const;

export const images: readonly SignetImage[] = [
  { ...imageBase, id: "0f3c2a11-9a51-4b0c-8f3e-1f6f3a2b7c01", name: "debian-secure", signature: { value: LINUX.templateName, source: "derived", contradiction: null }, verdicts: summaries(GOOD), createdAt: "2026-11-24T08:31:00Z" },
  {
    ...imageBase, id: "5b1d7e42-3c66-4d27-a0a9-7e21c4d9b102", name: "debian-tampered", verdicts: summaries(BAD), createdAt: "2026-11-24T08:35:00Z",
    signature: { value: LINUX.templateName, source: "stated", contradiction: "os_secure_boot_signature names the template MicrosoftUEFICertificateAuthority, but the loader is not signed." },
  },
  { ...imageBase, id: "c97a0e53-55b2-4f0d-b5c8-2d4e9f01a203", name: "empty", status: "queued", sizeBytes: null, detectedFormat: null, secureBoot: "disabled", signature: null, machineType: null, family: null, verdicts: [], createdAt: "2026-11-24T08:40:00Z" },
];

export const verdicts: Readonly<Record<string, SignetImageVerdicts>> = {
  [images[0]?.id ?? ""]: { imageId: images[0]?.id ?? "", judgedAt: "2026-11-24T08:31:02Z", report: report("debian-secure", GOOD) },
  [images[1]?.id ?? ""]: { imageId: images[1]?.id ?? "", judgedAt: "2026-11-24T08:35:02Z", report: report("debian-tampered", BAD) },
  [images[2]?.id ?? ""]: { imageId: images[2]?.id ?? "", judgedAt: null, report: null },
};

const readAt = "2026-11-24T09:12:40Z";
const on = { secureBootEnabled: true, ...LINUX, generation: 2 } as const;
const off = { secureBootEnabled: false, templateId: null, templateName: null, generation: 2 } as const;
const accepted = { outcome: "accepted", line: "BdsDxe: starting Boot0001 \"UEFI Hyper-V Virtual Disk\"", heartbeat: "ok", observedAt: "2026-11-24T09:12:31Z" } as const;

function server(index: number, name: string, differing: Partial<SignetServer>): SignetServer {
  return {
    id: `7d0000${index}0-1111-4222-8333-44445555666${index}`, name, status: "ACTIVE", taskState: null, projectId: "9e2b7c1f4d3a4f5e8b6a1c2d3e4f5a6b", hostName: "hv1", machineGuid: `A1B2C3D${index}-0000-4000-8000-0123456789AB`,
    image: { id: images[0]?.id ?? "", name: "debian-secure" }, flavorName: "m1.small",
    policy: {
      profile: "blueprint", decision: "on", rule: "The image requires Secure Boot, so the machine has it whatever the flavor says.",
      asked: [{ source: "image property", name: "os_secure_boot", value: "required" }, { source: "flavor extra spec", name: "os:secure_boot", value: null }],
    },
    desired: on, actual: { ...on, powerState: "running", readAt }, matches: true, drift: [], standing: "enforced",
    prediction: { trust: LINUX.templateName, outcome: "boots", because: boots.because, forcedBy: null }, firmware: accepted, fault: null,
    timeline: [
      { at: "2026-11-24T09:12:01Z", event: "decided", text: "Secure Boot on, template MicrosoftUEFICertificateAuthority, on host hv1." },
      { at: "2026-11-24T09:12:20Z", event: "defined", text: "The machine was defined with Secure Boot on and its template, in one call." },
      { at: readAt, event: "read back", text: "The host says what was asked for." },
    ],
    ...differing,
  };
}

const refusedFault = "The image debian-tampered is predicted as refused under MicrosoftUEFICertificateAuthority: its loader's bytes are not those that were signed.";

export const servers: readonly SignetServer[] = [
  server(1, "web-1", {}),
  server(2, "web-2", { actual: { ...on, secureBootEnabled: false, powerState: "running", readAt }, matches: false, drift: ["Secure Boot shall be on and is off."], standing: "drift" }),
  server(3, "forced", {
    standing: "refused",
    image: { id: images[1]?.id ?? "", name: "debian-tampered" }, prediction: { trust: LINUX.templateName, outcome: "refused", because: tampered("").because, forcedBy: "admin" },
    firmware: { outcome: "refused", line: "BdsDxe: failed to load Boot0001 \"UEFI Hyper-V Virtual Disk\": Access Denied", heartbeat: "none", observedAt: "2026-11-24T09:14:05Z" },
  }),
  server(4, "starting", { status: "BUILD", taskState: "spawning", actual: null, matches: null, drift: null, standing: "no-machine", firmware: null, machineGuid: null, timeline: [] }),
  server(5, "plain", { standing: "off", desired: off, actual: { ...off, powerState: "off", readAt }, policy: { profile: "blueprint", asked: [], decision: "off", rule: "Nobody asked for Secure Boot." }, prediction: null, firmware: null, status: "SHUTOFF" }),
  server(6, "tampered", {
    status: "ERROR", hostName: null, machineGuid: null, actual: null, matches: null, drift: null, standing: "no-machine", firmware: null, image: { id: images[1]?.id ?? "", name: "debian-tampered" },
    prediction: { trust: LINUX.templateName, outcome: "refused", because: tampered("").because, forcedBy: null },
    fault: { code: "SIG-PREDICTED-REFUSED", message: refusedFault, remedy: "Upload an image whose loader is unchanged." },
  }),
];

const hostBase = { enabled: true, reason: null, cpuCount: 16, memoryBytes: 64 * 1024 ** 3, diskBytes: 2 * 1024 ** 4, diskClaimedBytes: 180 * 1024 ** 3 } as const;
const template = ({ templateId, templateName }: typeof LINUX): SignetHost["templates"][number] => ({ id: templateId, name: templateName });

export const hosts: readonly SignetHost[] = [
  { ...hostBase, id: "b0000001-0000-4000-8000-000000000001", name: "hv1", state: "up", release: "2022", osVersion: "10.0.20348", templates: [WINDOWS, LINUX].map(template), families: ["windows", "linux"], memoryClaimedBytes: 20 * 1024 ** 3, lastSeenAt: "2026-11-24T09:14:30Z" },
  { ...hostBase, id: "b0000002-0000-4000-8000-000000000002", name: "hv2", state: "down", reason: "connection refused at 192.0.2.12:5985", release: "2012r2", osVersion: "6.3.9600", templates: [], families: ["windows"], memoryClaimedBytes: 0, lastSeenAt: null },
];
