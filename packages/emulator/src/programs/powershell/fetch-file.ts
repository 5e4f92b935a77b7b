import { DrivePathError } from "../../drive/host-drive.ts";
import { DownloadFile, DownloadFileError } from "../http/download-file.ts";
import { bodyOf, HttpError, openResponse, type HttpProblem } from "../http/open-response.ts";
import { printLine, type ProgramContext } from "../program.ts";

// HttpWebRequest.MaximumAutomaticRedirections.
const redirectsMax = 50;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
// HttpWebRequest.Timeout, for the connection and the answer's head.
const connectTimeoutMs = 100_000;
const failedExitCode = 22;

const reasons: Readonly<Record<HttpProblem, string>> = {
  "host-not-found": "The remote name could not be resolved",
  "cannot-connect": "Unable to connect to the remote server",
  "timed-out": "The operation has timed out",
  untrusted: "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel.",
  reset: "The underlying connection was closed: An unexpected error occurred on a receive.",
  "cut-off": "The underlying connection was closed: The connection was closed unexpectedly.",
  "no-answer": "The underlying connection was closed: The connection was closed unexpectedly.",
  "no-http": "The server committed a protocol violation.",
  tls: "The request was aborted: Could not create SSL/TLS secure channel.",
};

/** What `fetchFileScript` does, with .NET's words for what goes wrong. */
export async function fetchFile(context: ProgramContext, values: Readonly<Record<string, string>>): Promise<number> {
  try {
    await download(context, values["url"] ?? "", values["path"] ?? "");
    return 0;
  } catch (error) {
    context.signal.throwIfAborted();
    await printLine(context.stderr, messageOf(error));
    return failedExitCode;
  }
}

class FetchError extends Error {
  override readonly name = "FetchError";
}

async function download(context: ProgramContext, address: string, path: string): Promise<void> {
  const { signal } = context;
  let url = parse(address);
  for (let redirects = 0; ; redirects++) {
    const response = await openResponse({ url, method: "GET", headers: {}, signal, connectTimeoutMs, acceptAnyCertificate: false, authorities: null });
    const status = response.statusCode ?? 0;
    const next = redirectStatuses.has(status) ? response.headers.location : undefined;
    if (next === undefined && status < 400) {
      // As in the script, the file is made once the answer's head is there.
      const target = await DownloadFile.create(context.host.drive, path);
      try {
        for await (const chunk of bodyOf(response, signal)) await target.write(chunk);
        return await target.finish();
      } finally {
        await target.close();
      }
    }
    response.destroy();
    if (next === undefined) throw new FetchError(`The remote server returned an error: (${status}) ${response.statusMessage ?? ""}.`);
    if (redirects >= redirectsMax) throw new FetchError("Too many automatic redirections were attempted.");
    url = parse(new URL(next, url).href);
  }
}

function parse(address: string): URL {
  if (!URL.canParse(address)) throw new FetchError("Invalid URI: The format of the URI could not be determined.");
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new FetchError("The URI prefix is not recognized.");
  return url;
}

function messageOf(error: unknown): string {
  if (error instanceof HttpError) return reasons[error.problem];
  if (error instanceof FetchError || error instanceof DownloadFileError || error instanceof DrivePathError) return error.message;
  throw error;
}
