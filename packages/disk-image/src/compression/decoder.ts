/** Makes bytes out of compressed ones, from front to end. */
export interface Decoder {
  /** Some more bytes, as a view that is valid until the next call; null at the end. */
  next(): Promise<Uint8Array | null>;
  /** A place to begin again from, where that costs little memory. */
  restorePoint?(): () => Decoder;
}
