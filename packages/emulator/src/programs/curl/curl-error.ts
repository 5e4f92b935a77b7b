import { HttpError, type HttpProblem } from "../http/open-response.ts";

/** curl's numbers (curl.h, CURLcode), as far as they can happen here. */
export const curlCodes = {
  unsupportedProtocol: 1, usage: 2, malformedUrl: 3, hostNotFound: 6, cannotConnect: 7, weirdAnswer: 1, partialFile: 18, httpError: 22, writeError: 23, readError: 26, timedOut: 28,
  tooManyRedirects: 47, noAnswer: 52, receiveFailure: 56, tls: 35, untrusted: 60, badAuthorities: 77,
} as const;

/** Ends curl with its number, and with the text that `--show-error` shows. */
export class CurlError extends Error {
  override readonly name = "CurlError";
  readonly code: number;
  /** Whether `--retry` tries again. */
  readonly transient: boolean;

  constructor(kind: keyof typeof curlCodes, message: string, options: ErrorOptions & { readonly transient?: boolean } = {}) {
    super(message, options);
    this.code = curlCodes[kind];
    this.transient = options.transient ?? false;
  }
}

const kinds: Readonly<Record<HttpProblem, keyof typeof curlCodes>> = {
  "host-not-found": "hostNotFound", "cannot-connect": "cannotConnect", "timed-out": "timedOut", untrusted: "untrusted", reset: "receiveFailure", "cut-off": "partialFile", "no-answer": "noAnswer", "no-http": "weirdAnswer", tls: "tls",
};

export function asCurlError(error: HttpError, url: URL, startMs: number): CurlError {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const host = url.hostname.replaceAll(/[[\]]/g, "");
  const texts: Readonly<Record<HttpProblem, string>> = {
    "host-not-found": `Could not resolve host: ${host}`,
    "cannot-connect": `Failed to connect to ${host} port ${port} after ${Date.now() - startMs} ms: Couldn't connect to server`,
    "timed-out": `Connection timed out after ${Date.now() - startMs} milliseconds`,
    untrusted: "schannel: SEC_E_UNTRUSTED_ROOT (0x80090325) - The certificate chain was issued by an authority that is not trusted.",
    reset: "Recv failure: Connection was reset",
    "cut-off": "transfer closed with outstanding read data remaining",
    "no-answer": "Empty reply from server",
    "no-http": "Received HTTP/0.9 when not allowed",
    tls: `schannel: failed to receive handshake, SSL/TLS connection failed`,
  };
  return new CurlError(kinds[error.problem], texts[error.problem], { cause: error, transient: error.problem === "timed-out" || error.problem === "host-not-found" });
}
