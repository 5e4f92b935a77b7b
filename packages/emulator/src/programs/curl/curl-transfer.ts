import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { windowsFolderOf } from "../../drive/windows-path.ts";
import { DownloadFile, DownloadFileError } from "../http/download-file.ts";
import { bodyOf, HttpError, openResponse, type HttpRequest } from "../http/open-response.ts";
import { isNullDevice, pathOf, printLine, type ProgramContext } from "../program.ts";
import { asCurlError, CurlError } from "./curl-error.ts";
import type { CurlOptions } from "./curl-options.ts";
import { parseAddress } from "./parse-address.ts";

const retryDelayMaxMs = 600_000;
/** Answers that `--retry` tries again (curl's manual). */
const transientStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const speedCheckMs = 1000;

/** What `--write-out` can tell of a transfer. */
export interface TransferFacts {
  url: string;
  status: number;
  redirects: number;
  downloadedBytes: number;
  uploadedBytes: number;
}

/** One address into one place, with redirects and retries; an attempt that is the last one has none left in its options. `output` null is standard output. @throws CurlError, or the signal's reason */
export async function transfer(context: ProgramContext, options: CurlOptions, address: string, output: string | null, facts: TransferFacts): Promise<void> {
  const startMs = Date.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await attemptTransfer(context, attempt < options.retries ? options : { ...options, retries: 0 }, parseAddress(address, options.glob), output, facts);
    } catch (error) {
      if (!(error instanceof CurlError) || attempt >= options.retries || !isRetried(error, options)) throw error;
      const waitMs = retryAfterMs(error) ?? (options.retryDelayMs || Math.min(1000 * 2 ** attempt, retryDelayMaxMs));
      if (options.retryMaxTimeMs > 0 && Date.now() + waitMs - startMs > options.retryMaxTimeMs) throw error;
      if (!options.silent || options.showError) await printLine(context.stderr, `Warning: Problem: ${error.message}. Will retry in ${waitMs / 1000} seconds. ${options.retries - attempt} retries left.`);
      await sleep(waitMs, undefined, { signal: context.signal });
    }
  }
}

function isRetried(error: CurlError, options: CurlOptions): boolean {
  if (error.transient) return true;
  if (options.retryConnectionRefused && error.code === 7) return true;
  // Files of our own do not become writable by asking the server again.
  return options.retryAllErrors && error.code !== 23 && error.code !== 26;
}

