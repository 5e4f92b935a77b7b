import type { Certificate } from "../authenticode/certificate.ts";
import type { CryptoCapabilities } from "../authenticode/chain.ts";
import type { BootCandidate, BootFile, FallbackStage, SecondStage } from "../inspect/boot-files.ts";
import type { LoadProblem } from "../pe/load-problem.ts";
import type { FirmwareRules } from "../quirks/firmware-rules.ts";
import type { Outcome, Reason, Stage } from "../report.ts";
import type { ShimProgram } from "../shim/shim-program.ts";
import { shimState } from "../shim/shim-state.ts";
import { verifyByShim, verifyShimItself } from "../shim/shim-verdict.ts";
import { type SecurityAnswer, verifyByFirmware } from "./firmware-verdict.ts";
import type { PreparedTrust } from "./trust-lists.ts";

/** What becomes of one boot file and of what it starts. */
export interface ChainVerdict {
  readonly outcome: Outcome;
  readonly stage: Stage | null;
  readonly message: string | null;
  readonly because: readonly Reason[];
  /** What in db vouched for the loader. */
  readonly anchor: Certificate | null;
}

export interface JudgeContext {
  readonly trust: PreparedTrust;
  readonly rules: FirmwareRules;
  readonly crypto: CryptoCapabilities;
}

const ACCESS_DENIED = "Access Denied";
const messages: Readonly<Record<LoadProblem["kind"], string>> = { unsupported: "Unsupported", "load-error": "Load Error", "start-error": "Unsupported", uncertain: "" };

/** Follows the boot of one candidate from firmware to the last stage that could be read. */
export function judgeCandidate(candidate: BootCandidate, context: JudgeContext): ChainVerdict {
  const loader = judgeByFirmware(candidate.loader, context);
  if (loader.outcome !== "boots" || candidate.shim === null) return loader;
  if (candidate.shimExtras.length > 0 && context.trust.trust.secureBootEnabled) {
    return { ...loader, outcome: "unknown", stage: "second", because: [{ code: "BP-SHIM-EXTRAS", text: `Beside shim lies ${candidate.shimExtras.join(", ")}, which changes what shim trusts when it runs.` }] };
  }
  const later = candidate.fallback === null ? judgeShim(candidate.shim, candidate.second, context) : judgeFallback(candidate.shim, candidate.fallback, context);
  return later === null ? loader : { ...later, anchor: loader.anchor };
}

function judgeByFirmware(file: BootFile, { trust, rules, crypto }: JudgeContext): ChainVerdict {
  const answer = verifyByFirmware(file.program, trust, rules, crypto);
  if (!answer.isAllowed) return refused("loader", ACCESS_DENIED, answer);
  const problem = file.program.image === null ? { kind: "unsupported" as const, text: file.program.headerProblem ?? "is not a program" } : file.program.loadProblem;
  if (problem === null) return { outcome: "boots", stage: null, message: null, because: [], anchor: answer.anchor };
  if (problem.kind === "uncertain") return { outcome: "unknown", stage: "loader", message: null, because: [{ code: "BP-DEPENDS-ON-MACHINE", text: `The loader ${problem.text}.` }], anchor: answer.anchor };
  return { outcome: "unbootable", stage: "loader", message: messages[problem.kind], because: [{ code: "BP-NOT-LOADABLE", text: `The loader ${problem.text}.` }], anchor: answer.anchor };
}

/** Null when everything behind shim goes through. */
function judgeShim(shim: ShimProgram, second: SecondStage | null, context: JudgeContext): ChainVerdict | null {
  const state = shimState(shim, context.trust);
  const itself = verifyShimItself(shim, state);
  if (!itself.isAllowed) return refused("loader", "SBAT self-check failed: Security Policy Violation", itself);
  if (second === null) return null;
  if (second.file === null) return { outcome: "unbootable", stage: "second", message: "Not Found", because: [{ code: "BP-SECOND-MISSING", text: `Shim starts ${second.path}, which does not exist.` }], anchor: null };
  const answer = verifyByShim(second.file.program, shim, state, context.trust, "second");
  if (!answer.isAllowed) return refused("second", shimMessage(answer), answer);
  const broken = judgeLoading(second.file, "second");
  if (broken !== null || second.kernel === null) return broken;
  const kernel = verifyByShim(second.kernel.program, shim, state, context.trust, "kernel");
  return kernel.isAllowed ? null : refused("kernel", "bad shim signature", kernel);
}

function judgeFallback(shim: ShimProgram, { file, target }: FallbackStage, context: JudgeContext): ChainVerdict | null {
  const state = shimState(shim, context.trust);
  const itself = verifyShimItself(shim, state);
  if (!itself.isAllowed) return refused("loader", "SBAT self-check failed: Security Policy Violation", itself);
  const answer = verifyByShim(file.program, shim, state, context.trust, "second");
  if (!answer.isAllowed) return refused("second", shimMessage(answer), answer);
  if (target === null) return { outcome: "unbootable", stage: "second", message: "Reset System", because: [{ code: "BP-FALLBACK-LOOP", text: `Shim starts ${file.path} instead of GRUB. It finds no BOOTX64.CSV that names a loader and resets the machine, each time again.` }], anchor: null };
  const started = judgeByFirmware(target, context);
  if (started.outcome !== "boots" || target.shim === null) return started.outcome === "boots" ? null : { ...started, stage: "second" };
  return judgeShim(target.shim, target.second, context);
}

function judgeLoading(file: BootFile, stage: Stage): ChainVerdict | null {
  const { image, headerProblem, loadProblem } = file.program;
  const text = image === null ? (headerProblem ?? "is not a program") : loadProblem?.kind === "uncertain" ? null : (loadProblem?.text ?? null);
  return text === null ? null : { outcome: "unbootable", stage, message: "Unsupported", because: [{ code: "BP-NOT-LOADABLE", text: `${file.path} ${text}.` }], anchor: null };
}

/** What a stage is called in a sentence. */
const stageNames: Readonly<Record<Stage, string>> = { loader: "the loader", second: "the second stage", kernel: "the kernel" };

function refused(stage: Stage, message: string, answer: SecurityAnswer): ChainVerdict {
  return { outcome: "refused", stage, message, because: answer.because.map(({ code, text }) => ({ code, text: nameStage(text, stage) })), anchor: null };
}

/** The judges of one program do not know which stage it is: their sentences leave its name open. */
function nameStage(text: string, stage: Stage): string {
  const name = stageNames[stage];
  const atStart = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return text.replace("{It}", atStart).replace("{Its}", `${atStart}'s`).replace("{it}", name).replace("{its}", `${name}'s`);
}

/** Shim's own words: structural problems are "Invalid Parameter", the rest "Security Violation". */
function shimMessage(answer: SecurityAnswer): string {
  const structural = ["SB-SHIM-TRAILING-BYTES", "SB-SHIM-TABLE", "SB-SBAT-MALFORMED"];
  return answer.because.some(({ code }) => structural.includes(code)) ? "Verification failed: Invalid Parameter" : "Verification failed: Security Violation";
}
