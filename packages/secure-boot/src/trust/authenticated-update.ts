import { readGuid } from "../guid.ts";

const CERTIFICATE_TYPE_GUID = "4aafd29d-68df-49ee-8aa9-347d375665a7";
const TIME_BYTES = 16;
const HEADER_BYTES = 40;
const EFI_GUID_TYPE = 0x0ef1;

/** An EFI_VARIABLE_AUTHENTICATION_2 file (UEFI 2.10, 8.2.2), taken apart. */
export interface AuthenticatedUpdate {
  /** EFI_TIME as it is signed. */
  readonly time: Uint8Array;
  /** PKCS#7, often bare SignedData without ContentInfo. */
  readonly signature: Uint8Array;
  /** Signature lists. */
  readonly payload: Uint8Array;
}

/** Null when the bytes are no such file. The signature is not checked: see apply-update.ts. */
export function readAuthenticatedUpdate(bytes: Uint8Array): AuthenticatedUpdate | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const certificateBytes = view.getUint32(TIME_BYTES, true);
  if (view.getUint16(TIME_BYTES + 6, true) !== EFI_GUID_TYPE || readGuid(bytes, TIME_BYTES + 8) !== CERTIFICATE_TYPE_GUID) return null;
  if (certificateBytes < HEADER_BYTES - TIME_BYTES || TIME_BYTES + certificateBytes > bytes.length) return null;
  const end = TIME_BYTES + certificateBytes;
  return { time: bytes.subarray(0, TIME_BYTES), signature: bytes.subarray(HEADER_BYTES, end), payload: bytes.subarray(end) };
}
