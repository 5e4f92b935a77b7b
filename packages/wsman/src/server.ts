import { X509Certificate } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { isIP, type AddressInfo, type Socket } from "node:net";
import { certificateScheme, type UserOfCertificate } from "./auth/certificate-scheme.ts";
import { channelBinding } from "./auth/channel-binding.ts";
import { isLoopback } from "./auth/loopback.ts";
import { negotiateScheme } from "./auth/negotiate-scheme.ts";
import type { CbtHardeningLevel, SecretOf } from "./auth/ntlm-acceptor.ts";
import type { OsVersion } from "./auth/ntlm-messages.ts";
import { envelopeBytesDefault } from "./envelope.ts";
import type { ShellPrograms, WsmanProvider } from "./provider.ts";
import { type AuthenticationScheme, Authenticator, basicScheme, type BasicCheck } from "./server/authentication.ts";
import { Dispatcher } from "./server/dispatch.ts";
import { HttpExchange } from "./server/http-exchange.ts";

export { localAccountName } from "./auth/account-name.ts";
export { principalNameOf, type UserOfCertificate } from "./auth/certificate-scheme.ts";
export { isLoopback } from "./auth/loopback.ts";
export type { CbtHardeningLevel, SecretOf } from "./auth/ntlm-acceptor.ts";
export type { BasicCheck } from "./server/authentication.ts";
export { requestBytesMax } from "./server/http-exchange.ts";

export interface WsmanServerOptions {
  readonly provider: WsmanProvider;
  readonly programs: ShellPrograms;
  /** Who may come in with user and password in clear; absent means that Basic is not offered. */
  readonly authenticateBasic?: BasicCheck;
  /** NTLMv2, with sealed messages over plain HTTP; absent means that Negotiate is not offered. */
  readonly negotiate?: {
    readonly secretOf: SecretOf;
    /** "relaxed" by default, as WinRM's. */
    readonly cbtHardeningLevel?: CbtHardeningLevel;
  };
  /** Client certificates, over TLS: who signs them (PEM) and whose they are. */
  readonly certificates?: { readonly authority: string | Buffer; readonly userOf: UserOfCertificate };
  readonly listen: { readonly host: string; readonly port: number };
  readonly computerName: string;
  /** PEM. Without it the server speaks plain HTTP, which takes passwords on loopback addresses only. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** WinRM's AllowUnencrypted: passwords and unsealed messages over plain HTTP from anywhere. */
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

// WinRM's EnumerationTimeoutms.
const enumerationTimeoutDefaultMs = 60_000;
// Clients keep connections between polls of a second or two; one idle for longer than WinRM's MaxTimeoutms is abandoned.
const keepAliveTimeoutMs = 65_000;

/** @throws Error for options that contradict one another, or a port that cannot be had */
export async function startWsmanServer(options: WsmanServerOptions): Promise<WsmanServer> {
  checkOptions(options);
  const dispatcher = new Dispatcher({
    provider: options.provider,
    programs: options.programs,
    computerName: options.computerName,
    enumerationTimeoutMs: options.enumerationTimeoutMs ?? enumerationTimeoutDefaultMs,
    envelopeBytesMax: options.envelopeBytesMax ?? envelopeBytesDefault,
    onBug: options.onBug ?? ((error) => console.error("wsman server:", error)),
  });
  const exchange = new HttpExchange({ dispatcher, authenticator: new Authenticator(schemesOf(options)), takesUnsealed: options.tls !== undefined || options.allowUnencrypted === true });
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    void exchange.answer(request, response).catch((error: unknown) => {
      // The client went away in the middle; there is nobody to tell.
      response.destroy(error as Error);
    });
  };
  const server: Server = options.tls ? createHttpsServer({ ...options.tls, ...clientCertificates(options) }, handler) : createHttpServer(handler);
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

function checkOptions({ listen, tls, allowUnencrypted, authenticateBasic, negotiate, certificates }: WsmanServerOptions): void {
  if (authenticateBasic && !tls && !allowUnencrypted && !isLoopback(listen.host)) {
    throw new Error(`listen.host ${listen.host} is not a loopback address, and passwords would cross the network in clear. Give tls, listen on 127.0.0.1, or set allowUnencrypted.`);
  }
  if (certificates && !tls) throw new Error("certificates need tls: a client shows its certificate while TLS is set up.");
  if (!authenticateBasic && !negotiate && !certificates) throw new Error("Nobody could come in: give authenticateBasic, negotiate or certificates.");
  if (tls && negotiate?.cbtHardeningLevel === "strict" && channelBinding(new X509Certificate(tls.cert).raw) === null) {
    throw new Error("cbtHardeningLevel is strict, but the certificate's signature has no hash that clients could bind to. Use a certificate that is signed with RSA or ECDSA.");
  }
}

/** In the order in which a stock host lists them. */
function schemesOf({ negotiate, certificates, authenticateBasic, computerName, provider }: WsmanServerOptions): readonly AuthenticationScheme[] {
  const schemes: AuthenticationScheme[] = [];
  if (negotiate) schemes.push(negotiateScheme({ secretOf: negotiate.secretOf, computerName, version: osVersion(provider.identify().version), cbtHardeningLevel: negotiate.cbtHardeningLevel ?? "relaxed" }));
  if (certificates) schemes.push(certificateScheme(certificates.userOf));
  if (authenticateBasic) schemes.push(basicScheme(authenticateBasic));
  return schemes;
}

/** Who shows no certificate, or one of another authority, may still come in otherwise. */
function clientCertificates({ certificates }: WsmanServerOptions): { readonly requestCert?: boolean; readonly rejectUnauthorized?: boolean; readonly ca?: string | Buffer } {
  return certificates ? { requestCert: true, rejectUnauthorized: false, ca: certificates.authority } : {};
}

function osVersion(text: string): OsVersion {
  const [major = 0, minor = 0, build = 0] = text.split(".").map(Number);
  return { major, minor, build };
}
