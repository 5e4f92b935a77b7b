const GUID_BYTES = 16;
const GUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Where each byte of the text form lies in memory: the first three fields are little-endian (UEFI 2.10, appendix A). */
const TEXT_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** Lower-case text form of the EFI_GUID at `offset`. The sixteen bytes must be there. */
export function readGuid(bytes: Uint8Array, offset: number): string {
  const hex = TEXT_ORDER.map((position) => (bytes[offset + position] ?? 0).toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The sixteen bytes of an EFI_GUID. Throws `RangeError` when the text is not a GUID. */
export function guidBytes(guid: string): Uint8Array {
  const text = guid.toLowerCase();
  if (!GUID_PATTERN.test(text)) throw new RangeError(`"${guid}" is not a GUID of the form 00000000-0000-0000-0000-000000000000.`);
  const digits = text.replaceAll("-", "");
  const bytes = new Uint8Array(GUID_BYTES);
  TEXT_ORDER.forEach((position, index) => {
    bytes[position] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  });
  return bytes;
}
