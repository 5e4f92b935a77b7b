import { open } from "node:fs/promises";
import { type ByteSource, detectFormat, DiskImageError } from "@signet/disk-image";
import type { ImageReport } from "@signet/secure-boot";
import { inspectImage } from "@signet/secure-boot/inspect";
import { listTemplates, trustByName } from "@signet/secure-boot/trust";
import { fileSource } from "./file-source.ts";
import { growingSource } from "./growing-source.ts";
import type { JudgeRequest } from "./judge-image.ts";
import { blankReport } from "./blank-report.ts";

/** The program of the judging process: one request as its argument, one report on its standard output. */
const request = JSON.parse(process.argv[2]!) as JudgeRequest;
const trusts = listTemplates().map(({ name }) => trustByName(name)!);

async function judge(source: ByteSource): Promise<ImageReport> {
  try {
    return await inspectImage(source, { file: request.file, declaredFormat: request.declaredFormat, trusts, firmware: "hyper-v" });
  } catch (error) {
    // Which format it is can still be known when what is inside cannot.
    const detected = await detectFormat(source).catch(() => "unknown");
    const isNoDisk = error instanceof DiskImageError;
    return blankReport({
      outcome: isNoDisk ? "unbootable" : "unknown",
      file: request.file, detected, declared: request.declaredFormat, sizeBytes: source.sizeBytes, trusts: trusts.map(({ name }) => name),
      reason: isNoDisk ? { code: error.code, text: error.message } : { code: "SIG-JUDGE-FAILED", text: `The image could not be judged: ${(error as Error).message}` },
    });
  }
}

const file = await open(request.path, "r");
const source = request.isGrowing === true ? growingSource(file, request.sizeBytes, process.stdin) : await fileSource(file);
process.stdout.write(JSON.stringify(await judge(source)));
await file.close();
// Progress that nobody waits for any more must not keep the process.
process.stdin.destroy();
