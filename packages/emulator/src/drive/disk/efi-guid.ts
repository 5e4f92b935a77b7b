/** GUIDs as UEFI stores them: the first three fields little-endian (UEFI 2.10 appendix A). */
export function efiGuidBytes(text: string): Uint8Array {
  const hex = text.replaceAll("-", "");
  if (!/^[0-9a-fA-F]{32}$/.test(hex)) throw new Error(`"${text}" is not a GUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.`);
  const plain = Uint8Array.from(Buffer.from(hex, "hex"));
  return Uint8Array.from(swapped, (from) => plain[from] ?? 0);
}

export function efiGuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(Uint8Array.from(swapped, (from) => bytes[from] ?? 0)).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const swapped = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