async function attemptTransfer(context: ProgramContext, options: CurlOptions, first: URL, output: string | null, facts: TransferFacts): Promise<void> {
  const startMs = Date.now();
  // One signal for all that can end an attempt: the shell, --max-time, --speed-limit.
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  const timer = options.maxTimeMs > 0 ? setTimeout(() => ended.abort(), options.maxTimeMs) : undefined;
  Object.assign(facts, { status: 0, redirects: 0, downloadedBytes: 0, uploadedBytes: 0 });
  let url = first;
  let { method } = options;
  try {
    for (;;) {
      facts.url = url.href;
      const response = await openResponse(await requestFor(context, options, url, method, url.origin === first.origin, signal, facts));
      facts.status = response.statusCode ?? 0;
      const next = options.location && redirectStatuses.has(facts.status) ? response.headers.location : undefined;
      if (next === undefined) return await receive(context, options, response, output, facts, signal, ended);
      response.destroy();
      if (++facts.redirects > options.maxRedirects) throw new CurlError("tooManyRedirects", `Maximum (${options.maxRedirects}) redirects followed`);
      url = parseAddress(new URL(next, url).href, false);
      if (facts.status === 303) method = null;
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (ended.signal.aborted) throw ended.signal.reason instanceof CurlError ? ended.signal.reason : new CurlError("timedOut", `Operation timed out after ${Date.now() - startMs} milliseconds with ${facts.downloadedBytes} bytes received`, { transient: true });
    throw error instanceof HttpError ? asCurlError(error, url, startMs) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function requestFor(context: ProgramContext, options: CurlOptions, url: URL, method: string | null, sameOrigin: boolean, signal: AbortSignal, facts: TransferFacts): Promise<HttpRequest> {
  const headers: Record<string, string> = { "User-Agent": options.userAgent ?? "curl/8.9.1", Accept: "*/*" };
  const user = options.user ?? (url.username === "" ? null : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  // Names and passwords are for the server that was asked for, not for those that it points to.
  if (user !== null && (sameOrigin || options.user === null)) headers["Authorization"] = `Basic ${Buffer.from(user).toString("base64")}`;
  for (const header of options.headers) {
    const [, name = "", value = ""] = /^([^:;\s]+)\s*[:;]\s*(.*)$/.exec(header) ?? [];
    if (/[\r\n]/.test(header) || name === "") continue;
    if (sameOrigin || name.toLowerCase() !== "authorization") headers[name] = value;
  }
  const upload = options.uploadFile === null ? null : await context.host.drive.find(pathOf(context, options.uploadFile)).catch(() => null);
  if (options.uploadFile !== null && upload?.kind !== "file") throw new CurlError("readError", `Failed to open ${options.uploadFile}`);
  if (upload) {
    headers["Content-Length"] = String(upload.sizeBytes);
    facts.uploadedBytes = upload.sizeBytes;
  }
  return {
    url, headers, signal, method: method ?? (upload ? "PUT" : options.head ? "HEAD" : "GET"), connectTimeoutMs: options.connectTimeoutMs, acceptAnyCertificate: options.insecure,
    authorities: options.authorityFile === null ? null : await readAuthorities(context, options.authorityFile),
    // Sent as it was when its length was taken, should it grow meanwhile.
    ...(upload ? { body: createReadStream(upload.path, { end: Math.max(0, upload.sizeBytes - 1) }) } : {}),
  };
}

async function readAuthorities(context: ProgramContext, path: string): Promise<Buffer> {
  const found = await context.host.drive.find(pathOf(context, path)).catch(() => null);
  if (found?.kind !== "file") throw new CurlError("badAuthorities", `error setting certificate verify locations: CAfile: ${path}`);
  return readFile(found.path);
}

async function receive(context: ProgramContext, options: CurlOptions, response: IncomingMessage, output: string | null, facts: TransferFacts, signal: AbortSignal, ended: AbortController): Promise<void> {
  const status = facts.status;
  const refused = status >= 400 ? new CurlError("httpError", `The requested URL returned error: ${status}`, { transient: transientStatuses.has(status), cause: { retryAfter: response.headers["retry-after"] } }) : null;
  if (refused && (options.fail || (refused.transient && options.retries > 0))) {
    response.destroy();
    throw refused;
  }
  if (options.head) await context.stdout.write(Buffer.from(headText(response)));
  const target = output === null || options.head ? null : await openOutput(context, options, output);
  const watch = watchSpeed(options, facts, ended);
  try {
    for await (const chunk of bodyOf(response, signal)) {
      if (target) await target.write(chunk);
      else await context.stdout.write(chunk);
      facts.downloadedBytes += chunk.length;
    }
    if (!response.complete) throw new HttpError("cut-off", "The answer is not whole.");
    await target?.finish();
  } catch (error) {
    const missingBytes = Number(response.headers["content-length"]) - facts.downloadedBytes;
    if (error instanceof HttpError && error.problem === "cut-off" && missingBytes > 0) throw new CurlError("partialFile", `transfer closed with ${missingBytes} bytes remaining to read`, { cause: error });
    if (error instanceof DownloadFileError) throw new CurlError("writeError", "Failure writing output to destination", { cause: error });
    throw error;
  } finally {
    clearInterval(watch);
    response.destroy();
    await target?.close();
  }
}

/** Null for a place where everything is forgotten. */
async function openOutput(context: ProgramContext, options: CurlOptions, output: string): Promise<DownloadFile | { write(data: Uint8Array): Promise<void>; finish(): Promise<void>; close(): Promise<void> }> {
  if (isNullDevice(output)) return { write: async () => {}, finish: async () => {}, close: async () => {} };
  const path = pathOf(context, output);
  try {
    if (options.createFolders) await context.host.drive.makeFolder(windowsFolderOf(path));
    return await DownloadFile.create(context.host.drive, path);
  } catch (cause) {
    if (!options.silent || options.showError) await printLine(context.stderr, `Warning: Failed to open the file ${output}: ${(cause as Error).message}`);
    throw new CurlError("writeError", "Failure writing output to destination", { cause });
  }
}

function watchSpeed(options: CurlOptions, facts: TransferFacts, ended: AbortController): NodeJS.Timeout | undefined {
  if (options.speedLimitBytes === 0) return undefined;
  let [beforeBytes, slowSinceMs] = [0, Date.now()];
  return setInterval(() => {
    if (facts.downloadedBytes - beforeBytes >= options.speedLimitBytes) slowSinceMs = Date.now();
    beforeBytes = facts.downloadedBytes;
    if (Date.now() - slowSinceMs >= options.speedTimeMs) ended.abort(new CurlError("timedOut", `Operation too slow. Less than ${options.speedLimitBytes} bytes/sec transferred the last ${options.speedTimeMs / 1000} seconds`, { transient: true }));
  }, speedCheckMs);
}

function headText(response: IncomingMessage): string {
  const lines = [`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) lines.push(`${response.rawHeaders[index]}: ${response.rawHeaders[index + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** What a server's Retry-After asks for: seconds, or a date. */
function retryAfterMs(error: CurlError): number | null {
  const text = (error.cause as { retryAfter?: string } | undefined)?.retryAfter;
  if (text === undefined) return null;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(waitMs) && waitMs >= 0 ? Math.min(waitMs, retryDelayMaxMs) : null;
}
