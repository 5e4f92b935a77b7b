import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageReport } from "@signet/secure-boot";
import { listTemplates } from "@signet/secure-boot/trust";
import { blankReport } from "./blank-report.ts";

export interface JudgeRequest {
  readonly path: string;
  /** What people know the image by; stands in the report. */
  readonly file: string;
  readonly declaredFormat: string | null;
  readonly sizeBytes: number;
}

/** Looks at a file and says what firmware would say. Never rejects: what cannot be judged is unknown, with the reason. */
export type Judge = (request: JudgeRequest) => Promise<ImageReport>;

/** A verdict takes under 100 ms; whoever needs this long was built to. */
const TIMEOUT_MS = 20_000;
/** The judge reads at most 16 MiB of an image. */
const HEAP_MAX_MIB = 192;
/** A report of a long chain with many signatures has about 20 KiB. */
const OUTPUT_MAX = 4 * 1024 ** 2;

const isSource = import.meta.url.endsWith(".ts");
const program = fileURLToPath(new URL(isSource ? "./judge-program.ts" : "./judge-program.js", import.meta.url));
const packageFolder = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Judges in a process of its own that may read our programs and this one file, and nothing else: no writing, no network use that the
 * permission model knows of, no children, no threads. An image is whatever a stranger uploaded, and parsers are where strangers get in.
 */
export const judgeInProcess: Judge = async (request) => {
  const trusts = listTemplates().map(({ name }) => name);
  try {
    return JSON.parse(await runProgram(request)) as ImageReport;
  } catch (error) {
    return blankReport({
      outcome: "unknown",
      file: request.file, detected: "unknown", declared: request.declaredFormat, sizeBytes: request.sizeBytes, trusts,
      reason: { code: "SIG-JUDGE-FAILED", text: `The image could not be judged: ${(error as Error).message}.` },
    });
  }
};

function runProgram(request: JudgeRequest): Promise<string> {
  const readable = [dirname(packageFolder.replace(/\/$/, "")), join(dirname(dirname(packageFolder.replace(/\/$/, ""))), "node_modules"), request.path].filter((path) => existsSync(path));
  const options = ["--permission", ...readable.map((path) => `--allow-fs-read=${path}`), `--max-old-space-size=${HEAP_MAX_MIB}`, "--disable-warning=ExperimentalWarning", "--disable-warning=SecurityWarning"];
  return new Promise((settle, fail) => {
    const child = spawn(process.execPath, [...options, program, JSON.stringify(request)], { stdio: ["ignore", "pipe", "pipe"], env: {}, timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > OUTPUT_MAX) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint = (complaint + text).slice(-2000)));
    child.on("error", fail);
    child.on("close", (code, signal) => {
      if (code === 0) settle(output);
      else fail(new Error(signal === null ? `the judge ended with code ${code} (${lastLine(complaint)})` : `the judge was stopped after ${TIMEOUT_MS / 1000} s or ${OUTPUT_MAX} bytes of answer`));
    });
  });
}

function lastLine(text: string): string {
  return text.split("\n").find((line) => /Error/.test(line))?.trim() ?? "no reason given";
}
