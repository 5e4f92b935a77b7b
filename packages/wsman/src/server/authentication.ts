import { isUtf8 } from "node:buffer";

/**
 * Who is calling. A scheme looks at the Authorization header of one request; schemes that belong to a connection (NTLM) keep
 * their state by the `connection` they are handed. New schemes are added to the list given to the server, nothing else changes.
 */
export interface AuthenticationScheme {
  /** The value of WWW-Authenticate that offers this scheme. */
  readonly challenge: string;
  /** The user, null when the credentials are wrong, undefined when the header is another scheme's. */
  authenticate(authorization: string, connection: object): Promise<string | null | undefined>;
}

export type BasicCheck = (user: string, password: string) => boolean | Promise<boolean>;

/** RFC 7617. The realm is the one WinRM names. */
export function basicScheme(check: BasicCheck): AuthenticationScheme {
  return {
    challenge: 'Basic realm="WSMAN"',
    async authenticate(authorization) {
      const match = /^Basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(authorization);
      if (!match) return /^Basic\b/i.test(authorization) ? null : undefined;
      const bytes = Buffer.from(match[1] ?? "", "base64");
      // Nothing says which bytes letters beyond ASCII have: our own client sends UTF-8, Python's requests send Latin-1.
      const text = bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
      const colon = text.indexOf(":");
      if (colon < 0) return null;
      const user = text.slice(0, colon);
      return (await check(user, text.slice(colon + 1))) ? user : null;
    },
  };
}
