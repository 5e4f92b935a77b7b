import type { PlainMessage } from "./sealed-message.ts";

/** One connection to a host, as a scheme sees it while it proves who we are. */
export interface LoginConnection {
  /** For messages; free of secrets. */
  readonly address: string;
  /** One empty request over this connection, with this Authorization. */
  ask(authorization: string): Promise<LoginAnswer>;
}

export interface LoginAnswer {
  readonly status: number;
  /** What WWW-Authenticate offers or answers. */
  readonly challenges: readonly string[];
  /** DER of the host's certificate; null over plain HTTP. */
  readonly certificate: Buffer | null;
}

/** What a login left behind: how messages go over the connection from then on. */
export interface ConnectionSession {
  /** True when it is worth nothing on any other connection, so that it has to be made anew there. */
  readonly isBound: boolean;
  /** What to look at when the host refuses a message all the same, as sentences. */
  readonly advice: string;
  /** A message as it goes out, and the headers that it needs. */
  write(message: PlainMessage): { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer };
  /** The body of an answer as the host meant it. @throws NtlmError when it is not what the host sealed */
  read(answer: PlainMessage & { readonly status: number }): Buffer;
}

/** How requests prove who sends them. One object serves all connections to one host. */
export interface Authorization {
  /** @throws WsmanTransportError or NtlmError */
  login(connection: LoginConnection): Promise<ConnectionSession>;
}

/** A session that sets this header with every message. */
export function headerSession(header: string, advice: string): ConnectionSession {
  return {
    isBound: false, advice,
    write: ({ contentType, body }) => ({ headers: { "Content-Type": contentType, Authorization: header }, body }),
    read: ({ body }) => body,
  };
}

/** A session on a connection that is ours as a whole, where no message says so any more. */
export function silentSession(advice = ""): ConnectionSession {
  return {
    isBound: true, advice,
    write: ({ contentType, body }) => ({ headers: { "Content-Type": contentType }, body }),
    read: ({ body }) => body,
  };
}

/** RFC 7617: user and password with every request. */
export function basicAuthorization(user: string, password: string): { login(): Promise<ConnectionSession> } {
  const session = headerSession(`Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`,
    'Basic must be enabled on the host (winrm set winrm/config/service/auth @{Basic="true"}) and the account must be local.');
  return { login: async () => session };
}

/** The schemes that WWW-Authenticate names, in lower case. */
export function offeredSchemes(challenges: readonly string[]): readonly string[] {
  return challenges.flatMap((line) => [...line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(/(?:^|,)\s*([A-Za-z][\w-]*)(?=\s*(?:,|$)|\s+[^\s=])/g)].map((match) => (match[1] ?? "").toLowerCase()));
}

/** The token that answers ours; null where there is none. */
export function answeredToken(challenges: readonly string[], scheme: string): Buffer | null {
  for (const line of challenges) {
    const match = new RegExp(`(?:^|,)\\s*${scheme}\\s+([A-Za-z0-9+/]+=*)\\s*(?:,|$)`, "i").exec(line);
    if (match?.[1]) return Buffer.from(match[1], "base64");
  }
  return null;
}
