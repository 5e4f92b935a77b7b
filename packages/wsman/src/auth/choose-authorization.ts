import { type Authorization, basicAuthorization, headerSession, silentSession } from "./authorization.ts";
import { certificateAuthorization } from "./certificate-scheme.ts";
import { kerberosAuthorization } from "./kerberos-authorization.ts";
import { isLoopback } from "./loopback.ts";
import { negotiateAuthorization } from "./negotiate-authorization.ts";

export type Authentication = "basic" | "negotiate" | "certificate" | "kerberos";

export interface AuthorizationOptions {
  readonly url: URL;
  readonly user: string;
  readonly password: string;
  readonly authentication: Authentication | undefined;
  readonly hasCertificate: boolean;
  readonly allowUnencrypted: boolean;
}

/** The way that is asked for, or the one that fits. @throws TypeError for a way that cannot be meant */
export function chooseAuthorization(options: AuthorizationOptions): Authorization {
  const { url, user, password, authentication, hasCertificate, allowUnencrypted } = options;
  const isSecure = url.protocol === "https:";
  const isSafe = isSecure || isLoopback(url.hostname);
  switch (authentication) {
    case "basic":
      if (!isSafe && !allowUnencrypted) throw new TypeError(`Basic would send the password to ${url.host} in clear. Use https, or authentication "negotiate", which seals messages over http.`);
      return basicAuthorization(user, password);
    case "negotiate": return negotiateAuthorization({ user, password });
    case "kerberos":
      if (!isSecure) throw new TypeError('Kerberos is spoken over https only, because its messages are not sealed. Use https, or authentication "negotiate".');
      return kerberosAuthorization(url.hostname, user);
    case "certificate":
      if (!isSecure || !hasCertificate) throw new TypeError('Authentication "certificate" needs an https address, and clientCertificate with cert and key.');
      return certificateOnly;
    case undefined:
      if (hasCertificate && isSecure) return certificateOnly;
      return isSafe ? offeredAuthorization(user, password) : negotiateAuthorization({ user, password });
  }
}

const certificateSession = headerSession(certificateAuthorization,
  'The certificate must be mapped to a local user there (winrm enumerate winrm/config/service/certmapping) and Certificate be enabled (winrm set winrm/config/service/auth @{Certificate="true"}).');
const certificateOnly: Authorization = { login: async () => certificateSession };

/** What the host offers: Negotiate, which tells nobody the password, else Basic. For connections that nobody listens to. */
function offeredAuthorization(user: string, password: string): Authorization {
  const basic = basicAuthorization(user, password);
  return negotiateAuthorization({ user, password }, (answer, offered) => {
    // Who asks for nothing is told nothing.
    if (answer.status !== 401) return Promise.resolve(silentSession());
    return offered.includes("basic") ? basic.login() : null;
  });
}
