import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import type { NtlmSession } from "../auth/ntlm-session.ts";

/** Who sends a request. */
export interface Caller {
  readonly user: string;
  /** What seals the messages of this connection; null where the scheme knows no sealing. */
  readonly session: NtlmSession | null;
}

export type AuthenticationStep =
  /** `lasts`: the whole connection is the caller's from now on. `answer` goes out as WWW-Authenticate. */
  | { readonly kind: "accepted"; readonly caller: Caller; readonly lasts: boolean; readonly answer: string | null }
  /** The client has to send more; `answer` goes out as WWW-Authenticate. */
  | { readonly kind: "challenged"; readonly answer: string }
  | { readonly kind: "refused" };

/** Who is calling. A scheme looks at the Authorization header of one request; what takes several legs keeps its state by the connection. */
export interface AuthenticationScheme {
  /** The value of WWW-Authenticate that offers this scheme; null for one that is not offered in words. */
  readonly challenge: string | null;
  /** Undefined when the header is another scheme's. */
  authenticate(authorization: string, connection: Socket): Promise<AuthenticationStep | undefined>;
}

export type BasicCheck = (user: string, password: string) => boolean | Promise<boolean>;

/** RFC 7617. The realm is the one WinRM names. */
export function basicScheme(check: BasicCheck): AuthenticationScheme {
  return {
    challenge: 'Basic realm="WSMAN"',
    async authenticate(authorization) {
      const match = /^Basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(authorization);
      if (!match) return /^Basic\b/i.test(authorization) ? { kind: "refused" } : undefined;
      const bytes = Buffer.from(match[1] ?? "", "base64");
      // Nothing says which bytes letters beyond ASCII have: our own client sends UTF-8, Python's requests send Latin-1.
      const text = bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
      const colon = text.indexOf(":");
      if (colon < 0) return { kind: "refused" };
      const user = text.slice(0, colon);
      return (await check(user, text.slice(colon + 1))) ? { kind: "accepted", caller: { user, session: null }, lasts: false, answer: null } : { kind: "refused" };
    },
  };
}

/** All schemes of a server, and whose each connection is. */
export class Authenticator {
  readonly #schemes: readonly AuthenticationScheme[];
  readonly #callers = new WeakMap<Socket, Caller>();

  constructor(schemes: readonly AuthenticationScheme[]) {
    this.#schemes = schemes;
  }

  get challenges(): readonly string[] {
    return this.#schemes.flatMap(({ challenge }) => challenge ?? []);
  }

  /** Credentials count for what they say, also where the connection was another's before: nobody inherits it. */
  async identify(authorization: string | undefined, connection: Socket): Promise<AuthenticationStep> {
    const caller = this.#callers.get(connection);
    if (authorization === undefined || authorization === "") return caller ? { kind: "accepted", caller, lasts: false, answer: null } : { kind: "refused" };
    this.#callers.delete(connection);
    for (const scheme of this.#schemes) {
      const step = await scheme.authenticate(authorization, connection);
      if (step === undefined) continue;
      if (step.kind === "accepted" && step.lasts) this.#callers.set(connection, step.caller);
      return step;
    }
    return { kind: "refused" };
  }
}
