/** NEGOTIATE flags (MS-NLMP 2.2.2.5), those that either end of ours sets or asks about. */
export const NTLM = {
  unicode: 0x0000_0001,
  oem: 0x0000_0002,
  requestTarget: 0x0000_0004,
  sign: 0x0000_0010,
  seal: 0x0000_0020,
  ntlm: 0x0000_0200,
  anonymous: 0x0000_0800,
  alwaysSign: 0x0000_8000,
  targetTypeServer: 0x0002_0000,
  extendedSessionSecurity: 0x0008_0000,
  targetInfo: 0x0080_0000,
  version: 0x0200_0000,
  key128: 0x2000_0000,
  keyExchange: 0x4000_0000,
  key56: 0x8000_0000,
} as const;

/** What sealed messages need; Windows insists on 128 bits since 7 and Server 2008 R2. */
export const sealingFlags = NTLM.sign | NTLM.seal | NTLM.extendedSessionSecurity | NTLM.key128;

export function hasFlags(flags: number, wanted: number): boolean {
  // Bit 31 makes these numbers negative; both sides have to become signed alike.
  return (flags & wanted) === (wanted | 0);
}
