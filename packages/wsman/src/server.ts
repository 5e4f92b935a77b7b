import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { isIP, type AddressInfo, type Socket } from "node:net";
import { envelopeBytesDefault } from "./envelope.ts";
import type { ShellPrograms, WsmanProvider } from "./provider.ts";
import { basicScheme, type AuthenticationScheme, type BasicCheck } from "./server/authentication.ts";
import { Dispatcher } from "./server/dispatch.ts";

export type { AuthenticationScheme, BasicCheck } from "./server/authentication.ts";

export interface WsmanServerOptions {
  readonly provider: WsmanProvider;
  readonly programs: ShellPrograms;
  readonly authenticateBasic: BasicCheck;
  readonly listen: { readonly host: string; readonly port: number };
  readonly computerName: string;
  /** PEM. Without it the server speaks plain HTTP, which takes passwords on loopback addresses only. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** WinRM's AllowUnencrypted: passwords over plain HTTP from anywhere. */
  readonly allowUnencrypted?: boolean;
  readonly enumerationTimeoutMs?: number;
  /** WinRM's MaxEnvelopeSizekb, in bytes: no answer is larger. */
  readonly envelopeBytesMax?: number;
  /** Told of failures that are bugs of ours; the caller is answered w:InternalError. */
  readonly onBug?: (error: unknown) => void;
}

export interface WsmanServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

// A request carries settings of a few KiB; WinRM's own limit is MaxEnvelopeSizekb, 500.
export const requestBytesMax = 1024 * 1024;
// WinRM's EnumerationTimeoutms.
const enumerationTimeoutDefaultMs = 60_000;
// Clients keep connections between polls of a second or two; one idle for longer than WinRM's MaxTimeoutms is abandoned.
const keepAliveTimeoutMs = 65_000;

export async function startWsmanServer(options: WsmanServerOptions): Promise<WsmanServer> {
  if (!options.tls && !options.allowUnencrypted && !isLoopback(options.listen.host)) {
    throw new Error(`listen.host ${options.listen.host} is not a loopback address, and passwords would cross the network in clear. Give tls, listen on 127.0.0.1, or set allowUnencrypted.`);
  }
  const dispatcher = new Dispatcher({
    provider: options.provider,
    programs: options.programs,
    computerName: options.computerName,
    enumerationTimeoutMs: options.enumerationTimeoutMs ?? enumerationTimeoutDefaultMs,
    envelopeBytesMax: options.envelopeBytesMax ?? envelopeBytesDefault,
    onBug: options.onBug ?? ((error) => console.error("wsman server:", error)),
  });
  const schemes = [basicScheme(options.authenticateBasic)];
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response, dispatcher, schemes).catch((error: unknown) => {
      // The client went away in the middle; there is nobody to tell.
      response.destroy(error as Error);
    });
  };
  const server: Server = options.tls ? createHttpsServer({ ...options.tls }, handler) : createHttpServer(handler);
  server.keepAliveTimeout = keepAliveTimeoutMs;
  const sockets = new Set<Socket>();
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = isIP(options.listen.host) === 6 ? `[${options.listen.host}]` : options.listen.host;
  return {
    url: `${options.tls ? "https" : "http"}://${host}:${port}/wsman`,
    port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      dispatcher.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

async function answer(request: IncomingMessage, response: ServerResponse, dispatcher: Dispatcher, schemes: readonly AuthenticationScheme[]): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  if (!/^\/wsman(-anon\/identify)?\/?(\?.*)?$/i.test(request.url ?? "")) return refuse(response, 404);
  if (request.method !== "POST") return refuse(response, 405, { Allow: "POST" });
  // The body is read before anything is refused, or the connection could not be used again.
  const body = await readBody(request);
  if (body === null) return refuse(response, 413, { Connection: "close" });
  const anonymous = String(request.headers.wsmanidentify ?? "").toLowerCase() === "unauthenticated";
  const user = anonymous ? null : await identifyCaller(request, schemes);
  if (user === undefined) return refuse(response, 401, { "WWW-Authenticate": schemes.map((scheme) => scheme.challenge) });
  const text = decode(body, request.headers["content-type"] ?? "");
  if (text === null) return refuse(response, 415);
  const soap = await dispatcher.answer(text, user, gone.signal);
  if (gone.signal.aborted) return;
  const bytes = Buffer.from(soap.text, "utf8");
  response.writeHead(soap.status, { "Content-Type": "application/soap+xml;charset=UTF-8", "Content-Length": bytes.length, Server: "Microsoft-HTTPAPI/2.0" });
  response.end(bytes);
}

async function identifyCaller(request: IncomingMessage, schemes: readonly AuthenticationScheme[]): Promise<string | undefined> {
  const authorization = request.headers.authorization;
  if (authorization === undefined) return undefined;
  for (const scheme of schemes) {
    const user = await scheme.authenticate(authorization, request.socket);
    if (user !== undefined) return user ?? undefined;
  }
  return undefined;
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string | string[]> = {}): void {
  response.writeHead(status, { "Content-Length": 0, Server: "Microsoft-HTTPAPI/2.0", ...headers });
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
