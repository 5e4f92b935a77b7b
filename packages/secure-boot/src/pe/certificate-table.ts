import { readGuid } from "../guid.ts";
import { type PeImage, securityDirectory, viewOf } from "./pe-image.ts";

export interface CertificateTable {
  /** PKCS#7 blobs in table order, each with the type of its entry. */
  readonly blobs: readonly { readonly type: number; readonly bytes: Uint8Array }[];
  /** Whether the walk ended exactly at the end of the directory; firmware refuses the image otherwise, whatever it found. */
  readonly isWellFormed: boolean;
}

const PKCS_SIGNED_DATA = 0x0002;
const EFI_GUID = 0x0ef1;
const PKCS7_GUID = "4aafd29d-68df-49ee-8aa9-347d375665a7";
const ENTRY_HEADER_BYTES = 8;
const GUID_HEADER_BYTES = 24;
/** Real images carry one to four; a table of empty entries must not cost more than its bytes. */
const BLOBS_MAX = 256;

/** Walks the attribute certificate table as DxeImageVerificationHandler does. Null when the image has none: it is unsigned. */
export function readCertificateTable(image: PeImage): CertificateTable | null {
  const directory = image.directories[securityDirectory];
  if (directory === undefined || directory.sizeBytes === 0) return null;
  const view = viewOf(image.file);
  const end = directory.address + directory.sizeBytes;
  const blobs: { type: number; bytes: Uint8Array }[] = [];
  let offset = directory.address;
  while (end - offset > ENTRY_HEADER_BYTES && blobs.length < BLOBS_MAX) {
    const length = view.getUint32(offset, true);
    const padding = (8 - (length % 8)) % 8;
    if (length > end - offset || length + padding > end - offset) break;
    const type = view.getUint16(offset + 6, true);
    if (type === PKCS_SIGNED_DATA) {
      if (length <= ENTRY_HEADER_BYTES) break;
      blobs.push({ type, bytes: image.file.subarray(offset + ENTRY_HEADER_BYTES, offset + length) });
    } else if (type === EFI_GUID) {
      if (length <= GUID_HEADER_BYTES) break;
      if (readGuid(image.file, offset + ENTRY_HEADER_BYTES) === PKCS7_GUID) blobs.push({ type, bytes: image.file.subarray(offset + GUID_HEADER_BYTES, offset + length) });
    } else if (length < ENTRY_HEADER_BYTES) break;
    offset += length + padding;
  }
  return { blobs, isWellFormed: offset === end };
}
