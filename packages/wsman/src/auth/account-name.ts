/** A user as people write it, in the parts that NTLM sends (MS-NLMP 2.2.1.3). */
export interface AccountName {
  readonly user: string;
  /** Empty for a bare name and for `user@domain`, which goes whole, as from Windows. A dot stands for the host itself. */
  readonly domain: string;
}

/** `DOMAIN\user`, `.\user`, `user@domain` or `user`. */
export function parseAccountName(text: string): AccountName {
  const backslash = text.indexOf("\\");
  return backslash < 0 ? { user: text, domain: "" } : { user: text.slice(backslash + 1), domain: text.slice(0, backslash) };
}

/**
 * The local account that a name means, in lower case. A computer without a domain takes any domain's name for its own, and the names
 * of local accounts hold neither backslash nor at-sign.
 */
export function localAccountName(text: string): string {
  const { user } = parseAccountName(text);
  return user.replace(/@.*$/s, "").toLowerCase();
}
