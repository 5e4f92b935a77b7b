import type { Decoder } from "./decoder.ts";

/** A place of the content at which decoding can begin. */
export interface Start {
  readonly offset: number;
  open(): Decoder;
}

/** A point is kept this often at first, then ever more seldom. Each holds a window. */
const EVERY_BYTES = 8 * 1024 * 1024;
const POINTS_MAX = 256;

/** Places at which a decoder stood that can be restored, in the order of the content. */
export class RestorePoints {
  #points: Start[] = [];
  #everyBytes = EVERY_BYTES;

  /** Remembers where a decoder stands, if it can be restored and no other point is near. */
  pass(offset: number, decoder: Decoder): void {
    if (decoder.restorePoint === undefined || offset - (this.before(offset)?.offset ?? 0) < this.#everyBytes) return;
    const place = this.#points.findLastIndex((point) => point.offset < offset) + 1;
    this.#points.splice(place, 0, { offset, open: decoder.restorePoint() });
    if (this.#points.length < POINTS_MAX) return;
    // Every second one goes; from here on they lie twice as far apart.
    this.#everyBytes *= 2;
    this.#points = this.#points.filter((_, index) => index % 2 === 1);
  }

  /** The last point at or in front of the byte. */
  before(offset: number): Start | undefined {
    return this.#points.findLast((point) => point.offset <= offset);
  }
}
