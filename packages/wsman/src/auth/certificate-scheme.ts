import type { X509Certificate } from "node:crypto";
import { TLSSocket } from "node:tls";
import type { AuthenticationScheme } from "../server/authentication.ts";

/** The local user that a certificate stands for, as `winrm/config/service/certmapping` says; null for none. */
export type UserOfCertificate = (certificate: X509Certificate) => string | null;

/** The value of Authorization that says: look at my certificate (DSP0226, 12.3). */
export const certificateAuthorization = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";

/** Client certificates. TLS has checked the chain and that the key is the client's; a certificate that it did not verify is nobody's. */
export function certificateScheme(userOf: UserOfCertificate): AuthenticationScheme {
  return {
    challenge: null,
    async authenticate(authorization, connection) {
      if (authorization.trim().toLowerCase() !== certificateAuthorization) return undefined;
      const certificate = connection instanceof TLSSocket && connection.authorized ? connection.getPeerX509Certificate() : undefined;
      const user = certificate ? userOf(certificate) : null;
      return user === null ? { kind: "refused" } : { kind: "accepted", caller: { user, session: null }, lasts: false, answer: null };
    },
  };
}

// Node puts into quotation marks what could be taken for more than one name; no user of Windows is called like that.
const principalName = /(?:^|, )othername:UPN:([^,"]+)(?:, |$)/;

/** The user principal name in a certificate's subjectAltName, which WinRM's mapping goes by; null where there is none. */
export function principalNameOf(certificate: X509Certificate): string | null {
  return principalName.exec(certificate.subjectAltName ?? "")?.[1] ?? null;
}
