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
  /** Of the whole file, also while it grows. */
  readonly sizeBytes: number;
  /** The file is still being received, and its progress is told on the judge's standard input. */
  readonly isGrowing?: boolean;
}

/** A judge at work on a file that is still being received. */
export interface EarlyJudge {
  /** So many bytes from the beginning are there. */
  progress(receivedBytes: number): void;
  /** The file is whole. Rejects when the judge failed; then the file is judged once more, as a whole. */
  report(): Promise<ImageReport>;
  /** Nobody wants the answer any more. */
  abandon(): void;
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

/** Begins to judge while the bytes come in, so that the verdict is there when the last of them is. */
export function judgeEarly(request: Omit<JudgeRequest, "isGrowing">): EarlyJudge {
  const running = startProgram({ ...request, isGrowing: true });
  // Nobody may be waiting when it fails.
  running.output.catch(() => {});
  let lastToldBytes = 0;
  return {
    progress(receivedBytes) {
      if (receivedBytes <= lastToldBytes) return;
      lastToldBytes = receivedBytes;
      running.tell(`${receivedBytes}\n`);
    },
    async report() {
      running.limit();
      running.tell(`${request.sizeBytes}\n`);
      return JSON.parse(await running.output) as ImageReport;
    },
    abandon: () => running.kill(),
  };
}

function runProgram(request: JudgeRequest): Promise<string> {
  const running = startProgram(request);
  running.limit();
  return running.output;
}

interface RunningJudge {
  readonly output: Promise<string>;
  tell(line: string): void;
  /** From now on it has `TIMEOUT_MS`. */
  limit(): void;
  kill(): void;
}

function startProgram(request: JudgeRequest): RunningJudge {
  const readable = [dirname(packageFolder.replace(/\/$/, "")), join(dirname(dirname(packageFolder.replace(/\/$/, ""))), "node_modules"), request.path].filter((path) => existsSync(path));
  const options = ["--permission", ...readable.map((path) => `--allow-fs-read=${path}`), `--max-old-space-size=${HEAP_MAX_MIB}`, "--disable-warning=ExperimentalWarning", "--disable-warning=SecurityWarning"];
  const child = spawn(process.execPath, [...options, program, JSON.stringify(request)], { stdio: ["pipe", "pipe", "pipe"], env: {} });
  child.stdin.on("error", () => { /* It has its answer, and reads no progress any more. */ });
  if (request.isGrowing !== true) child.stdin.end();
  let timer: NodeJS.Timeout | undefined;
  const output = new Promise<string>((settle, fail) => {
    let answer = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
      if (answer.length > OUTPUT_MAX) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint = (complaint + text).slice(-2000)));
    child.on("error", fail);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) settle(answer);
      else fail(new Error(signal === null ? `the judge ended with code ${code} (${lastLine(complaint)})` : `the judge was stopped after ${TIMEOUT_MS / 1000} s or ${OUTPUT_MAX} bytes of answer`));
    });
  });
  return {
    output,
    tell: (line) => child.stdin.write(line),
    limit: () => {
      if (child.exitCode === null) timer ??= setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    },
    kill: () => child.kill("SIGKILL"),
  };
}

function lastLine(text: string): string {
  return text.split("\n").find((line) => /Error/.test(line))?.trim() ?? "no reason given";
}
