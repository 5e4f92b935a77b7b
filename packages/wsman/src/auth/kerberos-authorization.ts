import { WsmanTransportError } from "../client/transport-error.ts";
import { answeredToken, type Authorization, silentSession } from "./authorization.ts";

/** What is used of the npm package `kerberos`. */
export interface KerberosLibrary {
  initializeClient(service: string, options?: { readonly principal?: string }): Promise<KerberosClient>;
}

interface KerberosClient {
  /** Whose ticket it was, once all is said. */
  readonly username?: string | null;
  /** Takes and gives tokens in base64; gives nothing when there is nothing more to say. */
  step(challenge: string): Promise<string | null>;
}

/** The package is the operator's to install: it needs the system's Kerberos library and a compiler. A name in a variable keeps it out of bundles. */
const packageName: string = "kerberos";

async function loadKerberos(): Promise<KerberosLibrary> {
  try {
    const loaded = await import(packageName) as { readonly default?: KerberosLibrary } & KerberosLibrary;
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new WsmanTransportError("unauthorized", 'Kerberos needs the npm package "kerberos", which is not here. Install it (npm install kerberos; on Debian libkrb5-dev and build-essential are needed), or use Negotiate, which needs nothing.', { cause });
  }
}

const scheme = "Negotiate";

/**
 * Kerberos over TLS, with the tickets of the process (kinit, or a keytab in KRB5_CLIENT_KTNAME): the library takes no password. `user` picks
 * the principal among them, where it is not empty. Messages are not sealed beyond TLS.
 */
export function kerberosAuthorization(host: string, user: string, load: () => Promise<KerberosLibrary> = loadKerberos): Authorization {
  const advice = `The host must know the service HTTP/${host}, and the process must have a ticket (klist shows it).`;
  return {
    async login(connection) {
      const library = await load();
      const explain = (cause: unknown): never => {
        throw new WsmanTransportError("unauthorized", `Kerberos cannot log on to ${connection.address}: ${cause instanceof Error ? cause.message : String(cause)}. ${advice}`, { cause });
      };
      const client = await library.initializeClient(`HTTP@${host}`, user === "" ? {} : { principal: user }).catch(explain);
      const step = (challenge: string) => client.step(challenge).catch(explain);
      for (let challenge = "", legs = 0; legs < legsMax; legs++) {
        const token = await step(challenge);
        const answer = await connection.ask(`${scheme} ${token ?? ""}`);
        challenge = answeredToken(answer.challenges, scheme)?.toString("base64") ?? "";
        if (answer.status === 200) {
          // The host's own proof: who cannot give it is not the host.
          if (challenge !== "") await step(challenge);
          checkUser(user, client.username ?? "");
          return silentSession(advice);
        }
        if (answer.status !== 401 || challenge === "") break;
      }
      throw new WsmanTransportError("unauthorized", `${connection.address} refuses the Kerberos ticket. ${advice}`, { httpStatus: 401 });
    },
  };
}

/** The library takes another's ticket where it finds none of the one that it was asked for. */
function checkUser(wanted: string, found: string): void {
  const matches = wanted === "" || found === "" || found.toLowerCase() === wanted.toLowerCase() || found.replace(/@.*$/s, "").toLowerCase() === wanted.toLowerCase();
  if (!matches) throw new WsmanTransportError("unauthorized", `The Kerberos ticket here is one of ${found}, but ${wanted} should log on. Get one (kinit ${wanted}), or name that user.`);
}

// One for the ticket, and some for hosts that ask for another mechanism first.
const legsMax = 4;
