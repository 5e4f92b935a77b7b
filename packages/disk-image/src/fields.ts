const TEXT_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** Numbers out of a structure. Sizes of 64 bits become `Infinity` where they are beyond what a file could have. */
export class Fields {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(offset: number): number {
    return this.#view.getUint8(offset);
  }
  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }
  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
  u64(offset: number): number {
    return finite(this.#view.getBigUint64(offset, true));
  }
  u64Exact(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }
  u32Big(offset: number): number {
    return this.#view.getUint32(offset, false);
  }
  u64ExactBig(offset: number): bigint {
    return this.#view.getBigUint64(offset, false);
  }
  u64Big(offset: number): number {
    return finite(this.#view.getBigUint64(offset, false));
  }
  text(offset: number, length: number): string {
    return String.fromCharCode(...this.bytes.subarray(offset, offset + length));
  }
  /** A GUID as Microsoft and UEFI lay it out, in lower-case text. */
  guid(offset: number): string {
    const hex = TEXT_ORDER.map((position) => this.u8(offset + position).toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
}

function finite(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

export const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isSafeInteger(value) && 2 ** Math.round(Math.log2(value)) === value;
