import { commonName } from "../authenticode/distinguished-name.ts";
import { signerCertificates } from "../authenticode/signed-data.ts";
import { sectionContent, textUpToNul, viewOf } from "../pe/pe-image.ts";
import type { Program } from "../program.ts";
import type { GuestFamily } from "../report.ts";
import { parseSbat, type SbatRow } from "../shim/sbat.ts";
import { readShim } from "../shim/shim-program.ts";

/** What a program says it is. */
export interface Identity {
  readonly kind: "shim" | "grub" | "systemd-boot" | "linux" | "windows" | "other";
  /** For people: "shim 16.1, Debian". */
  readonly product: string | null;
  readonly family: GuestFamily;
}

/** Offsets of the Linux boot protocol (Documentation/arch/x86/boot.rst). */
const LINUX_MAGIC_OFFSET = 0x202;
const LINUX_VERSION_OFFSET = 0x20e;
const SETUP_BASE = 0x200;

export function identify(program: Program): Identity {
  const { image } = program;
  if (image === null) return { kind: "other", product: null, family: "other" };
  const rows = sbatRows(program) ?? [];
  const shim = readShim(program);
  if (shim !== null) return named("shim", `shim ${shim.version ?? ""}`, vendorOf(rows, "shim."));
  const linux = linuxVersion(program);
  if (linux !== null) return named("linux", `Linux ${linux}`, null);
  const loader = rows.find(({ component }) => component === "grub" || component === "systemd-boot");
  if (loader?.component === "grub" || sectionContent(image, "mods") !== null) return named("grub", `grub ${loader?.version ?? ""}`, vendorOf(rows, "grub."));
  const magic = sectionContent(image, ".sdmagic");
  const systemdVersion = loader?.version ?? (magic === null ? null : (/systemd-(?:boot|stub) ([0-9]+)/.exec(textUpToNul(magic))?.[1] ?? null));
  if (loader !== undefined || magic !== null) return named("systemd-boot", `systemd-boot ${systemdVersion ?? ""}`, vendorOf(rows, "systemd-boot."));
  const isWindows = program.signatures.some(({ data }) => data !== null && (signerCertificates(data) ?? []).some(({ subjectText }) => commonName(subjectText) === "Microsoft Windows"));
  if (isWindows) return { kind: "windows", product: "Windows boot manager", family: "windows" };
  const own = rows.find(({ component }) => component !== "sbat");
  return { kind: "other", product: own === undefined ? null : `${own.product} ${own.version}`, family: "other" };
}

function named(kind: Identity["kind"], text: string, vendor: string | null): Identity {
  return { kind, product: vendor === null ? text.trim() : `${text.trim()}, ${vendor}`, family: "linux" };
}

/** The program's SBAT rows; null where it has none or they are malformed. */
export function sbatRows(program: Program): readonly SbatRow[] | null {
  const section = program.image === null ? null : sectionContent(program.image, ".sbat");
  return section === null ? null : parseSbat(textUpToNul(section));
}

const vendorOf = (rows: readonly SbatRow[], prefix: string): string | null => rows.find(({ component }) => component.startsWith(prefix))?.vendor ?? null;

/** "6.1.0-41-amd64" out of a bzImage; null when the program is no kernel. */
function linuxVersion({ file }: Program): string | null {
  if (file.length < 0x260 || String.fromCharCode(...file.subarray(LINUX_MAGIC_OFFSET, LINUX_MAGIC_OFFSET + 4)) !== "HdrS") return null;
  const place = viewOf(file).getUint16(LINUX_VERSION_OFFSET, true) + SETUP_BASE;
  return textUpToNul(file.subarray(place, place + 64)).split(" ")[0] ?? "";
}
