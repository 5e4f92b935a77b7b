import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { localAccountName } from "../auth/account-name.ts";
import { NtlmError } from "../auth/ntlm-error.ts";
import type { NtlmSession } from "../auth/ntlm-session.ts";
import { isSealedContentType, openMessage, type PlainMessage, sealedContentType, sealMessage } from "../auth/sealed-message.ts";
import type { Authenticator } from "./authentication.ts";
import type { Dispatcher } from "./dispatch.ts";

export interface ExchangeOptions {
  readonly dispatcher: Dispatcher;
  readonly authenticator: Authenticator;
  /** Whether messages of a connection that could seal them are taken unsealed: over TLS, or by WinRM's AllowUnencrypted. */
  readonly takesUnsealed: boolean;
}

// A request carries settings of a few KiB; WinRM's own limit is MaxEnvelopeSizekb, 500.
export const requestBytesMax = 1024 * 1024;
const soapContentType = "application/soap+xml;charset=UTF-8";

/** From one HTTP request to its answer: path, credentials, seal; what is in the envelope is the dispatcher's. */
export class HttpExchange {
  readonly #options: ExchangeOptions;
  /** The end of what each connection is at. Seals follow one another, so requests that were sent ahead wait for those before them. */
  readonly #turns = new WeakMap<Socket, Promise<void>>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** @throws whatever the dispatcher breaks the connection with */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const turn = (this.#turns.get(request.socket) ?? Promise.resolve()).then(() => this.#answer(request, response));
    this.#turns.set(request.socket, turn.catch(() => undefined));
    return turn;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Its turn came too late.
    if (response.closed) return;
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    if (!/^\/wsman(-anon\/identify)?\/?(\?.*)?$/i.test(request.url ?? "")) return refuse(response, 404);
    if (request.method !== "POST") return refuse(response, 405, { Allow: "POST" });
    // The body is read before anything is refused, or the connection could not be used again.
    const body = await readBody(request);
    if (body === null) return refuse(response, 413, { Connection: "close" });
    const { authorization, "content-type": contentType = "" } = request.headers;
    const isAnonymous = String(request.headers.wsmanidentify ?? "").toLowerCase() === "unauthenticated";
    if (isAnonymous) return this.#dispatch({ contentType, body }, null, null, response, gone.signal);
    const { authenticator, takesUnsealed } = this.#options;
    const step = await authenticator.identify(authorization, request.socket);
    if (step.kind === "challenged") return refuse(response, 401, { "WWW-Authenticate": step.answer });
    if (step.kind === "refused") return refuse(response, 401, { "WWW-Authenticate": [...authenticator.challenges] });
    if (step.answer !== null) response.setHeader("WWW-Authenticate", step.answer);
    // The last leg of a handshake may come before there is anything to say.
    if (step.lasts && body.length === 0) return refuse(response, 200);
    const { user, session } = step.caller;
    if (!isSealedContentType(contentType)) {
      // Real hosts say no more than this.
      if (session && !takesUnsealed) return refuse(response, 500);
      return this.#dispatch({ contentType, body }, user, null, response, gone.signal);
    }
    const message = session?.canSeal ? open(session, contentType, body) : null;
    // What follows on this connection could not be opened either.
    if (!message) return refuse(response, 400, { Connection: "close" });
    return this.#dispatch(message, user, session, response, gone.signal);
  }

  async #dispatch({ contentType, body }: PlainMessage, user: string | null, session: NtlmSession | null, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const text = decode(body, contentType);
    if (text === null) return refuse(response, 415);
    // One account under all the names that it may be called by: its shells are its own.
    const soap = await this.#options.dispatcher.answer(text, user === null ? null : localAccountName(user), signal);
    if (signal.aborted) return;
    const plain = Buffer.from(soap.text, "utf8");
    const bytes = session ? sealMessage(session, { contentType: soapContentType, body: plain }) : plain;
    response.writeHead(soap.status, { "Content-Type": session ? sealedContentType : soapContentType, "Content-Length": bytes.length, Server: serverName });
    response.end(bytes);
  }
}

const serverName = "Microsoft-HTTPAPI/2.0";

function open(session: NtlmSession, contentType: string, body: Buffer): PlainMessage | null {
  try {
    return openMessage(session, contentType, body);
  } catch (error) {
    if (error instanceof NtlmError) return null;
    throw error;
  }
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string | string[]> = {}): void {
  response.writeHead(status, { "Content-Length": 0, Server: serverName, ...headers });
  response.end();
}

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > requestBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** UTF-8, or UTF-16 by charset or byte-order mark; null for what is not SOAP 1.2 (MS-WSMV 2.2.1). */
function decode(body: Buffer, contentType: string): string | null {
  if (!/^application\/soap\+xml\b/i.test(contentType)) return null;
  const charset = /charset="?([\w-]+)"?/i.exec(contentType)?.[1]?.toLowerCase() ?? "utf-8";
  const mark = body.subarray(0, 2).toString("hex");
  // A mark tells the order of the bytes; UTF-16 without one is little-endian, as Windows writes it.
  if (mark === "feff" || (charset === "utf-16be" && mark !== "fffe")) return new TextDecoder("utf-16be").decode(body);
  return new TextDecoder(mark === "fffe" || charset.startsWith("utf-16") ? "utf-16le" : "utf-8").decode(body);
}
