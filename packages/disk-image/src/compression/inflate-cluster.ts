import { compressedDataError } from "./compressed-data-error.ts";
import { History } from "./history.ts";
import { DEFLATE_MATCH_BYTES_MAX, Inflater } from "./inflater.ts";

const ZLIB_HEAD_BYTES = 2;
const ZLIB_METHOD_DEFLATE = 8;
const ZLIB_HAS_DICTIONARY = 0x20;

/** Decodes DEFLATE data that shall give exactly `sizeBytes`; what lies behind its end is not looked at. Throws `DI-COMPRESSED-DATA`. */
export function inflateCluster(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const history = new History(sizeBytes, DEFLATE_MATCH_BYTES_MAX);
  const inflater = new Inflater();
  inflater.run({ bytes, position: 0, isComplete: true }, history, sizeBytes);
  if (history.end < sizeBytes) throw compressedDataError(`it gives ${history.end} bytes where ${sizeBytes} are expected`);
  return history.bytes.subarray(0, sizeBytes);
}

/** The same for data in zlib's wrapping (RFC 1950). */
export function inflateZlibCluster(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const [method = 0, flags = 0] = bytes;
  if ((method & 15) !== ZLIB_METHOD_DEFLATE || (method * 256 + flags) % 31 !== 0 || (flags & ZLIB_HAS_DICTIONARY) !== 0) throw compressedDataError("it does not begin as zlib data does");
  return inflateCluster(bytes.subarray(ZLIB_HEAD_BYTES), sizeBytes);
}

