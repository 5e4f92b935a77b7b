import { basename } from "node:path/posix";
import { printLine, type Program, type ProgramContext } from "../program.ts";
import { splitArguments } from "../windows-arguments.ts";
import { CurlError } from "./curl-error.ts";
import { parseCurlOptions, type CurlOptions } from "./curl-options.ts";
import { transfer, type TransferFacts } from "./curl-transfer.ts";

/** curl.exe, as far as files are fetched and sent with it: HTTP and HTTPS, streamed to and from the host's drive. */
export const curl: Program = async (context, tail) => {
  let options: CurlOptions;
  try {
    options = parseCurlOptions(splitArguments(tail));
    if (options.version) {
      await printLine(context.stdout, "curl 8.9.1 (Windows) libcurl/8.9.1 Schannel");
      await printLine(context.stdout, "Protocols: http https");
      return 0;
    }
    if (options.urls.length === 0) throw new CurlError("usage", "no URL specified");
  } catch (error) {
    if (!(error instanceof CurlError)) throw error;
    await printLine(context.stderr, `curl: ${error.message}`);
    await printLine(context.stderr, "curl: try 'curl --help' for more information");
    return error.code;
  }
  let exitCode = 0;
  for (const [index, address] of options.urls.entries()) exitCode = await one(context, options, address, index);
  return exitCode;
};

async function one(context: ProgramContext, options: CurlOptions, address: string, index: number): Promise<number> {
  const facts: TransferFacts = { url: address, status: 0, redirects: 0, downloadedBytes: 0, uploadedBytes: 0 };
  try {
    await transfer(context, options, address, outputOf(options, address, index), facts);
    return 0;
  } catch (error) {
    if (!(error instanceof CurlError)) throw error;
    if (!options.silent || options.showError) await printLine(context.stderr, `curl: (${error.code}) ${error.message}`);
    return error.code;
  } finally {
    if (options.writeOut !== "") await context.stdout.write(Buffer.from(writeOut(options.writeOut, facts)));
  }
}

function outputOf(options: CurlOptions, address: string, index: number): string | null {
  const output = options.outputs[index];
  if (!output || (output.kind === "file" && output.path === "-")) return null;
  if (output.kind === "file") return output.path;
  const name = basename(address.replace(/[?#].*$/, "").replace(/^\w+:\/\/[^/]*/, ""));
  if (name === "") throw new CurlError("writeError", "Remote file name has no length");
  return name;
}

function writeOut(format: string, facts: TransferFacts): string {
  const values: Readonly<Record<string, string | number>> = { http_code: String(facts.status).padStart(3, "0"), response_code: String(facts.status).padStart(3, "0"), size_download: facts.downloadedBytes, size_upload: facts.uploadedBytes, url_effective: facts.url, num_redirects: facts.redirects };
  const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
  return format.replaceAll(/%\{(\w+)\}|\\([nrt])|%%/g, (match, name?: string, escape?: string) => (name !== undefined ? String(values[name] ?? "") : escape !== undefined ? escapes[escape] ?? match : "%"));
}
