import type { ChainStage, ImageReport, Reason, SignatureSummary, Stage, TrustVerdict } from "@signet/secure-boot";
import { plainStyle, type Style } from "./style.ts";

export interface RenderOptions {
  readonly style?: Style;
  /** What the file takes on this machine; null when that is not known. */
  readonly storedBytes?: number | null;
  readonly elapsedMs?: number;
}

const CODE_COLUMN_GAP = "  ";
const stageWords: Readonly<Record<Stage, string>> = { loader: "at the loader", second: "at the second stage", kernel: "at the kernel" };
const formatNames: Readonly<Record<string, string>> = { vhdx: "VHDX", vhd: "VHD", iso: "ISO", efi: "EFI program", qcow2: "qcow2", vmdk: "VMDK", vdi: "VDI" };
const partitioningNames: Readonly<Record<string, string>> = { gpt: "GPT", mbr: "MBR", "el-torito": "El Torito" };
const familyNames: Readonly<Record<string, string>> = { windows: "Windows", linux: "Linux" };

/** The whole answer about one image: what it is, its boot chain, the verdict under each trust. */
export function renderReport(report: ImageReport, options: RenderOptions = {}): string {
  const style = options.style ?? plainStyle;
  const parts = [`${style.strong(baseName(report.file))}  ${describeImage(report, options.storedBytes ?? null)}`, ""];
  if (report.chain.length > 0) parts.push(...renderChain(report.chain), "");
  parts.push(...renderVerdicts(report.verdicts, style));
  if (report.warnings.length > 0) parts.push("", ...report.warnings.map((warning) => `  ${style.open("note")}    ${warning.text}  [${warning.code}]`));
  parts.push("", style.quiet(`read ${formatSize(report.format.bytesRead)}${options.elapsedMs === undefined ? "" : ` in ${Math.max(1, Math.round(options.elapsedMs))} ms`}`));
  return `${parts.join("\n")}\n`;
}

/** One line for one of several files: its name and the outcome under each trust. */
export function renderLine(report: ImageReport, nameWidth: number, style: Style = plainStyle): string {
  const outcomes = report.verdicts.map(({ trust, outcome }) => `${trust} ${dressOutcome(outcome, style)}`);
  return `${baseName(report.file).padEnd(nameWidth)}  ${outcomes.join(" · ")}\n`;
}

function describeImage(report: ImageReport, storedBytes: number | null): string {
  const { format, layout, boot, family } = report;
  const name = [formatNames[format.detected] ?? format.detected, format.variant].filter((part) => part !== undefined).join(" ");
  const stored = storedBytes !== null && storedBytes < format.virtualSizeBytes ? ` (${formatSize(storedBytes)} stored)` : "";
  const filesystem = layout.filesystem?.toUpperCase() ?? null;
  return [
    `${name}, ${formatSize(format.virtualSizeBytes)}${stored}`,
    partitioningNames[layout.partitioning],
    filesystem === null ? undefined : layout.espIndex === null ? filesystem : `ESP on partition ${layout.espIndex}, ${filesystem}`,
    boot.generation === null ? undefined : `Generation ${boot.generation}`,
    familyNames[family],
  ].filter((part) => part !== undefined).join(" · ");
}

function renderChain(chain: readonly ChainStage[]): readonly string[] {
  const rows = chain.map((stage, index) => ({ path: `${index === 0 ? "" : `${"  ".repeat(index - 1)}└ `}${stage.path}`, product: stage.product ?? "", signed: describeSignatures(stage.signatures, index) }));
  const pathWidth = Math.max(...rows.map(({ path }) => path.length));
  const productWidth = Math.max(...rows.map(({ product }) => product.length));
  return rows.map(({ path, product, signed }) => `  ${path.padEnd(pathWidth)}   ${product.padEnd(productWidth)}   ${signed}`.trimEnd());
}

/** Firmware asks for the authority of a loader; behind shim the signer's own name says more. */
function describeSignatures(signatures: readonly SignatureSummary[], index: number): string {
  if (signatures.length === 0) return "not signed";
  const names = signatures.map(({ signer, authority }) => {
    const subject = index === 0 ? (authority?.subject ?? signer?.subject) : (signer?.subject ?? authority?.subject);
    return subject === undefined ? "unreadable signature" : shortName(subject);
  });
  return `signed: ${[...new Set(names)].join(" · ")}`;
}

/** The common name, without the words that every one of Microsoft's authorities begins with. */
function shortName(subject: string): string {
  const name = /(?:^|, )CN=(.*?)(?=, [A-Za-z0-9.]+=|$)/.exec(subject)?.[1] ?? subject;
  return name.replace(/^Microsoft Corporation /, "Microsoft ");
}

function renderVerdicts(verdicts: readonly TrustVerdict[], style: Style): readonly string[] {
  const trustWidth = Math.max(0, ...verdicts.map(({ trust }) => trust.length));
  return verdicts.flatMap((verdict) => [
    `  ${verdict.trust.padEnd(trustWidth)}   ${dressOutcome(verdict.outcome, style)}${" ".repeat(Math.max(0, 10 - verdict.outcome.length))}   ${describeVerdict(verdict)}`.trimEnd(),
    ...verdict.because.flatMap((reason, index) => hanging(index === 0 ? "why" : "", `${reason.text}${CODE_COLUMN_GAP}[${reason.code}]`, style)),
    ...verdict.remedies.flatMap((remedy, index) => hanging(index === 0 ? "remedy" : "", remedy.text, style)),
    ...(verdict.nextRevocation?.because ?? []).flatMap((reason, index) => hanging(index === 0 ? "then" : "", `${reason.text}${CODE_COLUMN_GAP}[${reason.code}]`, style)),
    ...(verdict.nextRevocation?.remedies ?? []).flatMap((remedy, index) => hanging(index === 0 ? "before" : "", remedy.text, style)),
  ]);
}

const TEXT_WIDTH_MAX = 110;

/** A label, then the text beside it, its further lines below its first. */
function hanging(label: string, text: string, style: Style): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= TEXT_WIDTH_MAX) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => `      ${style.quiet((index === 0 ? label : "").padEnd(8))}${line}`);
}

function describeVerdict({ outcome, firmwareMessage, stage, serviceable, survivesNextRevocation }: TrustVerdict): string {
  if (outcome === "boots") return [answer("serviceable", serviceable), answer("survives the next revocation", survivesNextRevocation)].filter((part) => part !== null).join("     ");
  const parts = [firmwareMessage === null || firmwareMessage === "" ? null : `firmware: ${firmwareMessage}`, stage === null ? null : stageWords[stage]];
  return parts.filter((part) => part !== null).join(", ");
}

const answer = (question: string, value: boolean | null): string | null => (value === null ? null : `${question}: ${value ? "yes" : "no"}`);

function dressOutcome(outcome: TrustVerdict["outcome"], style: Style): string {
  if (outcome === "boots") return style.good(outcome);
  return outcome === "unknown" ? style.open(outcome) : style.bad(outcome);
}

/** The reasons why an input is no disk at all. */
export function renderUnreadable(file: string, reason: Reason, style: Style = plainStyle): string {
  return `${style.strong(baseName(file))}  ${style.bad("cannot be read as a disk")}\n${hanging("why", `${reason.text}${CODE_COLUMN_GAP}[${reason.code}]`, style).join("\n")}\n`;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** A size in binary units, at most one digit behind the point. */
export function formatSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

const baseName = (path: string): string => path.replace(/^.*[/\\]/, "");
